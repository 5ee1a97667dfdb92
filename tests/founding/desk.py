"""A desk that answers "may this device move there?", asked over HTTP, and the records it is asked.

Records are plain JSON, as a client writes them; each test names what matters to it.
"""

from typing import Any

from acme_fleet import name_of
from service import Running

Json = dict[str, Any]


def a_contract(**changes: Any) -> Json:
    """A guest's device: an mdev of version 1.0 with feature X."""
    known = {
        "schema": "wherry.device/1",
        "record": "contract",
        "consumer": name_of("g"),
        "slot": "gpu0",
        "kind": "mdev",
        "device_api": "vfio-pci",
        "type": "acme/a1",
        "interface": {"version": "1.0"},
        "features": ["X"],
        "migration": {"support": "yes"},
    }
    return {**known, **changes}


def an_offer(**changes: Any) -> Json:
    """What a provider gives: the same, with a feature that it can hide."""
    known = {
        "schema": "wherry.device/1",
        "record": "offer",
        "provider": name_of("p"),
        "generation": 1,
        "kind": "mdev",
        "device_api": "vfio-pci",
        "type": "acme/a1",
        "interface": {"supports": "1.0"},
        "features": {"X": {}},
        "migration": {"support": "yes"},
    }
    return {**known, **changes}


class Desk:
    """Asks a running service about pairs of records.

    Args:
        service: which one.
    """

    def __init__(self, service: Running) -> None:
        self.service = service

    def check(self, contract: Json, offer: Json | None, **policy: Any) -> Json:
        """The whole answer about a contract and an offer."""
        asked = {"contract": contract, "offer": offer, "policy": policy}
        return dict(self.service.post("/wherry/check", asked))

    def codes(self, contract: Json, offer: Json | None, **policy: Any) -> list[str]:
        """Codes of what stands in the way or is doubtful; remarks are left out."""
        return codes(self.check(contract, offer, **policy))

    def lint(self, before: Json, after: Json) -> list[str]:
        """Codes of what is wrong between two offers of one type."""
        answer = self.service.post("/wherry/check", {"before": before, "after": after})
        return [each["code"] for each in answer["lints"]]


def codes(answer: Json) -> list[str]:
    """Codes of an answer's reasons, without remarks."""
    return [reason["code"] for reason in answer["reasons"] if reason["severity"] != "info"]
