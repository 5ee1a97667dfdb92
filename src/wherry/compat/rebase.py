"""What a contract becomes when its guest has moved: pinned fields stay, the others follow.

Source: docs/reference/compat.md, sections 2 and 9.
"""

from typing import Final

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.model.device import Contract, ContractState, Migration, Offer

PINNED: Final = frozenset(
    {
        "kind", "device_api", "device_class", "type", "model", "description", "interface",
        "features", "params", "units", "composition", "guest_address", "keep",
    }
)  # fmt: skip
"""Fields that stay until the guest reboots or the device is unplugged."""


def rebase(contract: Contract, offer: Offer) -> Contract:
    """Take what follows the device from *offer*, and keep what was pinned."""
    return replace(
        contract,
        state=state_of(offer),
        migration=_migration(contract, offer),
        parent=offer.parent,
        env=_env(contract, offer),
        assumed=_assumed(contract, offer),
    )


def state_of(offer: Offer) -> ContractState | UnsetType:
    """Give what the provider's driver writes, as a contract states it."""
    if offer.state is UNSET:
        return UNSET
    return ContractState(policy=offer.state.policy, emits=offer.state.emits)


def _migration(contract: Contract, offer: Offer) -> Migration | UnsetType:
    """The offer's ability, with what the guest itself brings along."""
    ours = Migration() if contract.migration is UNSET else contract.migration
    theirs = Migration() if offer.migration is UNSET else offer.migration
    merged = replace(theirs, stop_copy_bytes=ours.stop_copy_bytes, blockers=ours.blockers)
    return UNSET if merged == Migration() else merged


def _env(contract: Contract, offer: Offer) -> dict[str, str] | UnsetType:
    if contract.env is UNSET or offer.env is UNSET:
        return contract.env if offer.env is UNSET else offer.env
    return {**contract.env, **offer.env}


def _assumed(contract: Contract, offer: Offer) -> tuple[str, ...] | UnsetType:
    paths = [path for path in contract.assumed or () if _head(path) in PINNED]
    paths += [path for path in offer.assumed or () if _head(path) not in PINNED]
    return tuple(paths) or UNSET


def _head(path: str) -> str:
    return path.partition(".")[0]
