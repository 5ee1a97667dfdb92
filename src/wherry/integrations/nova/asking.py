"""One question to the service for each scheduling, shared by the filter and the weigher."""

import json
import logging
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import urllib3

log = logging.getLogger(__name__)

NOT_FOUND = 404
OK = 200


class HostState(Protocol):
    """What is read of one of Nova's hosts."""

    host: str
    nodename: str


@dataclass(frozen=True)
class Answer:
    """What the service said.

    Attributes:
        scores: name to score of the hosts that take the guest, the best the most; None where
            that is not for the service to say: it does not know the guest, or no migration
            holds it.
    """

    scores: Mapping[str, float] | None

    def takes(self, host: HostState) -> bool:
        """Whether a host takes the guest, or nothing is said of that."""
        return self.scores is None or name_of(host) in self.scores

    def score(self, host: HostState) -> float:
        """Score of a host; 0 where it has none."""
        return (self.scores or {}).get(name_of(host), 0.0)


class NoAnswer(Exception):
    """The service did not answer in time, or refused the question; the message says why."""


def name_of(host: HostState) -> str:
    """Name a host as the service does: as its provider in Placement, so by its node."""
    return host.nodename


def is_live_migration(spec: Any) -> bool:
    """Whether a scheduling looks like that of a live migration.

    Its conductor tells which hosts to ignore, the source first, and counts no retries; a boot
    ignores none, and a resize or cold migration counts retries unless its host is named.  An
    evacuation looks the same.

    Args:
        spec: Nova's RequestSpec.
    """
    hints = _said(spec, "scheduler_hints") or {}
    return (
        bool(_said(spec, "ignore_hosts"))
        and _said(spec, "retry") is None
        and not hints.get("_nova_check_type")
    )


def _said(spec: Any, field: str) -> Any:
    # A field that was not set is no None, and reading it may ask Nova's database.
    return getattr(spec, field) if spec.obj_attr_is_set(field) else None


class Asker:
    """Asks the service, and remembers the answer for as long as its question is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._last: weakref.WeakKeyDictionary[Any, Answer] = weakref.WeakKeyDictionary()

    def ask(self, conf: Any, hosts: Sequence[HostState], spec: Any) -> Answer:
        """Ask which hosts take the guest of a request.

        Args:
            conf: the options of ``[wherry]``.
            hosts: those that Nova considers.
            spec: Nova's RequestSpec.

        Raises:
            NoAnswer: the service did not answer in time, or refused the question.
        """
        names = list(dict.fromkeys(map(name_of, hosts)))
        body = {
            "policy": {"mode": "live", "accept": list(conf.accept)},
            "hosts": names,
            "known_only": True,
            "limit": max(1, min(len(names), 10_000)),
        }
        path = f"/wherry/guests/{spec.instance_uuid}/targets"
        # Who asks next, in the same scheduling, is not to wait as well.
        answer = Answer(None)
        try:
            answer = _read(self._send(conf, path, body), is_placement=conf.is_placement)
        finally:
            with self._lock:
                self._last[spec] = answer
        return answer

    def last(self, spec: Any) -> Answer | None:
        """Give what was answered of a request; None where nothing was asked."""
        with self._lock:
            return self._last.get(spec)

    def _send(self, conf: Any, path: str, body: Any) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/json", **_token(conf.token_file)}
        try:
            return self._pool(conf.cafile).request(
                "POST",
                conf.url.rstrip("/") + path,
                body=json.dumps(body).encode(),
                headers=headers,
                timeout=urllib3.Timeout(connect=conf.timeout_s, read=conf.timeout_s),
                retries=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswer(f"{conf.url} does not answer: {error}") from error

    def _pool(self, cafile: str | None) -> urllib3.PoolManager:
        with self._lock:
            if cafile not in self._pools:
                self._pools[cafile] = urllib3.PoolManager(ca_certs=cafile, maxsize=8)
            return self._pools[cafile]


def _token(file: str | None) -> dict[str, str]:
    if not file:
        return {}
    try:
        token = Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NoAnswer(f"token_file {file} cannot be read: {error.strerror}") from error
    return {"Authorization": f"Bearer {token}"}


def _read(response: urllib3.BaseHTTPResponse, *, is_placement: bool) -> Answer:
    try:
        told = json.loads(response.data)
        if response.status == OK:
            scores = _scores(told["targets"])
            held = not is_placement or told.get("migration") is not None
            return Answer(scores if held else None)
        error = told["error"]
        # A guest without devices is not on record, and every host is as good for it.
        if response.status == NOT_FOUND and error["detail"].get("what") == "guest":
            return Answer(None)
        message = f"{error['code']}: {error['message']}"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"status {response.status}, and no answer that can be read: {error!r}"
    raise NoAnswer(message)


def _scores(targets: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Score targets by their rank, which looks at verdicts before it looks at room."""
    return {str(one["host"]): float(len(targets) - n) for n, one in enumerate(targets)}


ASKER = Asker()
"""Of this process: a scheduling is filtered and weighed in one."""
