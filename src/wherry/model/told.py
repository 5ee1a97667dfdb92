"""An error as another process told it: by code, with its message and facts."""

from collections.abc import Iterator, Mapping
from typing import Any

from wherry.model.errors import WherryError


def told_error(
    code: str, message: str, *, path: str | None = None, detail: Mapping[str, Any] | None = None
) -> WherryError:
    """Make the error that a code stands for; an unknown code makes a bare `WherryError`.

    The facts become attributes again, so that whoever catches it finds them as if it had
    been raised here.
    """
    kind = _by_code().get(code) or _unknown(code)
    # The message is made already, so the class's own making of it is passed over.
    error = kind.__new__(kind, message)
    for name, value in (detail or {}).items():
        setattr(error, name, value)
    if path is not None:
        error.path = path  # type: ignore[attr-defined] # as InvalidRequest has it
    return error


def _unknown(code: str) -> type[WherryError]:
    class ToldError(WherryError):
        """An error of a class that is not known here."""

    ToldError.code = code
    return ToldError


def _by_code() -> dict[str, type[WherryError]]:
    return {kind.code: kind for kind in _kinds(WherryError)}


def _kinds(base: type[WherryError]) -> Iterator[type[WherryError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == WherryError.__module__:
            yield kind
        yield from _kinds(kind)
