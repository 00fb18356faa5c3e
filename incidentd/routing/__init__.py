"""Who hears of it, decided without input or output."""
