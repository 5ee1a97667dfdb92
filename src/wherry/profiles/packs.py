"""Policy packs: a vendor's prose rules as data, read from TOML or JSON.

Source: specification of compatibility, R47.
"""

import tomllib

import msgspec

from wherry.model.checks import Pack
from wherry.model.errors import InvalidProfile


def parse_pack(text: str | bytes, source: str) -> Pack:
    """Read a pack from TOML.

    Raises:
        InvalidProfile: no UTF-8, no TOML, or no pack; names the path in the file.
    """
    try:
        table = tomllib.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"is no TOML: {error}"
        raise InvalidProfile(message, source=source) from error
    return _checked(table, source)


def decode_pack(body: bytes, source: str) -> Pack:
    """Read a pack from JSON, as a door gets it.

    Raises:
        InvalidProfile: no JSON, or no pack; names the path in the document.
    """
    try:
        table = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"is no JSON: {error}"
        raise InvalidProfile(message, source=source) from error
    return _checked(table, source)


def _checked(table: object, source: str) -> Pack:
    try:
        pack = msgspec.convert(table, Pack)
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
