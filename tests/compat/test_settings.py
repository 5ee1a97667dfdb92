"""What a claim sets is said in one wording."""

from wherry.compat.settings import settings_of
from wherry.model.checks import Configure


def test_parameters_come_by_name_and_then_what_is_masked() -> None:
    configure = Configure(params={"heads": 2, "ecc": False}, mask_features=("decode",))

    assert settings_of(configure) == ["set ecc = off", "set heads = 2", "mask decode"]
