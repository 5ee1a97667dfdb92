"""XML that another program wrote: without entities or surprises.

Neither libvirt nor the tools write any; whoever does is up to something.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from wherry.model.errors import InvalidFile


def parse_xml(text: str, *, file: str, doctype: bool = False) -> Element:
    """Give the root element of an XML document.

    Args:
        text: the document.
        file: its name, for the error.
        doctype: whether it may name its document type, which is not looked at.

    Raises:
        InvalidFile: no XML, cut off, or with entities (or a document type).
    """
    try:
        root: Element = fromstring(text, forbid_dtd=not doctype)
    except ParseError as error:
        line = error.position[0]
        message = f"no whole XML: {error}; write it again"
        raise InvalidFile(message, file=file, line=line) from None
    except (DefusedXmlException, ValueError, RecursionError) as error:
        message = f"XML that is not taken: {type(error).__name__}; no tool writes it"
        raise InvalidFile(message, file=file) from None
    return root


def text_of(element: Element | None, path: str) -> str:
    """Give the text below *path*, without blanks around it; empty where there is none."""
    found = None if element is None else element.find(path)
    return (found.text or "").strip() if found is not None else ""


def attribute_of(element: Element | None, path: str, name: str) -> str:
    """Give an attribute of the element at *path*; empty where there is none."""
    found = None if element is None else element.find(path)
    return found.get(name, "") if found is not None else ""


def capabilities_of(device: Element) -> Iterator[tuple[str, Element]]:
    """List a node device's capabilities, nested ones too, with their types.

    mdev types are nested twice for a virtual parent, and inside pci, css or ap elsewhere.
    """
    for capability in device.iter("capability"):
        yield capability.get("type", ""), capability
