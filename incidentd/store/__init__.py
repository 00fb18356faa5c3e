"""The only user of SQLModel: rows in, rows out."""
