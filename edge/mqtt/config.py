"""How to reach the broker, and the topics. Secrets are not in here: they are read from their file or variable with every connection."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

VERSIONS = ("5", "3.1.1")
MOST_IN_FLIGHT = 100
SETTLE_MOST_S = 60.0
LONGEST_S = 86_400
"""A wait of more is a mistake; of much more, an OverflowError in the thread that waits."""


class MqttConfigError(ValueError):
    """A setting that cannot be; the message names it, what is allowed and what was found."""


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """The broker, and how events are sent to it. Raises MqttConfigError."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: 8883 with TLS, 1883 without
    version: str = "5"
    prefix: str = "kerbside"
    tls: bool = False
    allow_plain: bool = False  # without TLS to a broker on another machine: the config refuses it otherwise
    ca_file: Path | None = None  # who may sign the broker's certificate; the system's own where None
    cert_file: Path | None = None  # the device's certificate, for mutual TLS
    key_file: Path | None = None
    user: str = ""
    user_env: str = ""  # the environment variable that holds the user's name
    password_file: Path | None = None
    password_env: str = ""
    keepalive_s: int = 30
    connect_timeout_s: float = 5.0
    ack_timeout_s: float = 10.0  # that a connection may owe an acknowledgement before it is taken for dead
    retry_first_s: float = 1.0  # before connecting again; doubles up to retry_most_s
    retry_most_s: float = 30.0
    window: int = MOST_IN_FLIGHT  # events sent and not yet acknowledged
    status_s: float = 30.0
    keep_unheard: bool = True  # an event that no one had subscribed to is offered again (MQTT 5 alone tells)
    settle_s: float = 2.0  # the broker must be heard of so long after an acknowledgement for that to count for good; 0: it counts at once
    consumer_ack: bool = False  # an event is done when a consumer says so on <prefix>/<device>/ack, not when the broker does
    consumer_ack_s: float = 20.0  # that a consumer may take for it before it is sent again
    crop_qos: int | None = None  # None: crops are not sent

    def __post_init__(self) -> None:
        _require(bool(self.host), "host", "a name or address", self.host)
        _require(0 <= self.port <= 65535, "port", "0..65535", self.port)
        _require(self.version in VERSIONS, "version", " or ".join(VERSIONS), self.version)
        _require(_is_prefix(self.prefix), "prefix", "topic levels between single slashes, no '+', '#', nor '$' in front", self.prefix)
        _require(1 <= self.window <= MOST_IN_FLIGHT, "window", f"1..{MOST_IN_FLIGHT}", self.window)
        _require(1 <= self.keepalive_s <= 65535, "keepalive_s", "1..65535", self.keepalive_s)
        _require(self.crop_qos in (None, 0, 1), "crop_qos", "none, 0 or 1", self.crop_qos)
        _require(0 < self.retry_first_s <= self.retry_most_s, "retry_first_s", f"above 0 and up to {self.retry_most_s}", self.retry_first_s)
        _require(0 <= self.settle_s <= SETTLE_MOST_S, "settle_s", f"0..{SETTLE_MOST_S:g}", self.settle_s)
        for name in ("connect_timeout_s", "ack_timeout_s", "consumer_ack_s", "status_s", "retry_most_s"):
            _require(0 < getattr(self, name) <= LONGEST_S, name, f"above 0 and at most {LONGEST_S}", getattr(self, name))
        self._refuse_clashes()

    def _refuse_clashes(self) -> None:
        files = [name for name in ("ca_file", "cert_file", "key_file") if getattr(self, name) is not None]
        _require(self.tls or not files, "tls", f"true, since {' and '.join(files)} are given", self.tls)
        _require((self.cert_file is None) == (self.key_file is None), "cert_file", "given together with key_file", self.cert_file)
        _require(not (self.user and self.user_env), "user_env", "empty where user is given", self.user_env)
        _require(not (self.password_file and self.password_env), "password_env", "empty where password_file is given", self.password_env)
        secret = bool(self.password_file or self.password_env)
        _require(bool(self.user or self.user_env) or not secret, "user", "given where there is a password", self.user)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port_number}"

    @property
    def port_number(self) -> int:
        return self.port or (8883 if self.tls else 1883)

    def credentials(self) -> tuple[str, str | None]:
        """User and password as they are now; ("", None) for none. Raises MqttConfigError."""
        user = _variable("user_env", self.user_env) if self.user_env else self.user
        if self.password_env:
            return user, _variable("password_env", self.password_env)
        if self.password_file is None:
            return user, None
        try:
            return user, self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise MqttConfigError(f"mqtt.password_file: {self.password_file} cannot be read: {_cause(error)}") from error

    def tls_context(self) -> ssl.SSLContext | None:
        """None without TLS. Raises MqttConfigError where a certificate or key cannot be used."""
        if not self.tls:
            return None
        context = self._trust()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file, password=_no_passphrase)
            except (OSError, ssl.SSLError) as error:
                raise MqttConfigError(f"mqtt.cert_file {self.cert_file} with key_file {self.key_file}: {_cause(error)}") from error
        return context

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise MqttConfigError(f"mqtt.ca_file: {self.ca_file}, expected certificates in PEM: {_cause(error)}") from error


@dataclass(frozen=True, slots=True)
class Topics:
    """Where a device publishes."""

    prefix: str
    device: str

    @property
    def availability(self) -> str:
        return self.of("availability")

    @property
    def status(self) -> str:
        return self.of("status")

    @property
    def ack(self) -> str:
        return self.of("ack")

    def crop(self, camera: str) -> str:
        return self.of(f"{camera}/crop")

    def hit(self, camera: str) -> str:
        return self.of(f"{camera}/hit")

    def of(self, below: str) -> str:
        return f"{self.prefix}/{self.device}/{below}"


def _require(holds: bool, name: str, allowed: str, found: object) -> None:
    if not holds:
        raise MqttConfigError(f"mqtt.{name} is {str(found)!r}, expected {allowed}")


def _is_prefix(prefix: str) -> bool:
    return prefix.isprintable() and not prefix.startswith("$") and all(level and not set(level) & set("+#") for level in prefix.split("/"))


def _variable(name: str, variable: str) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        raise MqttConfigError(f"mqtt.{name}: the environment has no variable {variable}") from None


def _no_passphrase() -> str:
    """Called for an encrypted key: OpenSSL would otherwise ask on the terminal and wait."""
    raise ssl.SSLError("the key is encrypted; a device needs one without a passphrase")


def _cause(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
