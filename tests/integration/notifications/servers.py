"""A real mail server and a real receiver of webhooks, which may also misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "burnin@example.org", "pass wörd 1"


def certificate(folder: Path) -> Path:
    """A self-signed certificate of `localhost` with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "localhost.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@dataclass
class MailServer:
    """What it got, and what it answers: `refuse` names recipients, `answer` is of DATA, which comes
    after `thinks` seconds."""

    mode: str
    port: int = 0
    mails: list[Message] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    answer: str = "250 2.0.0 Ok: queued as 4711"
    thinks: float = 0

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: Any
    ) -> str:  # noqa: E501
        if address in self.refuse:
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.answer.startswith("2"):
            mail = message_from_bytes(envelope.content)
            mail["X-Envelope-To"] = ",".join(envelope.rcpt_tos)
            mail["X-Secure"] = str(server.transport.get_extra_info("sslcontext") is not None)
            self.mails.append(mail)
        await asyncio.sleep(self.thinks)
        return self.answer

    def check(
        self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        good = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        return AuthResult(success=good, handled=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def mail_server(mode: str, cert: Path) -> Iterator[MailServer]:
    """Over `plain`, `starttls` or `ssl`, on a free port of localhost; it asks for a login."""
    state = MailServer(mode, _free_port())
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secure.load_cert_chain(cert)

    class Own(Controller):
        def factory(self) -> SMTP:
            return SMTP(
                state,
                hostname="localhost",
                authenticator=state.check,
                auth_require_tls=mode == "starttls",
                auth_required=True,
                tls_context=secure if mode == "starttls" else None,
                require_starttls=mode == "starttls",
            )

    controller = Own(
        state,
        hostname="127.0.0.1",
        port=state.port,
        ready_timeout=60,
        ssl_context=secure if mode == "ssl" else None,
    )
    controller.start()
    try:
        yield state
    finally:
        controller.stop()


@dataclass
class Receiver:
    """A web server that answers as told: status, body and headers in turn, the last one for ever.
    `hang`: seconds before it says anything; `drip`: it then sends a byte now and then, for ever.
    `knocks` counts who came; while `takes` is cleared they are kept waiting, and then nothing was
    got. `before_answer` is called with the client's port and the key of what was got."""

    url: str = ""
    answers: list[tuple[int, str, dict[str, str]]] = field(
        default_factory=lambda: [(200, "ok", {})]
    )
    hang: float = 0
    drip: bool = False
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    knocks: int = 0
    takes: threading.Event = field(default_factory=threading.Event)
    before_answer: Callable[[int, str], None] = lambda port, key: None


@contextlib.contextmanager
def receiver(cert: Path | None = None) -> Iterator[Receiver]:
    """Over https with that certificate."""
    state, stop = Receiver(), threading.Event()
    state.takes.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.knocks += 1
            if not state.takes.is_set():
                state.takes.wait()
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.got.append((self.path, dict(self.headers), body))
            state.before_answer(self.client_address[1], self.headers["Idempotency-Key"])
            stop.wait(state.hang)
            status, text, headers = (
                state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            )
            with contextlib.suppress(OSError):
                if state.drip:
                    while not stop.is_set():
                        self.wfile.write(b"H" if not self.close_connection else b"")
                        self.wfile.flush()
                        stop.wait(0.05)
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

        def do_GET(self) -> None:
            state.got.append((self.path, dict(self.headers), b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    if cert is not None:
        secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        secure.load_cert_chain(cert)
        server.socket = secure.wrap_socket(server.socket, server_side=True)
        state.url = f"https://localhost:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        stop.set()
        state.takes.set()
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def dripping(said: bytes) -> Iterator[int]:
    """The port of a server that says this to whoever connects, then a byte now and then."""
    stop = threading.Event()

    def talk(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.sendall(said)
            while not stop.wait(0.05):
                client.sendall(b"2")

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1]
        stop.set()
        server.shutdown(socket.SHUT_RDWR)


def until(condition: Any, seconds: float = 10) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)
