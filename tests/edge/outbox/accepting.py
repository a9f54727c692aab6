"""A process that accepts events for ever and prints each id once `accept` has returned: what it has printed must survive its end.

`python -m tests.edge.outbox.accepting PATH THREADS`
"""

from __future__ import annotations

import sys
import threading

from edge.outbox import Outbox
from tests.edge.plates import IDENTITY, plate_event


def accept_for_ever(outbox: Outbox) -> None:
    while True:
        print(outbox.accept(plate_event()) + "\n", end="", flush=True)


def main(path: str, threads: str) -> None:
    outbox = Outbox(path, IDENTITY)
    for _ in range(int(threads) - 1):
        threading.Thread(target=accept_for_ever, args=(outbox,), daemon=True).start()
    accept_for_ever(outbox)


if __name__ == "__main__":
    main(*sys.argv[1:])
