"""Outbox -> channels."""
