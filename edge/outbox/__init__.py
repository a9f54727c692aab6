"""Events between the vote and the broker, none lost: `Outbox` is the door, `store` the SQL, `mailbox` what its thread is asked."""

from edge.outbox.outbox import Outbox, OutboxError, OutboxLimits, OutboxState
from edge.outbox.store import Row

__all__ = ["Outbox", "OutboxError", "OutboxLimits", "OutboxState", "Row"]
