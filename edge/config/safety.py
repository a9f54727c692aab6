"""Clashes that would let out what must stay in: a broker in the clear, a name that the certificate does not have, a picture of a plate that
nobody may read."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from ipaddress import ip_address

from edge.certificate import CertificateError, common_name
from edge.config.problem import Key
from edge.config.sections import LEVEL, LEVEL_WORDS, Config
from edge.privacy import Privacy, PrivacyError
from edge.web import access

Clash = tuple[Key, str]


def unsafe(config: Config) -> Iterator[Clash]:
    for check in (_in_the_clear, _identity, _privacy, _pictures, _masks, _web, _governor):
        yield from check(config)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name; what a resolver would say is nothing to rely on."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _in_the_clear(config: Config) -> Iterator[Clash]:
    mqtt = config.mqtt
    if not (mqtt.tls or mqtt.allow_plain or is_loopback(mqtt.host)):
        why = f"expected true, since {mqtt.host} is another machine and all between could read plates and password along"
        yield ("mqtt", "tls"), f"is false, {why}; mqtt.allow_plain: true if that is meant"


def _identity(config: Config) -> Iterator[Clash]:
    """A device is who its certificate says: with another name in its topics, it would speak for somebody else."""
    given, cert_file = config.device.id, config.mqtt.cert_file
    if not given:
        yield ("device", "id"), f"is missing, expected {LEVEL_WORDS}; or mqtt.cert_file"
    elif not re.fullmatch(LEVEL, given):  # out of a certificate
        yield ("device", "id"), f"is {given!r} by the certificate mqtt.cert_file, expected {LEVEL_WORDS}"
    if given and cert_file is not None:
        try:
            certified = common_name(cert_file)
        except CertificateError as error:
            yield ("mqtt", "cert_file"), f"is refused: {error}"
            return
        if certified != given:
            yield ("device", "id"), f"is {given!r}, expected {certified!r}, whom mqtt.cert_file certifies; or leave it out"


def _privacy(config: Config) -> Iterator[Clash]:
    try:
        Privacy(config.privacy)
    except PrivacyError as error:
        name, _, text = str(error).partition(" ")
        yield ("privacy", name), text


def _pictures(config: Config) -> Iterator[Clash]:
    """A picture of a street shows every plate in it."""
    mode = config.privacy.mode
    if mode != "plain" and "snapshot" in config.commands.allow:
        yield ("commands", "allow"), f"has 'snapshot', which shows plates that privacy.mode {mode} keeps back: leave one of them out"
    if mode == "hmac" and config.mqtt.crop_qos is not None:
        yield ("mqtt", "crop_qos"), f"is {config.mqtt.crop_qos}, expected none: a crop shows the plate that privacy.mode hmac keeps back"


def _masks(config: Config) -> Iterator[Clash]:
    cameras = [camera.id for camera in config.cameras]
    for index, mask in enumerate(config.privacy.masks):
        if mask.camera not in cameras:
            yield ("privacy", "masks", index, "camera"), f"is {mask.camera!r}, expected one of {', '.join(cameras)}"


def _web(config: Config) -> Iterator[Clash]:
    """A page off this machine is for those who know its token, and nobody reads along."""
    web = config.web
    if not web.enabled:
        return
    if find_spec("aiohttp") is None:
        yield ("web", "enabled"), f"is true, expected the package aiohttp, which is not installed: {sys.executable} -m pip install aiohttp"
    if not is_loopback(web.host):
        if web.token_file is None:
            yield ("web", "token_file"), f"is missing, expected a file with a token, since other machines reach {web.host}"
        if web.cert_file is None and not web.allow_plain:
            why = f"expected a certificate, since {web.host} is reached over a network and all between could read the token along"
            yield ("web", "cert_file"), f"is missing, {why}; web.allow_plain: true if that is meant"
    if config.health.port == web.port and config.health.host == web.host and web.port:
        yield ("web", "port"), f"is {web.port}, as is health.port: expected another"
    try:
        access.secret(web.token_file)
        access.tls(web.cert_file, web.key_file)
    except access.AccessError as error:
        name, _, text = str(error).partition(" ")
        yield ("web", name), text


def _governor(config: Config) -> Iterator[Clash]:
    hot_c, cool_c = config.governor.hot_c, config.governor.cool_c
    if cool_c >= hot_c:
        yield ("governor", "cool_c"), f"is {cool_c:g}, expected below governor.hot_c, {hot_c:g}"
