"""TOML text to tables, or an error that names the file and the line."""

import tomllib
from typing import Any

from wherry.model.errors import InvalidProfile


def read_toml(text: str | bytes, source: str) -> dict[str, Any]:
    """Read the tables of one file.

    Raises:
        InvalidProfile: no UTF-8, no TOML, or nested without end.
    """
    try:
        return tomllib.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"is no TOML: {error}"
        raise InvalidProfile(message, source=source) from error
    except RecursionError as error:
        message = "is no TOML that a profile or pack needs: it is nested too deep"
        raise InvalidProfile(message, source=source) from error
