"""Classes and traits in Nova's spelling of what an operator wrote.

Source: Nova, ``[pci] alias`` of its configuration reference.
"""

import re

from wherry.profiles.tables import is_resource_class, is_trait


def as_class(text: str) -> str:
    """Spell a class: a standard one as it is, any other text as a custom one."""
    upper = text.strip().upper()
    return upper if is_resource_class(upper) else _custom(upper)


def as_traits(text: str) -> tuple[str, ...]:
    """Spell a list of traits, commas between."""
    names = (part.strip().upper() for part in text.split(",") if part.strip())
    return tuple(name if is_trait(name) else _custom(name) for name in names)


def _custom(name: str) -> str:
    plain = re.sub("[^A-Z0-9_]+", "_", name)
    return (plain if plain.startswith("CUSTOM_") else f"CUSTOM_{plain}")[:255]
