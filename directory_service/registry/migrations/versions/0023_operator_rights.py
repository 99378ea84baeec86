"""What operators may do."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operator", sa.Column("rights", sa.Text(), server_default="publish", nullable=False))


def downgrade() -> None:
    op.drop_column("operator", "rights")
