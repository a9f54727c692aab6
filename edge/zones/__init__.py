"""Where plates are read and where they are not, which lines vehicles cross, how long they stay: `rules` as the config has them, `ground`
for one camera's picture, `courses` follows each vehicle over it."""

from edge.zones.courses import Courses
from edge.zones.ground import Ground, Grounds
from edge.zones.rules import Line, Zone, ZoneError

__all__ = ["Courses", "Ground", "Grounds", "Line", "Zone", "ZoneError"]
