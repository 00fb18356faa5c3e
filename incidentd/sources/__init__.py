"""Where samples come from: expressions -> answers."""
