"""Words for what is counted."""


def unit_of(name: str) -> str:
    """Name a class's unit in the plural: ``ports`` of ``CUSTOM_MTTY_PORT``, ``MB``, ``VFs``."""
    last = name.rpartition("_")[2]
    if last in {"MB", "GB"}:
        return last
    return "VFs" if last == "VF" else f"{last.lower()}s"


def amount_of(units: int, name: str) -> str:
    """Say an amount of a class with its unit: ``1 port``, ``2,048 MB``."""
    unit = unit_of(name)
    return f"{units:,} {unit.removesuffix('s') if units == 1 else unit}"
