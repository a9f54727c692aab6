"""Where plates are read and where they are not, which lines vehicles cross, how long they stay, how fast they go: `rules` and `road` as the
config has them, `ground` for one camera's picture, `courses` follows each vehicle over it; `plane` and `speed` are the geometry."""

from edge.zones.courses import Courses
from edge.zones.ground import Ground, Grounds
from edge.zones.road import Mark, Road
from edge.zones.rules import Line, Zone, ZoneError

__all__ = ["Courses", "Ground", "Grounds", "Line", "Mark", "Road", "Zone", "ZoneError"]
