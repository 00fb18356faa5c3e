"""Jira: a notification -> one issue with comments."""
