"""The project's instrument: `accuracy` on labelled pictures, `speed` of the whole unit; the daemon's own callables."""
