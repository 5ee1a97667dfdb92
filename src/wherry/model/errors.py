"""What can go wrong, one class for each thing the caller can do about it.

An error carries its facts as attributes and the values in its message.  Its ``code`` goes
on the wire and stays; ``docs/reference/errors.md`` lists every one, and a test holds the
page to this module.
"""

from collections.abc import Sequence
from typing import ClassVar


class WherryError(Exception):
    """The root of all errors that a caller can act on."""

    code: ClassVar[str] = "error"


class InvalidRequest(WherryError):
    """The document or the arguments are not what the door takes: correct and send again.

    Attributes:
        path: where in the document, such as ``$.facts.devices[3].types``; None where the
            document as a whole is meant.
    """

    code = "invalid_request"

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message if path is None else f"{message} - at `{path}`")
        self.path = path


class InvalidFile(WherryError):
    """A file cannot be taken: mend it, or name another."""

    code = "invalid_file"

    def __init__(self, message: str, *, file: str, line: int | None = None) -> None:
        where = file if line is None else f"{file}, line {line}"
        super().__init__(f"{where}: {message}")
        self.file = file
        self.line = line


class InvalidProfile(WherryError):
    """A driver profile or policy pack does not validate: mend the file it came from."""

    code = "invalid_profile"

    def __init__(self, message: str, *, source: str) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source


class NotFound(WherryError):
    """There is no such object: list what there is, or create it first."""

    code = "not_found"

    def __init__(self, *, what: str, name: object, near: Sequence[str] = ()) -> None:
        meant = f": did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"no {what} {name}{meant}")
        self.what = what
        self.name = name


class NotAllowed(WherryError):
    """The caller's role may not do this: ask somebody whose role may."""

    code = "forbidden"


class AlreadyExists(WherryError):
    """The name or uuid is taken by something else: choose another, or look at what is there."""

    code = "already_exists"

    def __init__(self, *, what: str, name: object, why: str) -> None:
        super().__init__(f"{what} {name} exists already: {why}")
        self.what = what
        self.name = name


class ReportOutdated(WherryError):
    """A newer report of the host is stored: read the host anew and report that."""

    code = "report.outdated"

    def __init__(self, *, host: str, why: str) -> None:
        super().__init__(
            f"report of host {host} is older than the stored one, which is kept: {why}"
        )
        self.host = host


class ReportContradicts(WherryError):
    """A report says two things of one: mend what reports, nothing of it is stored."""

    code = "report.contradicts"

    def __init__(self, message: str, *, host: str) -> None:
        super().__init__(f"report of host {host} contradicts itself: {message}")
        self.host = host


class FactsChanged(WherryError):
    """A provider reports other facts than the decision was made on: decide again."""

    code = "claim.facts_changed"

    def __init__(self, *, provider: str, expected: int, found: int | None) -> None:
        now = "is gone" if found is None else f"is at {found}"
        super().__init__(f"provider {provider} was at facts generation {expected} and {now}")
        self.provider = provider
        self.expected = expected
        self.found = found


class CapacityExceeded(WherryError):
    """A pool or inventory has less than asked: try the next candidate."""

    code = "claim.capacity"

    def __init__(self, *, provider: str, resource_class: str, asked: int) -> None:
        super().__init__(f"provider {provider} has no room for {asked} more of {resource_class}")
        self.provider = provider
        self.resource_class = resource_class
        self.asked = asked


class UnitsNotTaken(WherryError):
    """An inventory is not given out in such amounts: ask for another amount."""

    code = "claim.units"

    def __init__(
        self,
        *,
        provider: str,
        resource_class: str,
        asked: int,
        min_unit: int,
        max_unit: int,
        step_size: int,
    ) -> None:
        super().__init__(
            f"provider {provider} gives {resource_class} in {min_unit} to {max_unit}"
            f" by steps of {step_size}, and {asked} was asked"
        )
        self.provider = provider
        self.resource_class = resource_class
        self.asked = asked
        self.min_unit = min_unit
        self.max_unit = max_unit
        self.step_size = step_size


class SlotTaken(WherryError):
    """The one device that was asked for is held by another guest: try the next candidate."""

    code = "claim.device_taken"

    def __init__(self, *, provider: str, device: str) -> None:
        super().__init__(f"device {device} of provider {provider} is held already")
        self.provider = provider
        self.device = device


class ExclusiveConflict(WherryError):
    """The provider's instances must agree, and those in use differ: try the next candidate."""

    code = "claim.exclusive"

    def __init__(self, *, provider: str, by: str, wanted: object, in_use: Sequence[object]) -> None:
        super().__init__(
            f"provider {provider} is taken for {by} = {list(in_use)!r}, and {wanted!r} was asked"
        )
        self.provider = provider
        self.by = by
        self.wanted = wanted
        self.in_use = tuple(in_use)


class Unsettled(WherryError):
    """The device kept changing while it was read: it offers nothing until it is read again."""

    code = "composition.unsettled"

    def __init__(self, *, provider: str, name: str) -> None:
        super().__init__(f"{name} kept changing while it was read: report its host again")
        self.provider = provider


class CompositionHeld(WherryError):
    """Composed devices are held: let their holders go first."""

    code = "composition.held"

    def __init__(self, *, composition: str, consumers: Sequence[str]) -> None:
        super().__init__(f"composition {composition} is held by {', '.join(consumers)}")
        self.composition = composition
        self.consumers = tuple(consumers)


class NoPlace(WherryError):
    """What is free is not where instances of the type may sit: try the next candidate."""

    code = "claim.no_place"

    def __init__(self, *, provider: str, types: Sequence[str]) -> None:
        super().__init__(f"provider {provider} has no place left for {', '.join(types)}")
        self.provider = provider
        self.types = tuple(types)


class GroupConflict(WherryError):
    """Another guest of a group was faster: try the next candidate."""

    code = "migration.group"

    def __init__(self, *, host: str, groups: Sequence[str]) -> None:
        super().__init__(f"host {host} is not open to the guest's groups: {', '.join(groups)}")
        self.host = host
        self.groups = tuple(groups)


class TenantConflict(WherryError):
    """The host's aggregates are for other tenants by now: try the next candidate."""

    code = "migration.tenant"

    def __init__(self, *, host: str) -> None:
        super().__init__(f"host {host} is in aggregates that are for other tenants")
        self.host = host


class ConsumerChanged(WherryError):
    """The consumer is at another generation: read what it holds, decide again."""

    code = "claim.consumer_changed"

    def __init__(self, *, consumer: str, expected: int | None, found: int | None) -> None:
        super().__init__(
            f"consumer {consumer} was expected at generation {expected} and is at {found}"
        )
        self.consumer = consumer
        self.expected = expected
        self.found = found


class NoTarget(WherryError):
    """No host takes the guest under this policy: read the refusals, relax or make room.

    Attributes:
        refused: how many hosts refuse and why, as an answer for targets has it; None where
            nothing was asked.
    """

    code = "no_target"

    def __init__(self, message: str, *, refused: object = None) -> None:
        super().__init__(message)
        self.refused = refused


class WrongState(WherryError):
    """The migration is not in a state from which this step starts: look at it first."""

    code = "migration.state"

    def __init__(self, *, migration: str, state: str, event: str) -> None:
        super().__init__(f"migration {migration} is {state}: {event} is not possible from there")
        self.migration = migration
        self.state = state
        self.event = event


class NotStarted(WherryError):
    """Facts moved since both ends confirmed: do not move the guest; read the migration.

    Either the target is given back, or an alternate is claimed and both ends are asked anew.

    Attributes:
        reasons: what stands in the way by now.
    """

    code = "migration.not_started"

    def __init__(self, *, migration: str, state: str, reasons: object = ()) -> None:
        super().__init__(
            f"migration {migration} is {state}, and not started: facts moved since it was confirmed"
        )
        self.migration = migration
        self.state = state
        self.reasons = reasons


class TokenExpired(WherryError):
    """The fencing token is not the present one: somebody else carries the migration on."""

    code = "migration.token"

    def __init__(self, *, migration: str, token: int) -> None:
        super().__init__(f"token {token} of migration {migration} is no longer valid")
        self.migration = migration
        self.token = token


class StoreInUse(WherryError):
    """Another service owns the SQLite file: stop it, or use PostgreSQL for several processes."""

    code = "store.in_use"


class StoreUnavailable(WherryError):
    """The database does not answer or has another schema: see the message, then try again."""

    code = "store.unavailable"


class ServiceUnavailable(WherryError):
    """The service cannot be reached or did not answer in time: check the address, try again."""

    code = "service.unavailable"


class DeadlineExceeded(ServiceUnavailable):
    """The answer was not found in the time given: ask for less, or allow more time."""

    code = "service.deadline"

    def __init__(self) -> None:
        super().__init__("the search did not end in the time it was given")


class AnswerTooLarge(ServiceUnavailable):
    """There are more candidates than one answer holds: ask with a limit."""

    code = "service.answer_too_large"

    def __init__(self, *, most: int) -> None:
        super().__init__(f"the candidates name more than {most} providers: ask with a limit")
        self.most = most


class BadConfiguration(WherryError):
    """An option has a value that cannot be used: correct the option, variable or file."""

    code = "configuration"
