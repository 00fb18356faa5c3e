"""What people author: files -> one immutable catalog."""
