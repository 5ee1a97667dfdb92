"""The scheduler's own reasons: each is produced, explained and documented."""

from string import Formatter

import pytest
from msgspec.structs import replace

from builders import (
    FB,
    a_contract,
    a_fleet,
    a_guest,
    a_host,
    a_host_record,
    a_host_view,
    a_provider,
    a_root,
    a_uuid,
)
from doc_tables import read_table
from moves import a_move
from schedule.numa_twin import a_node
from wherry.compat.table import BY_CODE as OF_COMPAT
from wherry.compat.table import family
from wherry.model.bounds import Bounds, Membership, parse_restriction
from wherry.model.checks import Policy, Reason
from wherry.model.groups import Group, Placed
from wherry.model.guests import NumaAsked
from wherry.model.inventory import Inventory, Use
from wherry.model.targets import TargetsRequest
from wherry.model.tenancy import ClosedBy
from wherry.schedule.cache import JudgementCache
from wherry.schedule.evaluate import evaluate
from wherry.schedule.reasons import (
    BY_CODE,
    ROWS,
    cause,
    explain,
    make_reason,
    meaning_of,
    sides,
)
from wherry.schedule.targets import ask, judge_host

PAGE = "reference/scheduler-reasons.md"


def reasons_on(host, guest=None):
    """All reasons of a host, and of the slots there."""
    guest = a_guest() if guest is None else guest
    answer = evaluate(ask(guest, TargetsRequest(), JudgementCache()), host)
    return answer.reasons


def view_of(name, *changes):
    view = a_fleet(changes).view.get(name)
    assert view is not None
    return view


def same_host():
    return reasons_on(a_host_view("host1"))


def host_state():
    return reasons_on(a_host_view("host2", state="maintenance"))


def host_tenant():
    labelled = a_host_record("host2", labels={"tenants": "red, blue"})
    return reasons_on(view_of("host2", labelled, *a_host("host2")[1:]), a_guest(tenant="green"))


def host_unpublished():
    guest = a_guest(resources={}, slots={})
    return reasons_on(view_of("host2", a_host_record("host2")), guest)


def host_resources():
    return reasons_on(a_host_view("host2", used={"VCPU": 62}))


def devices_unsettled():
    gpu = a_provider("host2_gpu0", host="host2", note="unsettled", device="0000:3b:00.0")
    return reasons_on(view_of("host2", a_host_record("host2"), a_root("host2"), gpu))


def objection():
    move = a_move()
    return move.judge(move.ask()["source"], ok=False, objections=("pinned memory",)).reasons


def timeout():
    move = a_move()
    move.ask(wait_s=5.0)
    move.signal("confirm", side="target", token=1)
    move.settle(50.0)
    return move.migration.history[-1].reasons


def facts_moved():
    move = a_move()
    job = move.ask()["target"]
    move.fleet.apply([
        a_provider("host2_gpu0", host="host2", generation=2, facts_generation=5, offers=[])
    ])  # fmt: skip
    return move.judge(job).reasons


def process():
    move = a_move()
    return move.judge(move.ask()["source"], process="4712:9").reasons


def contract():
    move = a_move()
    job = move.ask()["source"]
    return move.judge(job, guest_addresses={"gpu0": "0000:00:05.0"}).reasons


def device_absent():
    move = a_move()
    return move.judge(move.ask()["target"], ok=False, missing=("gpu0",)).reasons


def on_nodes(policy, *nodes):
    """The reasons of host2, each of whose boards has room for one of the guest's devices."""
    host = a_host("host2", devices=len(nodes), use=Use(charged={FB: 12288}))
    record, root, *boards = host
    boards = [
        each if node is None
        else replace(each, plan=replace(each.plan, parent=a_uuid(f"host2_NUMA{node}")))
        for each, node in zip(boards, nodes, strict=True)
    ]  # fmt: skip
    changes = [record, root, *(a_node("host2", node) for node in (0, 1)), *boards]
    guest = a_guest(*(a_contract(slot=f"gpu{n}") for n in range(2)), numa=NumaAsked(policy=policy))
    question = ask(guest, TargetsRequest(), JudgementCache())
    return judge_host(question, None, a_fleet(changes).view.get("host2"))[1].reasons


def in_aggregate():
    """The reasons of host2 where its aggregates are for others."""
    closed = {"host2": ClosedBy(("a", "b"), ("blue", "red"))}
    view = a_fleet(a_host("host2")).view
    guest, bounds = a_guest(tenant="green"), Bounds(closed=closed)
    question = ask(guest, TargetsRequest(), JudgementCache(), bounds)
    return judge_host(question, None, view.get("host2"))[1].reasons


def outside(text, *aggregates):
    """The reasons of host2, which is in these aggregates."""
    members = Membership((parse_restriction(text),), {"host2": frozenset(aggregates)})
    view = a_fleet(a_host("host2")).view
    question = ask(a_guest(), TargetsRequest(), JudgementCache(), Bounds(members=members))
    return judge_host(question, None, view.get("host2"))[1].reasons


def beside(policy):
    """The reasons of host2 where another guest of a group is on it, or on host3."""
    host = "host2" if policy == "anti-affinity" else "host3"
    placed = Placed(Group(id="web", policy=policy), {host: 1})
    view = a_fleet(a_host("host2")).view
    question = ask(a_guest(), TargetsRequest(), JudgementCache(), Bounds((placed,)))
    return judge_host(question, None, view.get("host2"))[1].reasons


def contract_changed():
    move = a_move()
    job = move.ask()["source"]
    move.guest = a_guest(slots={}, migration=move.guest.migration)
    return move.judge(job).reasons


PRODUCED = {
    "SAME_HOST": (same_host, "The guest is on this host already."),
    "HOST_STATE": (host_state, "The host is in state maintenance."),
    "HOST_TENANT": (
        host_tenant, "The host takes guests of blue, red alone; this one is of green."),
    "HOST_AGGREGATE": (
        in_aggregate,
        "The host is in aggregates a, b, for guests of blue, red alone; this one is of green."),
    "HOST_MEMBER_OF": (
        lambda: outside("in:a,b", "c", "d"),
        "Aggregates in:a,b are asked for; the host is in c, d."),
    "HOST_NUMA": (
        lambda: on_nodes("required", 0, 1),
        "The host has no room for the devices on 1 NUMA node(s), which policy required asks for."),
    "HOST_NUMA_UNKNOWN": (
        lambda: on_nodes("required", 0, None),
        ("It is not known whether the devices would be on 1 NUMA node(s), which policy required "
         "asks for.")),
    "HOST_APART": (
        lambda: beside("anti-affinity"),
        "The host has 1 of group web already, and 1 may be on one."),
    "HOST_TOGETHER": (
        lambda: beside("affinity"), "Group web keeps together, and is on host3."),
    "HOST_UNPUBLISHED": (
        host_unpublished, "The host has no resource provider of its own yet."),
    "HOST_RESOURCES": (host_resources, "The host has no room: 4 of VCPU asked, 2 free."),
    "DEVICES_UNSETTLED": (
        devices_unsettled,
        "Devices of the host kept changing while they were read: 0000:3b:00.0."),
    "PREFLIGHT_OBJECTION": (objection, "The source objects: pinned memory"),
    "PREFLIGHT_TIMEOUT": (timeout, "The source has not answered in time."),
    "PREFLIGHT_FACTS_MOVED": (
        facts_moved,
        ("The facts of provider 257f1b9c-c873-5286-a7cb-070846c65821 on the target moved: "
         "decided on generation 1, now 5.")),
    "PREFLIGHT_PROCESS": (
        process,
        "The guest runs in another QEMU process: 4711:1 is recorded, 4712:9 was found."),
    "PREFLIGHT_CONTRACT": (
        contract_changed,
        ("The device in slot gpu0 is no longer the one that the claim was decided on: "
         "type acme/gpu-a then, type nothing now.")),
    "PREFLIGHT_DEVICE_ABSENT": (
        device_absent, "The target does not find the device of slot gpu0."),
}  # fmt: skip
"""Code to what produces it, and the sentence it is told in."""


@pytest.mark.parametrize("code", BY_CODE)
def test_every_reason_is_produced_and_told_with_its_values(code):
    """No code is only on paper, and each sentence shows the facts."""
    produce, sentence = PRODUCED[code]
    found = {reason.code: reason for reason in produce()}

    assert code in found
    row, reason = BY_CODE[code], found[code]
    assert (reason.rule, reason.severity, reason.stage) == (row.rule, row.severity, row.stage)
    assert explain(reason) == sentence
    assert tuple(reason.detail)[: len(row.naming)] == row.naming
    wanted = {name for _, name, _, _ in Formatter().parse(row.sentence) if name}
    assert wanted <= set(reason.detail)


def test_an_address_that_is_only_learnt_is_no_reason():
    """The source tells where the device is in the guest, and nobody had said otherwise."""
    assert contract() == ()


def test_the_page_states_exactly_the_table():
    """Row by row, in the same order, each with something that helps."""
    printed = read_table(PAGE, "rule")
    helps = [row.pop("what helps") for row in printed]

    assert printed == [
        {
            "rule": row.rule,
            "code": row.code,
            "severity": row.severity,
            "stage": row.stage,
            "naming details": _listed(row.naming),
            "given if": row.given_if,
            "sentence": row.sentence,
        }
        for row in ROWS
    ]
    assert all(len(text) > 20 for text in helps)


def _listed(naming):
    if len(naming) == 1:
        return naming[0]
    return ", ".join(f"`{name}`" for name in naming)


def test_codes_and_rules_are_those_that_the_specification_leaves_unused():
    """Both tables stand in one answer, so no code may mean two things."""
    assert not set(BY_CODE) & set(OF_COMPAT)
    assert {row.rule for row in ROWS} <= {f"R{number}" for number in range(80, 90)}
    assert not {row.rule for row in ROWS} & {entry.rule for entry in OF_COMPAT.values()}


def test_an_end_user_sees_the_family_host():
    """Nothing of what a host is short of, or which process runs there."""
    assert {family(row.rule) for row in ROWS} == {"host"}


def test_a_reason_of_the_specification_is_told_by_its_own_sentence():
    """Whoever shows reasons need not know which table one is from."""
    reason = Reason(
        code="MACHINE_TYPE", severity="no", stage="filter", rule="R63", detail={"wanted": "q35"}
    )

    assert explain(reason) == "The host does not know machine type q35."


def test_a_value_that_is_not_there_is_told_as_nothing():
    """Rather than as None, an empty place, or brackets."""
    reason = make_reason(
        "PREFLIGHT_CONTRACT", slot="gpu0", wanted={"features": ["x", "y"]}, offered={}
    )

    assert explain(reason).endswith("features x, y then, nothing now.")


def test_reasons_count_in_every_mode():
    """A host in maintenance takes no guest, however it would come."""
    host = a_host_view("host2", state="disabled")

    for mode in ("live", "suspend", "cold"):
        request = TargetsRequest(policy=Policy(mode=mode))
        answer = evaluate(ask(a_guest(), request, JudgementCache()), host)
        assert {each: answer.modes[each] for each in answer.modes} == dict.fromkeys(
            ("live", "suspend", "cold"), "no"
        )
        assert [reason.code for reason in answer.reasons] == ["HOST_STATE"]
    assert cause("HOST_STATE").modes == 15


REMEDIES = {
    "HOST_STATE": ({"state": "disabled"}, {"state": "enabled"}),
    "HOST_RESOURCES": ({"used": {"VCPU": 61, "MEMORY_MB": 260000}}, {"used": {}}),
}


@pytest.mark.parametrize("code", REMEDIES)
def test_a_refusal_becomes_ok_once_its_causes_are_removed(code):
    """Re-evaluated with all that was reported taken away, nothing else comes up."""
    broken, mended = REMEDIES[code]
    before = reasons_on(a_host_view("host2", **broken))
    after = reasons_on(a_host_view("host2", **mended))

    assert {reason.code for reason in before} == {code}
    assert after == ()


def test_a_host_that_is_published_takes_the_guest_unless_it_lacks_what_was_said():
    """Without a root its resources are told too: they have nowhere to come from."""
    gpu = a_host("host2")[2]
    before = reasons_on(view_of("host2", a_host_record("host2"), gpu))
    after = reasons_on(view_of("host2", a_host_record("host2"), a_root("host2"), gpu))

    assert [reason.code for reason in before] == [
        "HOST_UNPUBLISHED", "HOST_RESOURCES", "HOST_RESOURCES",
    ]  # fmt: skip
    assert after == ()


def test_a_settled_device_shows_what_was_hidden_behind_its_unrest():
    """Its offers are read then; here they are another version."""
    rest = (a_host_record("host2"), a_root("host2"))
    unrest = a_provider("host2_gpu0", host="host2", note="unsettled: drivers came and went")
    before = reasons_on(view_of("host2", *rest, unrest))
    after = reasons_on(a_host_view("host2"))

    assert {reason.code for reason in before} == {"MAPPING", "DEVICES_UNSETTLED"}
    assert after == ()


def test_an_inventory_that_is_given_out_in_steps_refuses_what_lies_between():
    """As Placement would refuse the allocation."""
    steps = a_root("host2", inventories={"VCPU": Inventory(total=64, step_size=8)})
    found = reasons_on(
        view_of("host2", a_host_record("host2"), steps, a_host("host2")[2]),
        a_guest(resources={"VCPU": 4}),
    )

    assert [(reason.code, reason.detail["offered"]) for reason in found] == [
        ("HOST_RESOURCES", 64),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "detail", "told"),
    [
        ("VERSION_MAJOR", {"wanted": "2.0", "offered": "3.0"}, ("2.0", "3.0")),
        ("UNITS_MISMATCH", {"wanted": {"A": 1}, "offered": {"A": 2}}, ("A 1", "A 2")),
        ("FEATURE_MISSING", {"feature": "X"}, ("feature X", "lacks it")),
        ("HOST_STATE", {"offered": "disabled"}, ("enabled", "disabled")),
        ("MACHINE_TYPE", {}, ("machine type not stated", "does not know it")),
        ("NO_OFFER", {}, None),
    ],
)
def test_wanted_and_offered_are_told_side_by_side(code, detail, told):
    """Where a reason compares nothing, there are no two sides."""
    reason = Reason(code=code, severity="no", stage="filter", rule="R00", detail=detail)

    assert sides(reason) == told


def test_every_code_has_a_meaning_that_tells_nobodys_values():
    codes = {*BY_CODE, *OF_COMPAT}
    told = {code: meaning_of(code) for code in codes}

    assert [code for code in codes if "no words" in told[code] or "{" in told[code]] == []
    assert len(set(told.values())) == len(codes)
    assert meaning_of("OF_A_LATER_VERSION") == "This version has no words for it."
