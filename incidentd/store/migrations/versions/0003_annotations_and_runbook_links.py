"""What alerts of Prometheus rules say, and where their runbooks are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The defaults stay: taking them away would make SQLite write the tables anew, which their foreign keys forbid.
    op.add_column('incident', sa.Column('runbook_url', Text(), nullable=False, server_default=''))
    annotations = sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), 'postgresql')
    op.add_column('incident_alert', sa.Column('annotations', annotations, nullable=False, server_default='{}'))


def downgrade() -> None:
    op.drop_column('incident_alert', 'annotations')
    op.drop_column('incident', 'runbook_url')
