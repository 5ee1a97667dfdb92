"""The first schema.

A migration is written out and never changed again: it says what a database looked like
then, whatever `wherry.store.tables` says now.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


class Xid8(UserDefinedType[Any]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        """Spell the type in DDL."""
        return "xid8"


NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
XID = Xid8().with_variant(sa.BigInteger(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "allocation",
        sa.Column("consumer", ID, nullable=False),
        sa.Column("provider", ID, nullable=False),
        sa.Column("class", sa.Integer(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used > 0", name=op.f("ck_allocation_used")),
        sa.PrimaryKeyConstraint("consumer", "provider", "class", name=op.f("pk_allocation")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_allocation_provider_class"), "allocation", ["provider", "class"])
    op.create_table(
        "boot",
        sa.Column("host", NAME, nullable=False),
        sa.Column("boot_id", NAME, nullable=False),
        sa.Column("followed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("host", "boot_id", name=op.f("pk_boot")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "change",
        sa.Column("seq", ID, autoincrement=True, nullable=False),
        sa.Column("xid", XID, nullable=True),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("ref", NAME, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_change_xid", "change", ["xid"], sqlite_where=sa.text("xid IS NOT NULL"))
    op.create_table(
        "claim",
        sa.Column("id", NAME, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_claim_at"), "claim", ["at"])
    op.create_table(
        "consumer",
        sa.Column("id", ID, nullable=False),
        sa.Column("uuid", NAME, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("user_id", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consumer")),
        sa.UniqueConstraint("uuid", name=op.f("uq_consumer_uuid")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(op.f("ix_consumer_project"), "consumer", ["project"])
    op.create_table(
        "gone",
        sa.Column("kind", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_gone")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "guest",
        sa.Column("uuid", NAME, nullable=False),
        sa.Column("host", NAME, nullable=False),
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("migration", NAME, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_guest")),
    )
    op.create_index(op.f("ix_guest_host"), "guest", ["host"])
    op.create_index(op.f("ix_guest_tenant"), "guest", ["tenant"])
    op.create_table(
        "host",
        sa.Column("name", NAME, nullable=False),
        sa.Column("root", NAME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("observed_at", sa.Text(), nullable=False),
        sa.Column("last_seen", sa.Float(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_host")),
    )
    op.create_table(
        "job",
        sa.Column("id", NAME, nullable=False),
        sa.Column("host", NAME, nullable=False),
        sa.Column("migration", NAME, nullable=False),
        sa.Column("deadline", sa.Float(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(op.f("ix_job_host_deadline"), "job", ["host", "deadline"])
    op.create_index(op.f("ix_job_migration"), "job", ["migration"])
    op.create_table(
        "meta",
        sa.Column("key", NAME, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "migration",
        sa.Column("uuid", NAME, nullable=False),
        sa.Column("guest", NAME, nullable=False),
        sa.Column("source", NAME, nullable=False),
        sa.Column("target", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.Float(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_migration")),
    )
    op.create_index(op.f("ix_migration_due"), "migration", ["due"])
    op.create_index(op.f("ix_migration_guest"), "migration", ["guest"])
    op.create_index(op.f("ix_migration_source"), "migration", ["source"])
    op.create_index(op.f("ix_migration_state"), "migration", ["state"])
    op.create_index(op.f("ix_migration_target"), "migration", ["target"])
    op.create_table(
        "occupant",
        sa.Column("consumer", ID, nullable=False),
        sa.Column("slot", NAME, nullable=False),
        sa.Column("provider", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("exclusive", NAME, nullable=True),
        sa.Column("device", NAME, nullable=True),
        sa.PrimaryKeyConstraint("consumer", "slot", name=op.f("pk_occupant")),
        sa.UniqueConstraint("provider", "device", name=op.f("uq_occupant_provider_device")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pack",
        sa.Column("id", NAME, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack")),
    )
    op.create_table(
        "provider",
        sa.Column("id", ID, nullable=False),
        sa.Column("uuid", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("host", NAME, nullable=True),
        sa.Column("parent", ID, nullable=True),
        sa.Column("root", ID, nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("facts_generation", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["parent"], ["provider.id"], name=op.f("fk_provider_parent")),
        sa.ForeignKeyConstraint(["root"], ["provider.id"], name=op.f("fk_provider_root")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider")),
        sa.UniqueConstraint("name", name=op.f("uq_provider_name")),
        sa.UniqueConstraint("uuid", name=op.f("uq_provider_uuid")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(op.f("ix_provider_host"), "provider", ["host"])
    op.create_index(op.f("ix_provider_parent"), "provider", ["parent"])
    op.create_index(op.f("ix_provider_root"), "provider", ["root"])
    op.create_table(
        "resource_class",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_class")),
        sa.UniqueConstraint("name", name=op.f("uq_resource_class_name")),
    )
    op.create_table(
        "trait",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trait")),
        sa.UniqueConstraint("name", name=op.f("uq_trait_name")),
    )
    op.create_table(
        "host_report",
        sa.Column("host", NAME, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("check_facts", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["host"], ["host.name"], name=op.f("fk_host_report_host")),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_report")),
    )
    op.create_table(
        "inventory",
        sa.Column("provider", ID, nullable=False),
        sa.Column("class", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("min_unit", sa.BigInteger(), nullable=False),
        sa.Column("max_unit", sa.BigInteger(), nullable=False),
        sa.Column("step_size", sa.BigInteger(), nullable=False),
        sa.Column("allocation_ratio", sa.Float(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("stray", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("charged >= 0", name=op.f("ck_inventory_charged")),
        sa.CheckConstraint("stray >= 0", name=op.f("ck_inventory_stray")),
        sa.CheckConstraint("used >= 0", name=op.f("ck_inventory_used")),
        sa.ForeignKeyConstraint(["class"], ["resource_class.id"], name=op.f("fk_inventory_class")),
        sa.ForeignKeyConstraint(["provider"], ["provider.id"], name=op.f("fk_inventory_provider")),
        sa.PrimaryKeyConstraint("provider", "class", name=op.f("pk_inventory")),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_inventory_class"), "inventory", ["class"])
    op.create_table(
        "migration_step",
        sa.Column("migration", NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["migration"], ["migration.uuid"], name=op.f("fk_migration_step_migration")
        ),
        sa.PrimaryKeyConstraint("migration", "number", name=op.f("pk_migration_step")),
    )
    op.create_table(
        "provider_device",
        sa.Column("provider", ID, nullable=False),
        sa.Column("device", NAME, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider"], ["provider.id"], name=op.f("fk_provider_device_provider")
        ),
        sa.PrimaryKeyConstraint("provider", "device", name=op.f("pk_provider_device")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "provider_plan",
        sa.Column("provider", ID, nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider"], ["provider.id"], name=op.f("fk_provider_plan_provider")
        ),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_plan")),
    )
    op.create_table(
        "provider_trait",
        sa.Column("provider", ID, nullable=False),
        sa.Column("trait", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider"], ["provider.id"], name=op.f("fk_provider_trait_provider")
        ),
        sa.ForeignKeyConstraint(["trait"], ["trait.id"], name=op.f("fk_provider_trait_trait")),
        sa.PrimaryKeyConstraint("provider", "trait", name=op.f("pk_provider_trait")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_provider_trait_trait"), "provider_trait", ["trait"])
    op.create_table(
        "seen_instance",
        sa.Column("provider", ID, nullable=False),
        sa.Column("device", NAME, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("exclusive", NAME, nullable=True),
        sa.Column("stray", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider"], ["provider.id"], name=op.f("fk_seen_instance_provider")
        ),
        sa.PrimaryKeyConstraint("provider", "device", name=op.f("pk_seen_instance")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "slot",
        sa.Column("guest", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("provider", NAME, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("device", NAME, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["guest"], ["guest.uuid"], name=op.f("fk_slot_guest")),
        sa.PrimaryKeyConstraint("guest", "name", name=op.f("pk_slot")),
    )
    op.create_index(op.f("ix_slot_provider"), "slot", ["provider"])
    op.create_table(
        "view",
        sa.Column("provider", ID, nullable=False),
        sa.Column("class", sa.Integer(), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["class"], ["resource_class.id"], name=op.f("fk_view_class")),
        sa.ForeignKeyConstraint(["pool"], ["resource_class.id"], name=op.f("fk_view_pool")),
        sa.ForeignKeyConstraint(["provider"], ["provider.id"], name=op.f("fk_view_provider")),
        sa.PrimaryKeyConstraint("provider", "class", "pool", name=op.f("pk_view")),
        sqlite_with_rowid=False,
    )
