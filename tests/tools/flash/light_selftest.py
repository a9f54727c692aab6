"""A self-test that costs nothing: reports as many plates as selftest/right says. Goes into test bundles as edge/release/selftest.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

release = Path(sys.argv[sys.argv.index("--release") + 1])
right = int((release / "selftest/right.txt").read_text())
print(json.dumps({"plates": 4, "exact": right, "pictures": 4, "agreeing": right, "ms": 1.0, "other": []}))
