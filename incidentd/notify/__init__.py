"""The outside world: a notification -> a vendor."""
