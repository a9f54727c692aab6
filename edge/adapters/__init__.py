"""The same read in other systems' shapes, for what already listens to those: a file a system.

Each makes its messages of the event as it is stored: what the event keeps back, no adapter tells.
"""

from edge.adapters.announcement import Announcement, HomeAssistant
from edge.adapters.companions import Adapters, Companions

__all__ = ["Adapters", "Announcement", "Companions", "HomeAssistant"]
