"""Rules in git -> incidents with runbooks -> the right people, once."""

__version__ = "0.1.0"
