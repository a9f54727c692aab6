"""The broker's settings: what cannot be is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.mqtt import MqttConfig, MqttConfigError, Topics


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"host": ""}, "mqtt.host"),
        ({"port": 65536}, "mqtt.port"),
        ({"version": "4"}, "mqtt.version"),
        ({"prefix": ""}, "mqtt.prefix"),
        ({"prefix": "a//b"}, "mqtt.prefix"),
        ({"prefix": "a/+"}, "mqtt.prefix"),
        ({"prefix": "$SYS"}, "mqtt.prefix"),
        ({"window": 101}, "mqtt.window"),
        ({"window": 0}, "mqtt.window"),
        ({"keepalive_s": 0}, "mqtt.keepalive_s"),
        ({"crop_qos": 2}, "mqtt.crop_qos"),
        ({"settle_s": -1.0}, "mqtt.settle_s"),
        ({"settle_s": 61.0}, "mqtt.settle_s"),
        ({"retry_first_s": 60.0}, "mqtt.retry_first_s"),
        ({"ack_timeout_s": 0.0}, "mqtt.ack_timeout_s"),
        ({"ca_file": Path("ca.crt")}, "mqtt.tls"),
        ({"tls": True, "cert_file": Path("unit.crt")}, "mqtt.cert_file"),
        ({"user": "unit", "user_env": "UNIT"}, "mqtt.user_env"),
        ({"user": "unit", "password_env": "P", "password_file": Path("p")}, "mqtt.password_env"),
        ({"password_env": "P"}, "mqtt.user"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(MqttConfigError, match="expected") as caught:
        MqttConfig(**settings)
    assert str(caught.value).startswith(named + " is ")


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(MqttConfigError, match=r"mqtt\.password_env: the environment has no variable NO_SUCH_VARIABLE"):
        MqttConfig(user="unit", password_env="NO_SUCH_VARIABLE").credentials()


def test_ports_and_topics() -> None:
    assert (MqttConfig().port_number, MqttConfig(tls=True).port_number, MqttConfig(port=9).port_number) == (1883, 8883, 9)
    topics = Topics("road/north", "kerb-01")
    assert topics.availability == "road/north/kerb-01/availability"
    assert topics.crop("gate") == "road/north/kerb-01/gate/crop"
    assert topics.of("gate/plate") == "road/north/kerb-01/gate/plate"
