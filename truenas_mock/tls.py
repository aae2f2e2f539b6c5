"""The certificate of the NAS's web interface: signed by itself, as a new TrueNAS has it; made once
for each data folder."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

YEARS = 5


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
