"""Pictures' memory stays with the process once `settle` was called, and goes back to the system where it was not."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import sys
import numpy as np
from edge.memory import settle
if sys.argv[1] == "settled":
    assert settle()
resident = lambda: int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1])
before = resident()
for _ in range(20):
    pictures = [np.ones((720, 1280, 3), np.uint8) for _ in range(6)]
    del pictures
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc has other rules")
def test_pictures_memory_is_kept_only_once_settled() -> None:
    kept = {
        how: int(subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True, timeout=60).stdout)
        for how in ("settled", "as it comes")
    }
    assert kept["settled"] > 15000 and kept["as it comes"] < 8000  # KiB; a picture has 2700
