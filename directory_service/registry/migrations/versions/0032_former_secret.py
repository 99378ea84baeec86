"""The secret that an operator had before, for the while that it still opens."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0029"
branch_labels = None
depends_on = None

_COLUMNS = ("former_hash", "former_until")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("operator", sa.Column(name, sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("operator", name)
