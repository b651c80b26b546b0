"""The tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes them all."""
    op.create_table(
        "hardware",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("platform", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("memory_gib", sa.Integer),
        sa.Column("compute_capability", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_hardware"),
        sa.UniqueConstraint("digest", name="uq_hardware_digest"),
    )
    op.create_table(
        "software",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_software"),
        sa.UniqueConstraint("digest", name="uq_software_digest"),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("variant", sa.String, nullable=False),
        sa.Column("shape", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("model", "variant", "shape", name="uq_cases_model_variant_shape"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("at_s", sa.BigInteger, nullable=False),
        sa.Column("commit", sa.String, nullable=False),
        sa.Column("suite", sa.String, nullable=False),
        sa.Column("hardware_id", sa.Integer, nullable=False),
        sa.Column("software_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("digest", name="uq_runs_digest"),
        sa.ForeignKeyConstraint(["hardware_id"], ["hardware.id"], name="fk_runs_hardware_id"),
        sa.ForeignKeyConstraint(["software_id"], ["software.id"], name="fk_runs_software_id"),
    )
    op.create_index("ix_runs_at_s", "runs", ["at_s"])
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hardware_id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("metric", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("hardware_id", "case_id", "metric", name="uq_series_hardware_id_case_id_metric"),
        sa.ForeignKeyConstraint(["hardware_id"], ["hardware.id"], name="fk_series_hardware_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_series_case_id"),
    )
    op.create_table(
        "measurements",
        sa.Column("series_id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("relative_error", sa.Double),
        sa.PrimaryKeyConstraint("series_id", "run_id", name="pk_measurements"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_measurements_series_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_measurements_run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verdicts",
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("verdict", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "run_id", name="pk_verdicts"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_verdicts_case_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_verdicts_run_id"),
        sqlite_with_rowid=False,
    )
