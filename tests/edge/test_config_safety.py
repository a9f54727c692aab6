"""What a config may not do by mistake: talk in the clear, speak for another device, show what it keeps back."""

from __future__ import annotations

import base64
import logging
import ssl
from pathlib import Path

import pytest

from edge.certificate import CertificateError, common_name
from edge.config import load
from edge.config.safety import is_loopback
from tests.edge.configs import LEAST, folder, only, refused, written
from tests.edge.mqtt.certificates import Authority

__all__ = ["folder"]
NAMELESS = LEAST.replace("device: {id: unit-1}", "device: {site: A1}")


def test_another_machines_broker_is_talked_to_through_tls_or_on_purpose(folder: Path) -> None:
    broker = LEAST + "mqtt:\n  host: broker.example\n"
    line = only(folder, broker + "  tls: false\n")
    assert line.startswith("line 7: mqtt.tls is false, expected true, since broker.example is another machine")
    assert line.endswith("mqtt.allow_plain: true if that is meant")
    assert only(folder, broker).startswith("line 5: mqtt.tls is false"), "said where the section begins if nobody wrote tls"
    assert load(written(folder, broker + "  tls: true\n")).mqtt.port_number == 8883
    assert load(written(folder, broker + "  allow_plain: true\n")).mqtt.port_number == 1883


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "unit.localhost"])
def test_this_machines_own_broker_needs_none(folder: Path, host: str) -> None:
    assert is_loopback(host)
    assert not load(written(folder, LEAST + f'mqtt: {{host: "{host}"}}\n')).mqtt.tls


@pytest.mark.parametrize("host", ["localhost.example", "128.0.0.1", "10.0.0.1", "::2", "my-localhost", "127.0.0.1.nip.example", "0.0.0.0"])
def test_what_only_looks_like_it_does(host: str) -> None:
    assert not is_loopback(host)


def certified(folder: Path, name: str = "unit-1") -> str:
    cert_file, key_file = Authority(folder / "authority").sign(name)
    return f"mqtt: {{tls: true, cert_file: {cert_file}, key_file: {key_file}}}\n"


def test_a_device_is_whom_its_certificate_names(folder: Path) -> None:
    assert load(written(folder, NAMELESS + certified(folder, "kerb-07"))).device.id == "kerb-07"
    assert load(written(folder, LEAST + certified(folder))).device.id == "unit-1"
    line = only(folder, LEAST + certified(folder, "kerb-07"))
    assert line.startswith("line 1: device.id is 'unit-1', expected 'kerb-07', whom mqtt.cert_file certifies")
    assert "device.id is missing" in only(folder, NAMELESS)
    assert "device.id is 'unit 1' by the certificate" in only(folder, NAMELESS + certified(folder, "unit 1"))


def test_a_certificate_that_is_none_is_refused_once_for_each_setting_it_is_needed_for(folder: Path) -> None:
    (folder / "unit.pem").write_text("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    lines = refused(folder, NAMELESS + "mqtt: {tls: true, cert_file: unit.pem, key_file: unit.pem}\n")
    assert any("device.id is missing" in line for line in lines) and any("mqtt.cert_file" in line for line in lines)


@pytest.mark.parametrize("name", ["unit-1", "Nguyễn Trãi 3", "x" * 64])
def test_the_common_name_is_read_as_it_was_signed(tmp_path: Path, name: str) -> None:
    assert common_name(Authority(tmp_path).sign(name)[0]) == name


def test_every_cut_of_a_certificate_is_refused_in_words(tmp_path: Path) -> None:
    cert_file, _ = Authority(tmp_path).sign("leaf")
    der = ssl.PEM_cert_to_DER_cert(cert_file.read_text())
    for length in range(0, len(der) - 1, 7):
        body = base64.encodebytes(der[:length]).decode()
        (tmp_path / "cut.pem").write_text(f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n")
        with pytest.raises(CertificateError, match="expected a certificate in PEM"):
            common_name(tmp_path / "cut.pem")


def test_a_picture_is_not_sent_where_its_plates_are_kept_back(folder: Path) -> None:
    (folder / "key").write_text("k" * 32)
    sealed = LEAST + "privacy:\n  mode: hmac\n  key_file: key\n"
    assert "commands.allow has 'snapshot'" in only(folder, sealed + "commands: {allow: [status, snapshot]}\n")
    assert "mqtt.crop_qos is 0, expected none" in only(folder, sealed + "mqtt: {crop_qos: 0}\n")
    assert load(written(folder, sealed + "commands: {allow: [status]}\n")).privacy.key_file == folder / "key"


def test_privacy_says_what_it_lacks_by_line(folder: Path) -> None:
    begun = LEAST + "privacy:\n  mode: hmac\n"
    assert only(folder, begun).startswith("line 5: privacy.key_file is 'None', expected a file where mode is hmac")
    line = only(folder, begun + "  key_file: gone\n")
    assert line.startswith(f"line 7: privacy.key_file {folder}/gone cannot be read")
    line = only(folder, LEAST + "privacy:\n  masks:\n    - {camera: yard, polygon: [[0, 0], [1, 0], [1, 1]]}\n")
    assert line == "line 7: privacy.masks[0].camera is 'yard', expected one of road"
    line = only(folder, LEAST + "privacy:\n  masks:\n    - {camera: road, polygon: [[0, 0], [640, 0], [640, 360]]}\n")
    assert line.startswith("line 7: privacy.masks[0].polygon is ") and "expected shares of width and height, 0 to 1" in line


def test_a_command_that_there_is_not_and_a_governor_that_never_cools(folder: Path) -> None:
    assert "expected one of 'status', 'replay'" in only(folder, LEAST + "commands: {allow: [shell]}\n")
    assert only(folder, LEAST + "governor: {hot_c: 70}\n").endswith("governor.cool_c is 75, expected below governor.hot_c, 70")


def test_secrets_come_from_systemds_credentials(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """LoadCredential= leaves a file a secret in a folder that only the unit can read."""
    credentials = folder / "credentials"
    credentials.mkdir()
    (credentials / "CAMERA_PASSWORD").write_text("tr0ub4dor\n")
    (credentials / "mqtt-password").write_text("c0rrecthorse\n")
    (credentials / "EMPTY").touch()
    text = LEAST.replace("rtsp://", "rtsp://viewer:${CAMERA_PASSWORD}@")
    text += "mqtt:\n  user: unit\n  password_file: ${CREDENTIALS_DIRECTORY}/mqtt-password\n"
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    with caplog.at_level(logging.DEBUG):
        config = load(written(folder, text), environment=environment)
    assert config.cameras[0].source == "rtsp://viewer:tr0ub4dor@192.0.2.1/a"
    assert {"tr0ub4dor", "c0rrecthorse"} <= set(config.secrets())
    assert "tr0ub4dor" not in repr(config) + caplog.text
    line = only(folder, text.replace("CAMERA_PASSWORD", "EMPTY"), environment=environment)
    assert line.endswith("the environment has no EMPTY"), "a credential that tmpfiles.d made and nobody filled"
    line = only(folder, LEAST + "outbox: {path: '${CREDENTIALS_DIRECTORY}/o.db'}\n", environment=environment)
    assert "expected plain text" in line


SECRETIVE = """
device: {id: unit-1}
cameras:
  - {id: road, source: "rtsp://viewer:${CAMERA_PASSWORD}@192.0.2.1/a"}
  - {id: lane, source: "${LANE}"}
mqtt: {host: broker.example, tls: true, user: unit, password_file: "${CREDENTIALS_DIRECTORY}/mqtt-password"}
privacy: {mode: hmac, key_file: "${CREDENTIALS_DIRECTORY}/privacy-key"}
web:
  {enabled: true, host: 0.0.0.0, cert_file: a.pem, key_file: "${CREDENTIALS_DIRECTORY}/a.key", token_file: "${CREDENTIALS_DIRECTORY}/token"}
"""
"""Every kind of secret that a config names, none of which is there."""


def test_whoever_needs_no_secret_reads_a_config_without_them(folder: Path) -> None:
    """The engines of a unit were not built where its config named a camera's password: the service that builds them has none."""
    assert len(refused(folder, SECRETIVE, environment={})) >= 5
    config = load(written(folder, SECRETIVE), environment={"CAMERA_PASSWORD": "tr0ub4dor"}, secrets=False)
    assert config.cameras[0].source == "rtsp://viewer:secret@192.0.2.1/a"


def test_all_else_is_checked_without_secrets_too(folder: Path) -> None:
    for wrong, said in (
        ("outbox: {path: '${CREDENTIALS_DIRECTORY}/o.db'}\n", "expected plain text"),
        ("reader: {modle: x}\n", "reader.modle"),
        ("governor: {hot_c: 70}\n", "expected below governor.hot_c"),
        ("privacy: {mode: hmac, key_file: none}\n", "privacy.key_file"),
    ):
        text = SECRETIVE if not wrong.startswith("privacy") else SECRETIVE.split("privacy:")[0]
        assert said in only(folder, text + wrong, environment={}, secrets=False)
    named = NAMELESS + "mqtt: {tls: true, cert_file: '${CREDENTIALS_DIRECTORY}/a.pem', key_file: '${CREDENTIALS_DIRECTORY}/a.key'}\n"
    assert load(written(folder, named), environment={}, secrets=False).device.id == ""
