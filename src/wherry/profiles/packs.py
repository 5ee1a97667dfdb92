"""Policy packs: a vendor's prose rules as data, read from TOML.

Source: specification of compatibility, R47.
"""

import msgspec

from wherry.model.checks import Pack
from wherry.model.errors import InvalidProfile
from wherry.profiles.toml import read_toml


def parse_pack(text: str | bytes, source: str) -> Pack:
    """Read a pack from TOML.

    Raises:
        InvalidProfile: no UTF-8, no TOML, or no pack; names the path in the file.
    """
    try:
        pack = msgspec.convert(read_toml(text, source), Pack)
    except msgspec.ValidationError as error:
        raise InvalidProfile(str(error), source=source) from error
    require_sound(pack, source)
    return pack


def require_sound(pack: Pack, source: str) -> None:
    """Make sure of what the types alone do not say.

    Raises:
        InvalidProfile: two rows have one id.
    """
    ids = [row.id for row in pack.rows]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        message = f"row `{twice}` stands twice - at `$.rows`"
        raise InvalidProfile(message, source=source)
