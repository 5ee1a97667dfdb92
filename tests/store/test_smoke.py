def test_smoke(store):
    assert store.read(lambda tx: 1) == 1
