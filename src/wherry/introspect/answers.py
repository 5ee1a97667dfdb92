"""Answers of the netlink tools as JSON: taken apart into attributes.

Source: ``vdpa -j`` and ``devlink -j`` of iproute2;
docs/reference/introspection.md, "Programs beside sysfs".
"""

from collections.abc import Mapping

from wherry.model import strictjson
from wherry.model.errors import InvalidFile, InvalidRequest
from wherry.model.facts import Attribute


def parse_json(text: str, *, file: str) -> object:
    """Read JSON that another program wrote.

    Raises:
        InvalidFile: it is none, has a key twice, or is nested too deep.
    """
    try:
        document: object = strictjson.loads(text.encode())
    except (InvalidRequest, UnicodeEncodeError) as error:
        message = f"no JSON: {error}; write it again"
        raise InvalidFile(message, file=file) from None
    return document


def parse_answer(text: str, key: str, *, file: str) -> Mapping[str, object]:
    """Read the object below *key* of a tool's answer; empty where the answer is.

    Raises:
        InvalidFile: no JSON, or another shape.
    """
    answer = parse_json(text, file=file) if text.strip() else {}
    part = answer.get(key, {}) if isinstance(answer, dict) else None
    if not isinstance(part, dict):
        message = f'not what the tool writes: expected {{"{key}": {{...}}}}'
        raise InvalidFile(message, file=file)
    return part


def flatten(value: object, prefix: str = "") -> dict[str, Attribute]:
    """Make attributes of a JSON object: keys joined by ``/``, blanks at their ends dropped.

    Lists of plain values become their words in order; ``true`` and ``false`` stay so named.
    iproute2 writes keys such as ``"link "``.
    """
    if not isinstance(value, dict):
        return {}
    found: dict[str, Attribute] = {}
    for key, inner in value.items():
        name = f"{prefix}{str(key).strip()}"
        if isinstance(inner, dict):
            found |= flatten(inner, f"{name}/")
        elif isinstance(inner, list):
            found[name] = " ".join(_word(one) for one in inner if not isinstance(one, (dict, list)))
        else:
            found[name] = _word(inner)
    return found


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
