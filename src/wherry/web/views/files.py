"""The files that pages are made with."""

from wherry.api.errors import NoSuchPath
from wherry.web.assets import assets
from wherry.web.visits import Page, Sent, Visit

KEEP = {"Cache-Control": "public, max-age=31536000, immutable"}


def send_file(visit: Visit) -> Sent:
    """Send a file under the address that templates write."""
    found = assets().get(visit.path["name"])
    if found is None or found.address.split("/")[3] != visit.path["digest"]:
        raise NoSuchPath(f"there is no file {visit.path['name']}: load the page again")
    return Sent(body=found.body, content_type=found.content_type, headers=KEEP)


PAGES = (Page(path="/ui/static/{digest}/{name}", view=send_file, is_open=True),)
