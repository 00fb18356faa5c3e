"""Webhook: a notification -> JSON to a URL."""
