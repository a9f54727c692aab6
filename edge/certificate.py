"""The name in a device's certificate: the common name of its subject (RFC 5280), read with the standard library alone.

Python's ssl shows it of a peer only, and what `make run` installs has no other reader. So this walks the DER (X.690) to the subject.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

COMMON_NAME: Final = bytes.fromhex("550403")  # 2.5.4.3
SEQUENCE, SET, OID, VERSION, UTF8, PRINTABLE, TELETEX = 0x30, 0x31, 0x06, 0xA0, 0x0C, 0x13, 0x14
SUBJECT: Final = 4
"""Behind serial number, signature, issuer and validity; the version before them may be left out."""


class CertificateError(ValueError):
    """A file that holds no certificate with one common name; the message says what was expected."""


def common_name(path: Path) -> str:
    """Of the first certificate of a PEM file. Raises CertificateError."""
    try:
        text = path.read_text(encoding="ascii")
        first = text[text.index("-----BEGIN CERTIFICATE-----") :].partition("-----END CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(f"{first[0]}{first[1]}\n")
    except (OSError, ValueError) as error:  # UnicodeDecodeError and binascii.Error are ValueErrors
        raise CertificateError(f"{path}: expected a certificate in PEM ({getattr(error, 'strerror', None) or error})") from error
    try:
        names = list(_common_names(der))
    except (IndexError, ValueError) as error:
        raise CertificateError(f"{path}: expected a certificate in PEM, found DER that ends too soon") from error
    if len(names) != 1:
        raise CertificateError(f"{path}: expected one common name in the certificate's subject, found {len(names)}")
    return names[0]


def _common_names(der: bytes) -> Iterator[str]:
    ((_, certificate),) = _values(der)
    (_, signed), *_ = _values(certificate)
    fields = [value for tag, value in _values(signed) if tag != VERSION]
    for kind, relative in _values(fields[SUBJECT]):
        for _, attribute in _values(relative) if kind == SET else ():
            (_, name), (tag, value) = _values(attribute)
            if name == COMMON_NAME and tag in (UTF8, PRINTABLE, TELETEX):
                yield value.decode("utf-8" if tag == UTF8 else "latin-1")


def _values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The values of a DER sequence, each with its tag. Raises IndexError where one is longer than what holds it."""
    at = 0
    while at < len(der):
        tag, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[at : at + size], "big")
            at += size
        if at + length > len(der):
            raise IndexError(f"{length} bytes, and {len(der) - at} are left")
        yield tag, der[at : at + length]
        at += length
