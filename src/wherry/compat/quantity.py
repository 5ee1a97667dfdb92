"""Amounts that one instance holds, as a vector over resource classes.

Fractions are never compared: two halves of one type need not be four quarters of another.

Source: docs/reference/compat.md, section 7.
"""

from typing import Final

from msgspec import UNSET

from wherry.model.device import Contract, Offer

Units = dict[str, int]

WHOLE_DEVICE: Final = "CUSTOM_WHERRY_DEVICE"
"""Class of a provider that counts nothing but itself."""


def units_of(record: Contract | Offer) -> Units | None:
    """Sum up what a record holds, without amounts of 0; None where it does not state it."""
    if record.units is not UNSET:
        return {name: amount for name, amount in record.units.items() if amount}
    if record.composition is UNSET:
        return None
    total: Units = {}
    for part in record.composition:
        for name, amount in part.units.items():
            total[name] = total.get(name, 0) + part.count * amount
    return {name: amount for name, amount in total.items() if amount}


def demand_of(contract: Contract, offer: Offer) -> Units:
    """What the contract would take of the offer's pools: its units, else the offer's."""
    units = units_of(contract)
    if units is None:
        units = units_of(offer)
    return {} if units is None else units
