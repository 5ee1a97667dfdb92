"""The two small languages of profiles: which texts are meant, and what a text is made of.

Both are total and take time linear in the text.  A *pattern* is a text, or a beginning
that ends in ``*``; of two patterns one can tell which is narrower and whether they meet.
A *form* takes a text apart: literal text with fields in braces, ``{name}``, or
``{name:number}`` and ``{name:hex}``.  A plain field reaches to the next character that
follows it in the form, or to the end.
"""

import re
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 4096
"""Longer texts fit no form: what a host publishes as a name or a description is shorter."""

_FIELD = re.compile(r"\{([a-z][a-z0-9_]{0,30})(?::(number|hex))?\}", re.ASCII)
_BRACES = re.compile(r"[{}]")
_CLASSES: Final = {"number": "0-9", "hex": "0-9A-Fa-f"}


def matches(pattern: str, text: str) -> bool:
    """Tell whether *text* is what *pattern* means."""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def implies(narrow: str, wide: str) -> bool:
    """Tell whether every text that *narrow* means is meant by *wide* too."""
    if narrow.endswith("*"):
        return wide.endswith("*") and narrow.startswith(wide[:-1])
    return matches(wide, narrow)


def overlap(one: str, other: str) -> bool:
    """Tell whether some text is meant by both."""
    return implies(one, other) or implies(other, one)


@dataclass(frozen=True, slots=True)
class Form:
    """A form, ready to take texts apart."""

    text: str
    fields: tuple[str, ...]
    compiled: re.Pattern[str]

    def take_apart(self, text: str) -> dict[str, str] | None:
        """Give the fields of *text*, or None where it does not have this form."""
        if len(text) > LONGEST:
            return None
        found = self.compiled.fullmatch(text)
        return None if found is None else found.groupdict()


def parse_form(text: str) -> Form:
    """Read a form.

    Raises:
        ValueError: braces that are no field, a name used twice, or two fields that nothing
            holds apart.
    """
    fields: list[str] = []
    expression, position = "", 0
    for found in _FIELD.finditer(text):
        expression += _literal(text[position : found.start()])
        name, kind = found[1], found[2]
        if name in fields:
            message = f"field `{name}` stands twice in `{text}`"
            raise ValueError(message)
        fields.append(name)
        expression += f"(?P<{name}>{_class_of(text, found.end(), kind)}++)"
        position = found.end()
    expression += _literal(text[position:])
    return Form(text=text, fields=tuple(fields), compiled=re.compile(expression, re.DOTALL))


def fields_of(template: str) -> tuple[str, ...]:
    """Name the fields of a template, which is a form without kinds.

    Raises:
        ValueError: braces that are no field.
    """
    _literal(_FIELD.sub("", template))
    return tuple(found[1] for found in _FIELD.finditer(template))


def fill(template: str, values: dict[str, str]) -> str:
    """Put values into the fields of a template; every field needs one."""
    return _FIELD.sub(lambda found: values[found[1]], template)


def _literal(text: str) -> str:
    if _BRACES.search(text):
        message = f"a brace in `{text}` is no field such as {{name}} or {{name:number}}"
        raise ValueError(message)
    return re.escape(text)


def _class_of(text: str, end: int, kind: str | None) -> str:
    """Give the characters that a field takes: none that may begin what follows it."""
    after = text[end : end + 1]
    if kind is None:
        if after == "{":
            message = f"nothing holds two fields of `{text}` apart"
            raise ValueError(message)
        return "." if after == "" else f"[^{re.escape(after)}]"
    follower = _FIELD.match(text, end)
    if (follower and follower[2]) or re.fullmatch(f"[{_CLASSES[kind]}]", after):
        message = f"what follows a {kind} in `{text}` may not begin like one"
        raise ValueError(message)
    return f"[{_CLASSES[kind]}]"
