"""Store -> public files."""
