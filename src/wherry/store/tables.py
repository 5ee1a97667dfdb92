"""The schema, once for both engines.

``docs/reference/database.md`` explains the tables; a test holds this module, the schema
migrations and both engines to one another.  Bodies are JSON text of the model's values.

Conventions: providers and consumers have an integer id inside the database and a uuid
outside; amounts are units; ``at``, ``last_seen`` and the like are seconds since the epoch.
Rows that every claim updates are narrow, and stand apart from the long bodies: SQLite writes
a row anew as a whole.  What claims insert has no foreign keys: the locks that a claim holds
say the same, and PostgreSQL would lock the shared row of a class for every allocation.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

REVISION = "0014"
"""Schema that this version of the program reads and writes."""


class Xid8(UserDefinedType[Any]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        """Spell the type in DDL."""
        return "xid8"


# Names and uuids sort by code point on both engines: lock order depends on it.
Name = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
Id = BigInteger().with_variant(Integer(), "sqlite")
Xid = Xid8().with_variant(BigInteger(), "sqlite")
# Rows that claims update keep room on their page, so that no index is written (HOT).
ROOMY: dict[str, Any] = {"postgresql_with": {"fillfactor": 70}}
KEYED: dict[str, Any] = {"sqlite_with_rowid": False}

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    Column("key", Name, primary_key=True),
    Column("value", Text, nullable=False),
    **KEYED,
)

host = Table(
    "host",
    metadata,
    Column("name", Name, primary_key=True),
    Column("root", Name, nullable=False),
    Column("state", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("observed_at", Text, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("digest", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
)

host_report = Table(
    "host_report",
    metadata,
    Column("host", Name, ForeignKey("host.name"), primary_key=True),
    Column("report", Text, nullable=False),
    Column("check_facts", Text, nullable=False),
    Column("findings", Text, nullable=False),
)

# A host or provider that comes back goes on above the generation that it had.
gone = Table(
    "gone",
    metadata,
    Column("kind", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    **KEYED,
)

boot = Table(
    "boot",
    metadata,
    Column("host", Name, primary_key=True),
    Column("boot_id", Name, primary_key=True),
    Column("followed_at", Float, nullable=False),
    **KEYED,
)

provider = Table(
    "provider",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uuid", Name, nullable=False, unique=True),
    Column("name", Name, nullable=False, unique=True),
    Column("host", Name, index=True),
    Column("parent", Id, ForeignKey("provider.id"), index=True),
    # The end of the parents, which have foreign keys; on SQLite it has one too.
    Column("root", Id, index=True),
    Column("owner", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("facts_generation", BigInteger, nullable=False),
    Column("gone", Boolean, nullable=False),
    # Moves of the generation that Placement's clients do not count with.
    Column("silent", BigInteger, nullable=False, server_default="0"),
    Column("changed_at", Float),  # for Last-Modified; null where nobody wrote it down
    **ROOMY,
)

provider_plan = Table(
    "provider_plan",
    metadata,
    Column("provider", Id, ForeignKey("provider.id"), primary_key=True),
    Column("plan", Text, nullable=False),
)

resource_class = Table(
    "resource_class",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("created_at", Float),
)

trait = Table(
    "trait",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("created_at", Float),
)

provider_trait = Table(
    "provider_trait",
    metadata,
    Column("provider", Id, ForeignKey("provider.id"), primary_key=True),
    Column("trait", Integer, ForeignKey("trait.id"), primary_key=True, index=True),
    **KEYED,
)

# What reports say of clients' providers, and labels: a client that writes its traits does not
# touch these.
derived_trait = Table(
    "derived_trait",
    metadata,
    Column("provider", Id, ForeignKey("provider.id"), primary_key=True),
    Column("trait", Integer, ForeignKey("trait.id"), primary_key=True, index=True),
    **KEYED,
)

provider_aggregate = Table(
    "provider_aggregate",
    metadata,
    Column("provider", Id, ForeignKey("provider.id"), primary_key=True),
    Column("aggregate", Name, primary_key=True, index=True),
    **KEYED,
)

inventory = Table(
    "inventory",
    metadata,
    Column("provider", Id, ForeignKey("provider.id"), primary_key=True),
    Column("class", Integer, ForeignKey("resource_class.id"), primary_key=True, index=True),
    Column("total", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("min_unit", BigInteger, nullable=False),
    Column("max_unit", BigInteger, nullable=False),
    Column("step_size", BigInteger, nullable=False),
    Column("allocation_ratio", Float, nullable=False),
    Column("cap", BigInteger),  # null: a view, bounded by its pools
    Column("used", BigInteger, nullable=False),
    Column("charged", BigInteger, nullable=False),
    Column("stray", BigInteger, nullable=False),
    Column("changed_at", Float),
    CheckConstraint("used >= 0", name="used"),
    CheckConstraint("charged >= 0", name="charged"),
    CheckConstraint("stray >= 0", name="stray"),
    **KEYED,
    **ROOMY,
)

# Inventories name what a view names, and have foreign keys; on SQLite a view has them too.
view = Table(
    "view",
    metadata,
    Column("provider", Id, primary_key=True),
    Column("class", Integer, primary_key=True),
    Column("pool", Integer, primary_key=True),
    Column("units", BigInteger, nullable=False),
    **KEYED,
)

provider_device = Table(
    "provider_device",
    metadata,
    Column("provider", Id, ForeignKey("provider.id"), primary_key=True),
    Column("device", Name, primary_key=True),
    Column("rank", Integer, nullable=False),
    **KEYED,
)

seen_instance = Table(
    "seen_instance",
    metadata,
    Column("provider", Id, ForeignKey("provider.id"), primary_key=True),
    Column("device", Name, primary_key=True),
    Column("type", Text, nullable=False),
    Column("units", Text, nullable=False),
    Column("exclusive", Name),  # as in occupant
    Column("stray", Boolean, nullable=False),
    Column("place", Name),  # of the parent's positions, where the host tells
    **KEYED,
)

# Where an instance of a type may sit, on parents with positions.
placement = Table(
    "placement",
    metadata,
    Column("provider", Id, ForeignKey("provider.id"), primary_key=True),
    Column("type", Name, primary_key=True),
    Column("places", Text, nullable=False),
    **KEYED,
)

composition = Table(
    "composition",
    metadata,
    Column("uuid", Name, primary_key=True),
    Column("provider", Name, nullable=False, index=True),
    Column("host", Name, nullable=False, index=True),
    Column("body", Text, nullable=False),
)

consumer = Table(
    "consumer",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uuid", Name, nullable=False, unique=True),
    Column("generation", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("project", Name, nullable=False, index=True),
    Column("user_id", Name, nullable=False),
    Column("changed_at", Float),
    **ROOMY,
)

allocation = Table(
    "allocation",
    metadata,
    Column("consumer", Id, primary_key=True),
    Column("provider", Id, primary_key=True),
    Column("class", Integer, primary_key=True),
    Column("used", BigInteger, nullable=False),
    CheckConstraint("used > 0", name="used"),
    Index(None, "provider", "class"),
    **KEYED,
)

occupant = Table(
    "occupant",
    metadata,
    Column("consumer", Id, primary_key=True),
    Column("slot", Name, primary_key=True),
    Column("provider", Id, nullable=False),
    Column("type", Text, nullable=False),
    Column("exclusive", Name),  # JSON of the value; null where nothing is asked
    Column("device", Name),
    Column("place", Name),  # of the provider's positions; null where it has none
    UniqueConstraint("provider", "device"),
    **KEYED,
)

guest = Table(
    "guest",
    metadata,
    Column("uuid", Name, primary_key=True),
    Column("host", Name, nullable=False, index=True),
    Column("tenant", Name, nullable=False, index=True),
    Column("generation", BigInteger, nullable=False),
    Column("migration", Name, index=True),
    Column("body", Text, nullable=False),
)

slot = Table(
    "slot",
    metadata,
    Column("guest", Name, ForeignKey("guest.uuid"), primary_key=True),
    Column("name", Name, primary_key=True),
    Column("provider", Name, nullable=False, index=True),
    Column("type", Text, nullable=False),
    Column("device", Name),
    Column("body", Text, nullable=False),
)

migration = Table(
    "migration",
    metadata,
    Column("uuid", Name, primary_key=True),
    Column("guest", Name, nullable=False, index=True),
    Column("source", Name, nullable=False, index=True),
    Column("target", Name, nullable=False, index=True),
    Column("state", Name, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("due", Float),  # when somebody must look at it next; null: never again
    Column("body", Text, nullable=False),
    Index(None, "state"),
    Index(None, "due"),
)

migration_step = Table(
    "migration_step",
    metadata,
    Column("migration", Name, ForeignKey("migration.uuid"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("body", Text, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", Name, primary_key=True),
    Column("host", Name, nullable=False),
    Column("migration", Name, nullable=False, index=True),
    Column("deadline", Float, nullable=False),
    Column("body", Text, nullable=False),
    Column("answer", Text),
    Index(None, "host", "deadline"),
)

pack = Table(
    "pack",
    metadata,
    Column("id", Name, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

device_request = Table(
    "device_request",
    metadata,
    Column("name", Name, primary_key=True),
    Column("body", Text, nullable=False),
)

guest_group = Table(
    "guest_group",
    metadata,
    Column("id", Name, primary_key=True),
    Column("claims", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""``claims`` counts what was claimed for its guests, so that two at once see each other."""

guest_group_member = Table(
    "guest_group_member",
    metadata,
    Column("guest_group", Name, ForeignKey("guest_group.id"), primary_key=True),
    Column("guest", Name, primary_key=True, index=True),
)

aggregate_tenant = Table(
    "aggregate_tenant",
    metadata,
    Column("aggregate", Name, primary_key=True),
    Column("tenant", Name, primary_key=True),
)
"""Aggregates without a row are for everybody."""

claim = Table(
    "claim",
    metadata,
    Column("id", Name, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("outcome", Text, nullable=False),
    **KEYED,
)

change = Table(
    "change",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=True),
    Column("xid", Xid),  # null on SQLite, where seq is commit order
    Column("kind", Name, nullable=False),
    Column("ref", Name, nullable=False),
    Column("generation", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_change_xid", change.c.xid, sqlite_where=change.c.xid.is_not(None))
