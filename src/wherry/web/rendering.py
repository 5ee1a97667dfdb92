"""Templates, and the few words that all of them need.

Everything is escaped; a name that a template does not get is an error, not an empty place.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from markupsafe import Markup

from wherry.compat.settings import settings_of
from wherry.inventory.words import amount_of
from wherry.web import device_words
from wherry.web.assets import address

_TO_THE_POINT = 10
"""Seconds from which on parts of one are not told."""
_HOURS_AS_DAYS = 48


@cache
def environment() -> jinja2.Environment:
    """Make the environment once; templates are compiled as they are first used."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("wherry.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(FILTERS)
    made.globals.update(asset=address, here=here)
    return made


def render(template: str, values: dict[str, Any]) -> bytes:
    """Render a template."""
    return environment().get_template(template).render(values).encode()


def here(path: str, *parts: str, **query: str | None) -> str:
    """Write an address of the dashboard: each part quoted, and what is asked for.

    >>> here("hosts", "gpu 1", type="mtty/mtty-2")
    '/ui/hosts/gpu%201?type=mtty%2Fmtty-2'
    """
    said = urlencode({name: value for name, value in query.items() if value})
    steps = "/".join([path, *(quote(part, safe="") for part in parts)])
    return f"/ui/{steps}?{said}" if said else f"/ui/{steps}"


def moment(value: str | float | None) -> Markup:
    """Show a time, in UTC until the page puts it into the reader's own zone.

    Args:
        value: RFC 3339, or seconds since the epoch; None is a time that is not known.
    """
    if value is None:
        return Markup('<span class="none">not known</span>')
    if isinstance(value, int | float):
        value = datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    text = value.replace("T", " ").partition("+")[0].partition(".")[0].removesuffix("Z")
    return Markup('<time datetime="{}">{} UTC</time>').format(value, text)


def count(number: int, one: str, many: str | None = None) -> str:
    """Say how many.

    >>> count(1, "host"), count(20_000, "host")
    ('1 host', '20,000 hosts')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def span(seconds: float) -> str:
    """Say how long something took, as the pages' scripts count.

    >>> span(0.25), span(42), span(185), span(7500), span(200_000)
    ('0.25 s', '42 s', '3 min 05 s', '2 h 05 min', '2 d 7 h')
    """
    if seconds < _TO_THE_POINT:
        return f"{round(max(0.0, seconds), 2):g} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= _HOURS_AS_DAYS:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


FILTERS: dict[str, Callable[..., Any]] = {
    "moment": moment,
    "count": count,
    "span": span,
    "amount": amount_of,
    "units": device_words.units_text,
    "version": device_words.version_of,
    "features": device_words.features_of,
    "offered_params": device_words.offered_params,
    "can_migrate": device_words.can_migrate,
    "pinned_params": device_words.params_of,
    "settings": settings_of,
}
