"""What a reboot makes of contracts; the story of the July 2020 thread on values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import FB, a_host_view, a_uuid, an_offer
from guest_worlds import NOBODY, NOW, a_request, a_slot_request, boot, held_after
from wherry.compat.engine import check
from wherry.migrate.reboot import plan_reboot
from wherry.migrate.slots import slots_at_target
from wherry.model.checks import Configure, MappingRow, Policy
from wherry.model.errors import AlreadyExists, InvalidRequest, NotFound
from wherry.model.guests import Chosen
from wherry.model.wire import RebootRequest

HEADS = {"type": "int", "rule": "in", "allowed": ["1-4"], "settable": True, "value": 1}
LATER = NOW + 3600


def an_offer_of(version: str, *features: str, **fields):
    return an_offer(supports=version, features={name: {} for name in features}, **fields)


def restart(guest, host, *, held=NOBODY, configure_failed=(), **fields):
    return plan_reboot(
        guest,
        host,
        RebootRequest(**fields),
        held=held,
        claim_id=a_uuid("claim 2"),
        now=LATER,
        configure_failed=configure_failed,
    )


def test_the_reboot_story_of_the_founding_email():
    """X in 1.0; X and Y in 1.1.  What a guest was shown decides where it can go.

    Source: thread "device compatibility interface for live migration with assigned devices",
    libvir-list and openstack-discuss, July 2020.
    """
    old, new = an_offer_of("1.0", "X"), an_offer_of("1.1", "X", "Y")
    before, after = a_host_view("host1", offers=[old]), a_host_view("host2", offers=[new])
    guest, _ = boot(a_request(), before)
    contract = guest.slots["gpu0"].contract
    assert (contract.interface.version, contract.features) == ("1.0", ("X",))

    # Live to 1.1: the claim masks Y, and the contract stays.
    answer = check(contract, new, Policy())
    assert answer.verdict == "ok"
    assert answer.configure == Configure(mask_features=("Y",))
    row = MappingRow(
        slot="gpu0", offer=0, mode="live", verdict="ok", reasons=(), configure=answer.configure
    )
    placed = {"gpu0": after.offers[0]}
    slots = slots_at_target(guest, (row,), placed, pinned_at="2026-06-01T00:00:00Z")
    moved = replace(guest, host="host2", slots=slots)
    assert moved.slots["gpu0"].contract.features == ("X",)
    assert check(moved.slots["gpu0"].contract, old, Policy()).verdict == "ok"

    # A warm reboot shows the guest nothing that is masked: 1.0 stays a target.
    warm = restart(moved, after, kind="warm", versions={"gpu0": "1.0"}).guest
    assert warm.slots["gpu0"].contract.features == ("X",)
    assert warm.slots["gpu0"].in_effect == Configure(mask_features=("Y",))
    assert check(warm.slots["gpu0"].contract, old, Policy()).verdict == "ok"

    # A new process is shown what the host has: Y is there, and 1.0 is no target any more.
    decision = restart(warm, after, kind="new_process")
    contract = decision.guest.slots["gpu0"].contract
    assert (contract.interface.version, contract.features) == ("1.1", ("X", "Y"))
    assert decision.pinned == ("gpu0",)
    assert decision.before == warm
    codes = [reason.code for reason in check(contract, old, Policy()).reasons]
    assert codes == ["VERSION_MINOR_OLDER", "FEATURE_MISSING"]


def test_a_new_process_keeps_what_was_chosen():
    host = a_host_view(offers=[an_offer_of("1.1", "X", "Y", params={"heads": HEADS})])
    chosen = {"features": ("X",), "params": {"heads": 2}, "version": "1.0"}
    guest, held = boot(a_request(slots={"gpu0": a_slot_request(chosen=chosen)}), host)

    decision = restart(guest, host, held=held)

    slot = decision.guest.slots["gpu0"]
    assert slot.contract == replace(
        guest.slots["gpu0"].contract, pinned_at="2026-05-28T21:26:40.000Z"
    )
    assert slot.in_effect == Configure(params={"heads": 2}, mask_features=("Y",))
    assert decision.pinned == ()
    assert decision.claim is None


def test_a_choice_made_with_a_reboot_holds_from_then_on():
    host = a_host_view(offers=[an_offer_of("1.1", "X", "Y")])
    guest, held = boot(a_request(), host)

    first = restart(guest, host, held=held, chosen={"gpu0": Chosen(features=("X",))})
    second = restart(first.guest, host, held=held)

    assert first.guest.slots["gpu0"].contract.features == ("X",)
    assert second.guest.slots["gpu0"].contract.features == ("X",)
    assert second.guest.slots["gpu0"].in_effect == Configure(mask_features=("Y",))


def test_a_choice_that_the_provider_does_not_offer_is_refused():
    host = a_host_view(offers=[an_offer_of("1.1", "X")])
    guest, held = boot(a_request(), host)

    with pytest.raises(InvalidRequest, match="feature Y") as caught:
        restart(guest, host, held=held, chosen={"gpu0": Chosen(features=("X", "Y"))})

    assert caught.value.path == "$.chosen.gpu0.features"


def test_an_old_choice_that_the_provider_gives_no_more_is_told_not_refused():
    """The reboot has happened; the driver went back meanwhile."""
    request = a_request(slots={"gpu0": a_slot_request(chosen={"features": ("X", "Y")})})
    guest, held = boot(request, a_host_view(offers=[an_offer_of("1.1", "X", "Y")]))

    decision = restart(guest, a_host_view(offers=[an_offer_of("1.0", "X")]), held=held)

    assert [reason.code for reason in decision.reasons["gpu0"]] == ["FEATURE_MISSING"]


def test_a_marked_contract_survives_where_the_provider_can_be_configured_to_it():
    guest, held = boot(
        a_request(slots={"gpu0": a_slot_request(keep=True)}),
        a_host_view(offers=[an_offer_of("1.0", "X")]),
    )

    decision = restart(guest, a_host_view(offers=[an_offer_of("1.1", "X", "Y")]), held=held)

    slot = decision.guest.slots["gpu0"]
    assert slot.contract == guest.slots["gpu0"].contract
    assert slot.in_effect == Configure(mask_features=("Y",))
    assert (decision.pinned, dict(decision.reasons)) == ((), {})


def test_a_marked_contract_that_cannot_be_kept_is_pinned_anew_with_the_reasons():
    guest, held = boot(
        a_request(slots={"gpu0": a_slot_request(keep=True)}),
        a_host_view(offers=[an_offer_of("1.0", "X")]),
    )
    newer = an_offer(supports="1.1", features={"X": {}, "Y": {"maskable": False}})

    decision = restart(guest, a_host_view(offers=[newer]), held=held)

    contract = decision.guest.slots["gpu0"].contract
    assert (contract.features, contract.keep) == (("X", "Y"), True)
    assert [reason.code for reason in decision.reasons["gpu0"]] == ["FEATURE_UNMASKABLE"]


def test_a_marked_contract_whose_settings_could_not_be_applied_is_pinned_anew():
    guest, held = boot(
        a_request(slots={"gpu0": a_slot_request(keep=True)}),
        a_host_view(offers=[an_offer_of("1.0", "X")]),
    )
    host = a_host_view(offers=[an_offer_of("1.1", "X", "Y")])

    decision = restart(guest, host, held=held, configure_failed={"gpu0"})

    assert decision.guest.slots["gpu0"].contract.features == ("X", "Y")


def test_a_slot_whose_type_is_offered_no_more_keeps_its_contract_and_is_named():
    guest, held = boot(a_request(), a_host_view())

    decision = restart(guest, a_host_view(offers=[]), held=held)

    assert decision.guest.slots == guest.slots
    assert decision.not_offered == ("gpu0",)
    assert decision.claim is None


def test_a_type_that_takes_other_units_now_is_claimed():
    """The driver was upgraded, and the type grew: the new process takes the new size."""
    guest, held = boot(a_request(), a_host_view())
    grown = a_host_view(offers=[an_offer(units={FB: 6144})])

    decision = restart(guest, grown, held=held)

    assert decision.guest.slots["gpu0"].contract.units == {FB: 6144}
    after = held_after(held, decision.claim)
    assert after.allocations[a_uuid("host1_gpu0")] == {FB: 6144}
    assert after.allocations[a_uuid("host1")] == guest.resources


def test_the_process_is_as_told_and_of_a_new_one_unknown_until_a_report_tells():
    host = a_host_view()
    guest, _ = boot(a_request(), host)
    known = replace(guest, process="17.1")

    assert restart(known, host, kind="warm").guest.process == "17.1"
    assert restart(known, host, process="18.2").guest.process == "18.2"
    assert restart(known, host).guest.process is UNSET


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"kind": "warm", "chosen": {"gpu0": Chosen()}}, "$.chosen"),
        ({"versions": {"gpu0": "1.0"}}, "$.versions"),
        ({"kind": "warm", "process": "18.2"}, "$.process"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(fields, path):
    host = a_host_view()
    guest, _ = boot(a_request(), host)

    with pytest.raises(InvalidRequest) as caught:
        restart(replace(guest, process="17.1"), host, **fields)

    assert caught.value.path == path


def test_an_unknown_slot_or_host_and_a_migration_are_refused():
    host = a_host_view()
    guest, _ = boot(a_request(), host)

    with pytest.raises(NotFound, match="gpu7"):
        restart(guest, host, chosen={"gpu7": Chosen()})
    with pytest.raises(NotFound, match="host host1"):
        restart(guest, None)
    with pytest.raises(AlreadyExists, match=a_uuid("move")):
        restart(replace(guest, migration=a_uuid("move")), host)


FEATURES = ("X", "Y", "Z")
offers = st.builds(
    lambda features, heads, version: an_offer_of(
        version, *features, params={"heads": {**HEADS, "value": heads, "off_value": 4}}
    ),
    st.lists(st.sampled_from(FEATURES), unique=True),
    st.integers(1, 4),
    st.sampled_from(("1.0", "1.1", "2.0")),
)


@given(offers, st.data())
def test_a_warm_reboot_is_identity_on_contracts(offer, data):
    """Where the offer stands as it did, and the guest negotiates what it had."""
    host = a_host_view(offers=[offer])
    chosen = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "version": st.just("1.0" if offer.interface.supports[0] == "1" else "2.0"),
                "features": st.lists(st.sampled_from(sorted(offer.features)), unique=True).map(
                    tuple
                )
                if offer.features
                else st.just(()),
                "params": st.fixed_dictionaries({"heads": st.integers(1, 4)}),
            },
        )
    )
    slot = a_slot_request(chosen=chosen, guest_address="0000:00:05.0")
    guest, held = boot(a_request(slots={"gpu0": slot}), host)
    version = guest.slots["gpu0"].contract.interface.version

    decision = restart(guest, host, held=held, kind="warm", versions={"gpu0": version})

    before, after = guest.slots["gpu0"], decision.guest.slots["gpu0"]
    assert replace(after.contract, pinned_at=before.contract.pinned_at) == before.contract
    assert after.in_effect == before.in_effect
    assert (decision.pinned, decision.claim) == ((), None)


@given(offers, offers, st.booleans())
def test_a_new_process_is_a_boot_on_the_present_offer(then, now, is_kept):
    """Whatever the guest was before: unmarked, it is what a boot today makes of its choice."""
    guest, held = boot(
        a_request(slots={"gpu0": a_slot_request(keep=is_kept)}), a_host_view(offers=[then])
    )
    host = a_host_view(offers=[now])

    decision = restart(guest, host, held=held)

    fresh, _ = boot(a_request(slots={"gpu0": a_slot_request(keep=is_kept)}), host)
    kept = is_kept and not decision.reasons
    expected = guest.slots["gpu0"] if kept else fresh.slots["gpu0"]
    found = decision.guest.slots["gpu0"].contract
    assert replace(found, pinned_at=expected.contract.pinned_at) == expected.contract
