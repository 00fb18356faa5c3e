"""Rule + samples + previous alerts -> changes."""
