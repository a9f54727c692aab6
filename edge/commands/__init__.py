"""Commands over MQTT: off until the config allows them by name. `command` is one, `desk` decides, `acts` does, `listener` hears."""

from edge.commands.command import Command, CommandError
from edge.commands.desk import Desk
from edge.commands.listener import Listener

__all__ = ["Command", "CommandError", "Desk", "Listener"]
