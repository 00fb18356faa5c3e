"""Mail: a notification -> one thread of messages."""
