"""PagerDuty: a notification -> Events API v2."""
