"""Every pair of versions under every policy: what is published meets what is asked just where
the rules let it pass, but for the rows that say `superset`.
"""

from itertools import product

import pytest
from msgspec import UNSET

from wherry.compat.policies.axis import judge
from wherry.compat.query.versions import ask, publish
from wherry.compat.query.vocabulary import Vocabulary
from wherry.model.device import Range

KEY = ("vf", "vfio-pci", "a/x")
POLICIES = (UNSET, "semver", "exact", "major", "monotonic", "range", "accepts", "none")
WANTED = (UNSET, None, "1.0", "1.1.3", "01.2", "2.0", "7", "a", "1.1-rc")
OFFERED = (
    *WANTED, "1.2", "10", (), ("1.0", "a"), ("7", "2.0"),
    Range(min="1.1"), Range(max="2"), Range(min="a"),
)  # fmt: skip


@pytest.mark.parametrize("axis", ["interface", "state"])
@pytest.mark.parametrize("opaque", [True, False])
def test_marks_meet_where_the_rules_let_pass(axis, opaque):
    """Opaque texts pass where a warning is taken."""
    known = Vocabulary(
        mark
        for policy, supports in product(POLICIES, OFFERED)
        for mark in publish(axis, KEY, policy, supports)
    )
    for ours, theirs, wanted, offered in product(POLICIES, POLICIES, WANTED, OFFERED):
        found = judge((ours, theirs), wanted, offered, both_absent_is_fine=axis == "state")
        passes = {code for code, _ in found} <= ({"OPAQUE"} if opaque else set())
        published = {*publish(axis, KEY, theirs, offered)}
        meeting = ask(axis, KEY, ours, wanted, known, opaque=opaque) & published

        case = (ours, theirs, wanted, offered, meeting)
        assert meeting or not passes, case
        assert passes or {mark[2] for mark in meeting} <= {"range", "unstated", "absent"}, case
