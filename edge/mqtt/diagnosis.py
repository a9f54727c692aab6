"""What went wrong with a connection, in words an operator can act on."""

from __future__ import annotations

import socket
import ssl

from paho.mqtt.reasoncodes import ReasonCode


def diagnosis(error: Exception) -> str:
    """Why a broker could not be reached."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); check mqtt.ca_file, and that mqtt.host is in the certificate"
    if isinstance(error, (ssl.SSLError, ConnectionResetError)):
        return f"TLS failed ({getattr(error, 'reason', None) or error}); is this its TLS port?"
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved ({error.strerror})"
    if isinstance(error, TimeoutError):
        return "no answer; is the address right, and does a firewall let us through?"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there; is the broker running?"
    return str(error)


def unanswered(error: str, tls: bool) -> str:
    """Why a broker that took the connection hung up before it said a word."""
    if tls:  # TLS 1.3 checks the client's certificate after the client has finished, and some brokers just hang up
        return f"hung up ({error}); does it want a certificate of ours? Check mqtt.cert_file and mqtt.key_file"
    return f"hung up ({error}); is it a TLS port? Then mqtt.tls must be true"


def remedy(reason: ReasonCode) -> str:
    """What to look at when a broker has refused us, after a semicolon, or nothing."""
    name = str(reason).lower()
    if "authori" in name or "password" in name:
        return "; check mqtt.user and its password"
    return "; try mqtt.version 3.1.1" if "version" in name else ""
