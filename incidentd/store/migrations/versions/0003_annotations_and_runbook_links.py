"""What alerts of Prometheus rules say, and where their runbooks are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('incident') as table:
        table.add_column(sa.Column('runbook_url', Text(), nullable=False, server_default=''))
    with op.batch_alter_table('incident') as table:
        table.alter_column('runbook_url', server_default=None)
    annotations = sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), 'postgresql')
    with op.batch_alter_table('incident_alert') as table:
        table.add_column(sa.Column('annotations', annotations, nullable=False, server_default='{}'))
    with op.batch_alter_table('incident_alert') as table:
        table.alter_column('annotations', server_default=None)


def downgrade() -> None:
    with op.batch_alter_table('incident_alert') as table:
        table.drop_column('annotations')
    with op.batch_alter_table('incident') as table:
        table.drop_column('runbook_url')
