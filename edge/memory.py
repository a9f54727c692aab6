"""Memory that was needed once is kept: a picture's worth that is given back and taken again costs page faults, and looks like a leak.

Told to glibc's allocator; elsewhere nothing is changed. Source: mallopt(3), https://man7.org/linux/man-pages/man3/mallopt.3.html
"""

from __future__ import annotations

import ctypes
from typing import Final

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8  # as malloc.h numbers them
KEPT_BYTES: Final = 64 << 20
"""At the end of a heap; more than this is given back."""
ARENAS: Final = 1
"""Pictures pass from thread to thread: were an arena each thread's own, each would keep the emptied places of the others' pictures. What is
small and frequent comes from Python's and onnxruntime's own allocators, so one lock holds nobody up."""


def settle() -> bool:
    """→ whether the allocator took it; for a process's beginning, before it has threads."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return all([mallopt(MMAP_MAX, 0), mallopt(TRIM_THRESHOLD, KEPT_BYTES), mallopt(ARENA_MAX, ARENAS)])
