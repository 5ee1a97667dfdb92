"""The prepared domain has the device where the guest has it.

A hypervisor names the device's part of its stream by this address, and refuses the stream in
its middle where the address is another one.

Source: docs/reference/compat.md, R69.
"""

from typing import Final

from msgspec import UNSET, UnsetType

from wherry.compat.table import Findings, cause
from wherry.model.device import Contract

RULES: Final = ("R69",)

_DIFFERS = cause("GUEST_ADDRESS")


def check(contract: Contract, prepared: str | UnsetType) -> Findings:
    """Compare the two addresses as text; ask nothing while one is not stated."""
    wanted = contract.guest_address
    if wanted is UNSET or prepared is UNSET or wanted == prepared:
        return ()
    return ((_DIFFERS, {"wanted": wanted, "offered": prepared}),)
