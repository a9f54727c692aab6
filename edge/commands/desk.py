"""Whether a command is done: known, allowed, in time, new, and not one too many. All that is done or refused is in the audit log first."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from edge.audit import Audit, AuditError
from edge.commands.command import Command, CommandError, Done, parse, result

log = logging.getLogger(__name__)

MOST_AHEAD_S: Final = 600.0
"""An expiry further ahead is a mistake, or somebody who collects commands for later. It also bounds how long ids are remembered."""
BURST: Final = 20
REFILL_S: Final = 1.0
"""So many commands at once, and then one a second: each costs an fsync of the audit log."""
CLOCK_SET_UTC_S: Final = 1_735_689_600.0
"""2025: before it the machine has not heard what time it is, and cannot tell what has expired."""
Act = Callable[[Mapping[str, str]], Done]


class Desk:
    """Hears one command at a time."""

    def __init__(
        self,
        allowed: Collection[str],
        acts: Mapping[str, Act],
        audit: Audit,
        now_utc_s: Callable[[], float] = time.time,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`acts` does what is asked, by name, and raises CommandError where it cannot. Raises AuditError.

        Ids that were used before a restart are in the audit log, and are as used up as any.
        """
        self.done = self.refused = self.overrun = 0
        self._allowed, self._acts, self._audit = frozenset(allowed), acts, audit
        self._now_utc_s, self._now_s = now_utc_s, now_s
        since = now_utc_s() - MOST_AHEAD_S
        # ids with their expiry, for those of before a restart the latest that it can have been
        self._used = {str(entry.get("id")): now_utc_s() + MOST_AHEAD_S for entry in audit.recent("command", since)}
        self._tokens, self._refilled_s = float(BURST), now_s()

    def hear(self, payload: bytes, retained: bool) -> tuple[bytes | None, Done | None]:
        """A message → the answer, None where it has no id to answer to; and what there is to publish beside it."""
        if not self._has_room():
            self.overrun += 1
            log.warning("more commands than %d, and then one each %g s: the rest is dropped", BURST, REFILL_S)
            return None, None
        try:
            command = parse(payload)
        except CommandError as error:
            self._refuse("", "", str(error))
            return None, None
        try:
            self._check(command, retained)
            self._audit.note("command", "mqtt", id=command.id, do=command.do, given=dict(command.given))
            done = self._acts[command.do](command.given)
        except (CommandError, AuditError) as error:
            self._refuse(command.id, command.do, str(error))
            return result(command, False, str(error)), None
        self.done += 1
        log.warning("command %s: %s is done", command.id, command.do)
        return result(command, True, done.result), done

    def _check(self, command: Command, retained: bool) -> None:
        """Raises CommandError where it may not be done."""
        now = self._now_utc_s()
        self._used = {name: expiry for name, expiry in self._used.items() if expiry > now}
        if retained:
            raise CommandError("was retained: a command is for now, publish it without the retain flag")
        if command.do not in self._allowed:
            raise CommandError(f"do {command.do} is not allowed here: commands.allow has {', '.join(sorted(self._allowed)) or 'nothing'}")
        if now < CLOCK_SET_UTC_S:
            raise CommandError("the unit's clock is not set yet: it cannot tell whether this has expired")
        if not now < command.expires_utc_s <= now + MOST_AHEAD_S:
            ahead_s = command.expires_utc_s - now
            raise CommandError(f"expires {ahead_s:+.0f} s from now by the unit's clock, expected 0 to {MOST_AHEAD_S:.0f}")
        if command.id in self._used:
            raise CommandError(f"id {command.id} was used before: each command has one of its own")
        self._used[command.id] = command.expires_utc_s

    def _refuse(self, name: str, do: str, why: str) -> None:
        self.refused += 1
        log.warning("command %s refused: %s", name or "without an id", why)
        try:
            self._audit.note("command refused", "mqtt", id=name, do=do, why=why[:200])
        except AuditError as error:
            log.error("%s", error)

    def _has_room(self) -> bool:
        now_s = self._now_s()
        self._tokens = min(float(BURST), self._tokens + (now_s - self._refilled_s) / REFILL_S)
        self._refilled_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
