"""Silences, and the pages that they hold back."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('silence',
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('matchers', sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), 'postgresql'), nullable=False),
    sa.Column('author', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('origin', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('starts_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('ends_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('until_incident', sa.Integer(), nullable=True),
    sa.Column('maintenance', sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), 'postgresql'), nullable=True),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('ended_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.Column('ended_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['until_incident'], ['incident.number'], name=op.f('fk_silence_until_incident_incident')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_silence'))
    )
    op.create_index(op.f('ix_silence_ended_at'), 'silence', ['ended_at'], unique=False)
    op.create_index(op.f('ix_silence_ends_at'), 'silence', ['ends_at'], unique=False)
    op.create_index(op.f('ix_silence_until_incident'), 'silence', ['until_incident'], unique=False)
    op.add_column('incident', sa.Column('held_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column('incident', sa.Column('muted_reason', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('incident', sa.Column('muted_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.create_index(op.f('ix_incident_held_at'), 'incident', ['held_at'], unique=False)
    op.add_column('delivery', sa.Column('paged_severity', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('delivery', sa.Column('held_page', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
