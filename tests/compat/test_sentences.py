"""What people read of a reason is one plain sentence, whatever words it takes in."""

import pytest

from wherry.compat.sentences import explain
from wherry.model.checks import Reason


@pytest.mark.parametrize("because", ["check them", "check them.", "check them..."])
def test_a_vendors_words_end_the_sentence_once(because: str) -> None:
    detail = {"pack": "nvidia-vgpu", "row": "same-branch", "because": because}
    reason = Reason(code="POLICY", severity="warn", stage="filter", rule="R47", detail=detail)

    assert explain(reason) == ("Row same-branch of policy pack nvidia-vgpu objects: check them.")
