"""Slack: a notification -> one message, edited in place; a button press -> an action."""
