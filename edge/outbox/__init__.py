"""Events between the vote and their arrival, none lost.

`Outbox` is the door, `owner` its thread, `database` the file, `store` the SQL, `room` the quota, `mailbox` what the thread is asked,
`socket` how another process asks for a replay.
"""

from edge.outbox.outbox import Outbox, OutboxError
from edge.outbox.state import OutboxLimits, OutboxState
from edge.outbox.store import FRESH, Row

__all__ = ["FRESH", "Outbox", "OutboxError", "OutboxLimits", "OutboxState", "Row"]
