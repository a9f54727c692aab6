"""Whatever moment the power goes, a unit has a working release, and the same command run again ends as it would have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_cut_at_every_change_on_the_disk() -> None:
    """See tests.edge.release.cutting: it fails at the first cut after which something is wrong."""
    command = [sys.executable, "-m", "tests.edge.release.cutting"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    cuts = json.loads(done.stdout)
    assert cuts.keys() == {"first", "update", "bad update", "rollback"} and min(cuts.values()) > 20
