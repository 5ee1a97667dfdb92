"""What a claim sets, in words: the same on every surface."""

from msgspec import UnsetType

from wherry.model.checks import Configure
from wherry.model.device import ParamValue

NOT_STATED = "not stated"
UNREADABLE = "could not be read"


def settings_of(configure: Configure) -> list[str]:
    """Say what a claim sets: parameters, and features that the guest shall not see."""
    params = (
        f"set {name} = {value_text(value)}" for name, value in sorted(configure.params.items())
    )
    return [*params, *(f"mask {feature}" for feature in configure.mask_features)]


def value_text(value: ParamValue | UnsetType) -> str:
    """Say a parameter's value."""
    match value:
        case UnsetType():
            return NOT_STATED
        case None:
            return UNREADABLE
        case bool():
            return "on" if value else "off"
        case tuple():
            return ", ".join(value) or "none"
        case _:
            return str(value)
