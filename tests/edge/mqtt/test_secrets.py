"""Getting in: user and password, TLS, mutual TLS; and what is said where it fails, which never holds the secret."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge.mqtt import ConnectError, Connection, MqttConfig, MqttConfigError
from edge.outbox import Outbox
from tests.edge.mqtt.certificates import Authority
from tests.edge.mqtt.conftest import Start
from tests.edge.mqtt.mosquitto import Mosquitto, free_port, needs_mosquitto
from tests.edge.plates import plate_event
from tests.edge.waiting import until

pytestmark = needs_mosquitto
SECRET = "correct horse Ünïcode 1:2"

Brokers = Callable[..., Mosquitto]


@pytest.fixture
def guarded(mosquitto: Brokers, tmp_path: Path) -> Mosquitto:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "unit", SECRET], check=True, timeout=10)
    return mosquitto(f"password_file {passwords}", anonymous=False)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n", encoding="utf-8")
    return file


def why(config: MqttConfig) -> str:
    with pytest.raises(ConnectError) as caught:
        Connection(config, "kerbside-test").open()
    return str(caught.value)


def enters(config: MqttConfig) -> None:
    link = Connection(config, "kerbside-test")
    link.open()
    link.close()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_password_from_a_file_and_from_the_environment(
    guarded: Mosquitto, secret_file: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("TEST_MQTT_USER", "unit")
    monkeypatch.setenv("TEST_MQTT_PASSWORD", SECRET)
    enters(MqttConfig(port=guarded.port, version=version, user="unit", password_file=secret_file))
    enters(MqttConfig(port=guarded.port, version=version, user_env="TEST_MQTT_USER", password_env="TEST_MQTT_PASSWORD"))


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_wrong_password_is_refused_in_words_without_it(
    guarded: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    (tmp_path / "wrong").write_text("hunter2-wrong")
    config = MqttConfig(port=guarded.port, version=version, user="unit", password_file=tmp_path / "wrong")
    with caplog.at_level(logging.DEBUG):
        message = why(config)
    assert "refused" in message
    assert "mqtt.user and its password" in message
    assert "hunter2" not in message + caplog.text + repr(config)


def test_a_password_that_comes_right_later_is_taken_up(guarded: Mosquitto, publisher: Start, outbox: Outbox, tmp_path: Path) -> None:
    """A secret may be rotated under a running unit: the file is read with every connection."""
    file = tmp_path / "rotated"
    file.write_text("of yesterday")
    publishing = publisher(guarded.port, user="unit", password_file=file, keep_unheard=False)
    outbox.accept(plate_event())
    until(lambda: "refused" in publishing.state.problem, "the refusal")
    file.write_text(SECRET, encoding="utf-8")
    assert publishing.drain(30)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def sealed(mosquitto: Brokers, authority: Authority) -> Mosquitto:
    """A broker that speaks TLS."""
    cert_file, key_file = authority.sign("broker")
    return mosquitto(f"cafile {authority.ca_file}", f"certfile {cert_file}", f"keyfile {key_file}")


@pytest.fixture
def mutual(mosquitto: Brokers, authority: Authority) -> Mosquitto:
    """A broker that speaks TLS and wants the client's certificate."""
    cert_file, key_file = authority.sign("broker")
    settings = (f"cafile {authority.ca_file}", f"certfile {cert_file}", f"keyfile {key_file}")
    return mosquitto(*settings, "require_certificate true", "use_identity_as_username true", anonymous=False)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_events_through_mutual_tls(mutual: Mosquitto, authority: Authority, publisher: Start, outbox: Outbox, version: str) -> None:
    cert_file, key_file = authority.sign("kerb-01")
    settings = {"tls": True, "ca_file": authority.ca_file, "cert_file": cert_file, "key_file": key_file, "version": version}
    for _ in range(100):
        outbox.accept(plate_event())
    assert publisher(mutual.port, keep_unheard=False, **settings).drain(30)


def test_tls_without_a_certificate_of_ours(sealed: Mosquitto, authority: Authority) -> None:
    config = MqttConfig(port=sealed.port, tls=True, ca_file=authority.ca_file)
    enters(config)
    enters(replace(config, host="localhost"))


def test_a_broker_that_cannot_prove_who_it_is_is_not_talked_to(sealed: Mosquitto, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    assert "not trusted" in why(MqttConfig(port=sealed.port, tls=True, ca_file=stranger.ca_file))
    assert "not trusted" in why(MqttConfig(port=sealed.port, tls=True))  # nor by the system's own authorities


def test_a_certificate_for_another_host_is_not_trusted(sealed: Mosquitto, authority: Authority) -> None:
    message = why(MqttConfig(host="127.0.0.2", port=sealed.port, tls=True, ca_file=authority.ca_file, connect_timeout_s=1))
    assert "nothing listens" in message or "not trusted" in message


def test_mutual_tls_without_our_certificate_says_so(mutual: Mosquitto, authority: Authority, tmp_path: Path) -> None:
    assert "mqtt.cert_file" in why(MqttConfig(port=mutual.port, tls=True, ca_file=authority.ca_file))
    cert_file, key_file = Authority(tmp_path / "stranger").sign("kerb-01")
    assert "mqtt.cert_file" in why(
        MqttConfig(port=mutual.port, tls=True, ca_file=authority.ca_file, cert_file=cert_file, key_file=key_file)
    )


def test_tls_and_plain_ports_mixed_up(sealed: Mosquitto, mosquitto: Brokers, authority: Authority) -> None:
    assert "TLS" in why(MqttConfig(port=mosquitto().port, tls=True, ca_file=authority.ca_file, connect_timeout_s=2))
    assert why(MqttConfig(port=sealed.port, connect_timeout_s=2))


def test_no_broker_and_no_such_host() -> None:
    assert "nothing listens" in why(MqttConfig(port=free_port()))
    assert "cannot be resolved" in why(MqttConfig(host="no-such-host.invalid"))


def test_a_key_that_is_not_the_certificates_is_a_config_error(authority: Authority) -> None:
    cert_file, _ = authority.sign("one")
    _, key_file = authority.sign("other")
    with pytest.raises(MqttConfigError, match=r"mqtt.cert_file .*one.crt with key_file .*other.key"):
        MqttConfig(tls=True, cert_file=cert_file, key_file=key_file).tls_context()
