"""``python -m incidentd``."""

from __future__ import annotations

from incidentd.cli import main

main()
