"""The check as a call: on records that the caller sends, or on a stored guest and host."""

import msgspec

from wherry.app.engine import Engine
from wherry.app.groups import neighbours_of
from wherry.app.guests import get_guest
from wherry.app.packs import in_force
from wherry.app.tenancy import closed_to
from wherry.compat.answer import answer, encode, parse_request
from wherry.model import strictjson
from wherry.model.bounds import Bounds
from wherry.model.checks import Policy
from wherry.model.errors import NotFound
from wherry.model.facts import HostName, Uuid
from wherry.model.inventory import Value
from wherry.model.targets import TargetsRequest
from wherry.schedule.targets import ask, judge_host


class StoredCheck(Value, frozen=True, kw_only=True):
    """A stored guest against a stored host, with the packs in force."""

    guest: Uuid
    target: HostName
    policy: Policy = Policy()


_decoder = msgspec.json.Decoder(StoredCheck)


class _Kind(msgspec.Struct):
    guest: msgspec.Raw = msgspec.Raw(b"")


def check(engine: Engine, body: bytes) -> bytes:
    """Answer a request of any kind; a guest that is a uuid is the stored one.

    Records that are sent are judged by the policy that is sent with them and nothing else, so
    that the same request has the same answer everywhere.

    Raises:
        InvalidRequest: the body is no request.
        NotFound: there is no such guest or host.
    """
    if not _names_stored(body):
        return encode(answer(parse_request(body)))
    asked = strictjson.decode(body, _decoder, StoredCheck)
    guest = get_guest(engine, asked.guest)
    view = engine.view()
    host = view.get(asked.target)
    if host is None:
        raise NotFound(what="host", name=asked.target)
    bounds = Bounds(neighbours_of(engine, guest.uuid), closed_to(engine, guest.tenant))
    request = TargetsRequest(policy=in_force(engine, asked.policy))
    question = ask(guest, request, engine.cache, bounds)
    _, response = judge_host(question, view.get(guest.host), host)
    return encode(response)


def _names_stored(body: bytes) -> bool:
    try:
        kind = msgspec.json.decode(body, type=_Kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False  # the full reading says what is wrong
    return bytes(kind.guest).lstrip().startswith(b'"')
