"""Models and contracts → a Triton model repository: see `python -m tools.export_triton --help`."""
