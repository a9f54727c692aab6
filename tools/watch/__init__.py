"""What the units read, as it comes: `python -m tools.watch --help`. `inbox` keeps it, `follow` fetches it, `table` shows it."""
