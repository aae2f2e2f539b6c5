"""The certificate of the NAS's web interface: signed by itself, as a new TrueNAS has it; made once
for each data folder."""

from __future__ import annotations

import datetime
import ipaddress
import select
import ssl
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

YEARS = 5


class Connection(ssl.SSLSocket):
    """One that a thread may read while others write.

    Up to Python 3.12 nothing keeps two threads from being in OpenSSL with the same connection at
    once, and now and then what one of them sends or reads is lost. So whoever waits for input waits
    outside, and goes in alone.
    """

    @cached_property
    def _alone(self) -> threading.Lock:
        return threading.Lock()

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        if getattr(self, "_sslobj", None) is None:
            return super().recv(buflen, flags)  # it listens, or is being closed
        timeout = self.gettimeout()
        while True:
            with self._alone:
                has_some = self.pending() > 0
            if not has_some and not select.select([self], [], [], timeout)[0]:
                raise TimeoutError
            with self._alone:
                self.setblocking(False)
                try:
                    return super().recv(buflen, flags)
                except ssl.SSLWantReadError:
                    continue  # it was a part of a record
                finally:
                    self.settimeout(timeout)

    def sendall(self, data: Any, flags: int = 0) -> None:
        with self._alone:
            super().sendall(data, flags)


class Certificate:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "truenas_default.pem"
        if not self.file.is_file():
            _make(self.file)

    @property
    def der(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(_certificate(self.file.read_text()))

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        context.sslsocket_class = Connection
        return context


def _certificate(text: str) -> str:
    return text[text.index("-----BEGIN CERTIFICATE-----") :]


def _make(file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    temporary = file.with_name(file.name + ".tmp")
    temporary.touch(mode=0o600)
    temporary.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    temporary.replace(file)
