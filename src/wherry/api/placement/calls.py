"""A request and its answer as handlers see them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wherry.api.placement import microversions
from wherry.api.placement.identity import Client
from wherry.api.placement.microversions import Microversion
from wherry.api.placement.ready.summaries import TreeBytes
from wherry.api.placement.refused import Refused
from wherry.api.placement.schemas import Versions, pick
from wherry.api.placement.validation import Pairs, check_query, parse_body

if TYPE_CHECKING:
    from wherry.app.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: who asks, what for, in which microversion.

    Attributes:
        path: the parts of the path by name.
        query: keys and values in their order.
        schemas: of the body, or where none is taken of the query.
        data: the body as it came.
        prefix: where the service is mounted, without a slash at its end.
        search_s: seconds that a search for candidates may take.
        summaries: bytes of what answers about candidates say of providers.
    """

    engine: "Engine"
    client: Client
    microversion: Microversion
    path: Mapping[str, str] = field(default_factory=dict)
    query: Pairs = ()
    schemas: Versions = ()
    data: bytes = b""
    prefix: str = ""
    search_s: float = 60.0
    summaries: TreeBytes = field(default_factory=TreeBytes)

    def body(self, *, first: Callable[[], object] | None = None) -> Any:
        """Read the body by the schema of the microversion.

        Args:
            first: what is refused before a bad body is; asked only where the body is bad.

        Raises:
            Refused: it does not meet the schema.
        """
        try:
            return parse_body(self.data, pick(self.schemas, self.microversion))
        except Refused:
            if first is not None:
                first()
            raise

    def checked_query(self) -> dict[str, str]:
        """Hold the query against its schema; of a key given twice the last value counts.

        Raises:
            Refused: it does not meet the schema.
        """
        check_query(self.query, pick(self.schemas, self.microversion))
        return dict(self.query)

    def values(self, key: str) -> list[str]:
        """Every value of a key."""
        return [value for name, value in self.query if name == key]

    def knows(self, feature: Microversion) -> bool:
        """Whether the client's microversion has what came with one."""
        return self.microversion >= feature

    def lifted(self, what: str, body: Any) -> Any:
        """A body in the newest form."""
        return microversions.lift(what, body, self.microversion)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.engine.clock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler gives.

    Attributes:
        body: in the newest form, or as ready bytes in the form asked for; None: there is none.
        what: its row in the table of microversions.
        modified: seconds since the epoch, for Last-Modified; None: it is not told.
        location: path of what was made.
    """

    status: int = 200
    body: Any = None
    what: str = ""
    modified: float | None = None
    location: str | None = None


Handler = Callable[[Ask], Answer]
