"""Everything that is stored of a plate, taken out: its events that wait, those kept for a replay, the dead letters.

What has left the unit is with whoever subscribed. What a flash chip keeps of an overwritten page nobody can say; in the file, the freed
pages are overwritten with zeros, and the log that held them is emptied.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from edge.audit import Audit, AuditError
from edge.outbox import Outbox
from edge.privacy import DAY_S, Privacy, normal

LONGEST_KEPT_S = 400 * DAY_S
"""Tokens are made for so long back: a year of `outbox.keep_days` and a month."""


class ErasureError(ValueError):
    """What cannot be erased; the message says why."""


class Eraser:
    """Erases by plate, and writes down that it did: not which plate."""

    def __init__(self, outbox: Outbox, privacy: Callable[[], Privacy], audit: Audit) -> None:
        """`privacy` gives the rules in force: under hmac, a plate is stored as its tokens."""
        self.erased = self.asked = 0
        self.busy = False  # all of the database is being read
        self._outbox, self._privacy, self._audit = outbox, privacy, audit

    def __call__(self, plate: str, by: str) -> dict[str, Any]:
        """→ how many events went. Raises ErasureError, AuditError before anything is done, OutboxError."""
        text = normal(plate)
        if not text:
            raise ErasureError(f"plate is {plate!r}, expected letters and digits")
        self._audit.open().note("erasure begun", by)
        now = time.time()
        tokens = self._privacy().tokens(text, now - LONGEST_KEPT_S, now + DAY_S)
        self.busy = True
        try:
            gone = self._outbox.erase([text, *tokens])
        finally:
            self.busy = False
            self.asked += 1  # whoever shows reads lets them go
        self.erased += sum(asdict(gone).values())
        self._audit.note("erasure", by, **asdict(gone))
        aside = len(list(self._outbox.path.parent.glob(f"{self._outbox.path.name}.damaged-*")))
        return {**asdict(gone), "damaged_databases_not_searched": aside}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """To {"do": "erase", "plate": …}, which comes through the outbox's door. Raises OutboxError."""
        try:
            return self(str(request.get("plate", "")), "door")
        except (ErasureError, AuditError) as error:
            return {"error": str(error)}
