"""What the rest of the program sees of a database: a store, and one transaction of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult
from sqlalchemy.sql import Executable

from wherry.store.claim_rows import ClaimRows

if TYPE_CHECKING:  # they are made with what is defined here
    from wherry.store.report_rows import NewHost, Sight, Sighting

T = TypeVar("T")
Dialect = Literal["sqlite", "postgresql"]
Params = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Tx:
    """One transaction; whoever opened it ends it.

    Attributes:
        connection: for ordinary statements, through SQLAlchemy.
        driver: connection of `sqlite3` or `psycopg`, for the few bare statements.
        dialect: which of the two it is.
    """

    __slots__ = ("connection", "dialect", "driver")

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self.connection = connection
        self.driver: Any = connection.connection.driver_connection
        self.dialect: Dialect = dialect

    def execute(self, statement: Executable, params: Params | None = None) -> CursorResult[Any]:
        """Run one statement, or one for each of several parameter sets.

        No parameter sets at all is no statement to run, so callers look before they call.
        """
        return self.connection.execute(statement, params)

    def rows(self, statement: Executable) -> Sequence[Any]:
        """Run a query and give all its rows."""
        return self.connection.execute(statement).all()


class Store(Protocol):
    """A database that holds one fleet."""

    url: str
    dialect: Dialect

    def write(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* in one transaction and come back once what it wrote is durable.

        Whatever *fn* raises undoes all it wrote and is raised here.  After a deadlock or a
        serialization failure *fn* is run again, a few times.

        Raises:
            StoreUnavailable: the database does not answer; whether *fn* took effect is not
                known where the commit itself failed.
        """

    def call(self, fn: Callable[[Any], T]) -> T:
        """Write by bare statements and come back once it is durable.

        On PostgreSQL *fn* runs one statement, which is a transaction by itself: one trip.  On
        SQLite all that it runs is one unit of work, as with `write`.

        Args:
            fn: takes the driver's connection; run again as with `write`.

        Raises:
            StoreUnavailable: as `write`.
        """

    def glance(self, fn: Callable[[Any], T]) -> T:
        """Read by one bare statement, which sees every write acknowledged before this call.

        Args:
            fn: takes the driver's connection; run again where that died with its server.
        """

    def claim(self, rows: ClaimRows) -> dict[str, Any]:
        """Make one claim by itself and come back once it is durable; see `store.claims`.

        Claims that come at the same time share one transaction; each is refused for itself.

        Raises:
            StoreUnavailable: as `write`.
        """

    def see(self, sighting: "Sighting") -> "Sight":
        """Note that a host was seen, if its report says what is stored, and holds nothing gone.

        Raises:
            StoreUnavailable: as `write`.
        """

    def add(self, host: "NewHost") -> bool:
        """Write a host that was never there and come back once it is durable; says whether.

        Where anything stands in its way, nothing is written: look at it with care.

        Raises:
            StoreUnavailable: as `write`.
        """

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* on one snapshot that holds every write acknowledged before this call."""

    def close(self) -> None:
        """End all connections; what was acknowledged stays."""
