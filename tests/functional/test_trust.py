"""TLS with a server whose authority is, or is not, among those that are loaded first."""

import datetime
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signalbox.transport import exchange, trust
from signalbox.transport.exchange import post, shared_client

PEM = serialization.Encoding.PEM


class Greeting(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    def log_message(self, *args: object) -> None: ...


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, its own authority, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "An unusual authority")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(PEM))
    return file


@contextmanager
def served(certificate: Path) -> Iterator[str]:
    """The server's port. A refused handshake must not end it, so each connection has its own thread."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    class Server(ThreadingHTTPServer):
        def finish_request(self, request: Any, client_address: Any) -> None:
            with context.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)

        def handle_error(self, request: Any, client_address: Any) -> None: ...

    with Server(("127.0.0.1", 0), Greeting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield str(server.server_address[1])
        server.shutdown()


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """What takes the place of certifi's, in a process that has made no client yet."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "cacert.pem"
    file.write_text(Path(certifi.where()).read_text())
    monkeypatch.setattr(certifi, "where", lambda: str(file))
    for cached in (shared_client, exchange._trust):
        cached.cache_clear()
    yield file
    for cached in (shared_client, exchange._trust):
        cached.cache_clear()


def call(port: str, host: str = "127.0.0.1") -> bytes:
    return post(shared_client(), f"https://{host}:{port}/", {}, b"", time.monotonic() + 5).body


def authority(certificate: Path) -> str:
    return "-----BEGIN CERT" + certificate.read_text().partition("-----BEGIN CERT")[2]


def roots() -> int:
    return len(exchange._trust().context.get_ca_certs())


def test_the_usual_authorities_are_among_certifis(bundle: Path) -> None:
    assert roots() == len(trust._USUAL)


def test_an_unusual_authority_is_found_in_the_whole_bundle(bundle: Path, certificate: Path) -> None:
    bundle.write_text(f'{bundle.read_text()}\n# Label: "Unusual"\n{authority(certificate)}')
    with served(certificate) as port:
        assert [call(port), call(port)] == [b"hi", b"hi"]
    assert roots() > 100


def test_an_authority_in_neither_is_not_trusted(bundle: Path, certificate: Path) -> None:
    with served(certificate) as port:
        for _ in range(2):
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                call(port)


def test_another_hosts_certificate_widens_nothing(bundle: Path, certificate: Path) -> None:
    """The name is wrong, the authority is known: more authorities would not help."""
    exchange._trust().context.load_verify_locations(cadata=authority(certificate))
    with served(certificate) as port:
        assert call(port) == b"hi"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            call(port, "localhost")
    assert roots() == len(trust._USUAL) + 1


def test_a_bundle_with_other_labels_is_loaded_whole(bundle: Path) -> None:
    bundle.write_text(bundle.read_text().replace('"GTS Root R4"', '"Another name"'))
    assert roots() > 100


def test_authorities_of_ones_own(bundle: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = bundle.with_name("own.pem")
    own.write_text(authority(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with served(certificate) as port:
        assert call(port) == b"hi"
    assert roots() == 1
