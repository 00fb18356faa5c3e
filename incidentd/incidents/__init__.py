"""The only writer of alerts and incidents."""
