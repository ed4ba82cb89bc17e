"""The first journal."""

import sqlalchemy as sa
from alembic import op

from reciprocity.journal.schema import POSTGRESQL_TRIGGERS, SQLITE_TRIGGERS

revision = "0001"
down_revision = None

_Int = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of the first release."""
    op.create_table(
        "event",
        sa.Column("position", _Int, primary_key=True, autoincrement=False),
        sa.Column("slot", _Int),
        sa.Column("version", _Int),
        sa.Column("recorded_at", _Int),
        sa.Column("happened_at", _Int),
        sa.Column("kind", sa.Text),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("act_id", sa.LargeBinary),
    )
    op.create_index("event_person", "event", ["slot", "version"], unique=True)
    has_act = sa.text("act_id IS NOT NULL")
    op.create_index(
        "event_act",
        "event",
        ["act_id"],
        unique=True,
        sqlite_where=has_act,
        postgresql_where=has_act,
    )
    op.create_table(
        "tile",
        sa.Column("level", sa.Integer, primary_key=True),
        sa.Column("number", _Int, primary_key=True),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "log_state",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("size", _Int, nullable=False),
        sa.Column("last_at", _Int, nullable=False),
        sa.Column("next_slot", _Int, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("gap", sa.Integer, nullable=False),
        sa.Column("checkpoint", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "in_force",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", _Int, nullable=False),
    )
    op.create_table(
        "vault",
        sa.Column("slot", _Int, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "suppression",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("since", _Int, nullable=False),
    )
    op.create_table(
        "pending_act",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("slot", _Int, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at", _Int, nullable=False),
    )
    op.create_table(
        "link_key",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("made_at", _Int, nullable=False),
    )
    on_file = op.get_bind().dialect.name == "sqlite"
    for trigger in SQLITE_TRIGGERS if on_file else POSTGRESQL_TRIGGERS:
        op.execute(trigger)
