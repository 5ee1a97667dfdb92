"""``/``: which versions there are."""

from wherry.api.placement.calls import Answer, Ask
from wherry.api.placement.microversions import NEWEST, OLDEST, spell


def get_versions(ask: Ask) -> Answer:
    """Name the microversions."""
    version = {
        "id": f"v{spell(OLDEST)}",
        "max_version": spell(NEWEST),
        "min_version": spell(OLDEST),
        "status": "CURRENT",
        "links": [{"rel": "self", "href": ""}],
    }
    return Answer(body={"versions": [version]}, modified=ask.now())
