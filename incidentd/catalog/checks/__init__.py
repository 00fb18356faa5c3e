"""One check a file: catalog -> problems."""
