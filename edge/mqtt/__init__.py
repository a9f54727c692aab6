"""Publishing over MQTT: `Publisher` is the door; `connection` is one connection, `delivery` what goes through it, `pacing` when."""

from edge.mqtt.config import MqttConfig, MqttConfigError, Topics
from edge.mqtt.connection import ConnectError, Connection, ConnectionLostError
from edge.mqtt.publisher import Publisher, PublisherState

__all__ = ["ConnectError", "Connection", "ConnectionLostError", "MqttConfig", "MqttConfigError", "Publisher", "PublisherState", "Topics"]
