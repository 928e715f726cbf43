"""TLS as a client of an exchange: only the roots that the caller named, only the host that was asked for."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509

from baas.ades import pem
from baas.ades.types import Signer
from baas.clock import SystemClock
from baas.connectors import ConnectorTimeout, ConnectorUnreachable
from baas.connectors.exchanges import _tls
from baas.connectors.signature import _http
from baas.trust_service.pki import Pki
from sandbox.errors import MalformedEvidence

TOWN = "9999990001"
BODY = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pki]:
    made = Pki.open(tmp_path_factory.mktemp("pki"), SystemClock())
    made.enrol(TOWN, "Ajuntament de Prova")
    yield made
    made.close()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pki]:
    made = Pki.open(tmp_path_factory.mktemp("stranger"), SystemClock())
    yield made
    made.close()


@contextmanager
def served(
    shown: Signer,
    directory: Path,
    *,
    host: str = "127.0.0.1",
    mutual: bytes = b"",
    newest: ssl.TLSVersion | None = None,
) -> Iterator[tuple[int, list[bytes]]]:
    """A TLS server of the loopback that says `ok`; what certificates (DER) it was shown, in order."""
    (directory / "server.pem").write_bytes(pem.write(shown))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem")
    if newest is not None:
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
        context.set_ciphers("ALL:@SECLEVEL=0")
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=mutual.decode())
    listener = socket.create_server((host, 0))
    seen: list[bytes] = []

    def answering() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(4096)
                    seen.append(secured.getpeercert(binary_form=True) or b"")
                    secured.sendall(BODY)
            except (OSError, ValueError):
                connection.close()

    thread = threading.Thread(target=answering)
    thread.start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def asked(anchor: bytes, url: str, own: Signer | None = None, timeout: float = 10) -> bytes:
    with _tls.client(anchor, timeout, own) as http:
        return _http.get(http, url, SystemClock(), most=100).content


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_host_of_the_certificate_under_the_root(pki: Pki, tmp_path: Path, host: str) -> None:
    with served(pki.tls, tmp_path) as (port, seen):
        assert asked(pki.root_pem, f"https://{host}:{port}") == b"ok"
        assert seen == [b""]


def test_another_root(pki: Pki, stranger: Pki, tmp_path: Path) -> None:
    with served(pki.tls, tmp_path) as (port, seen):
        with pytest.raises(ConnectorUnreachable, match="certificate verify failed"):
            asked(stranger.root_pem, f"https://127.0.0.1:{port}")
        assert seen == []


def test_what_the_environment_says_of_roots_and_proxies_is_not_listened_to(
    pki: Pki, stranger: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(pki.root_pem)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(roots))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with served(pki.tls, tmp_path) as (port, _):
        with pytest.raises(ConnectorUnreachable, match="certificate verify failed"):
            asked(stranger.root_pem, f"https://127.0.0.1:{port}")
        assert asked(pki.root_pem, f"https://127.0.0.1:{port}") == b"ok"


def test_another_hosts_certificate(pki: Pki, tmp_path: Path) -> None:
    """A certificate of an administration's own, under the very same root, is no server's of this host."""
    with served(pki.application(TOWN).signer, tmp_path) as (port, seen):
        with pytest.raises(ConnectorUnreachable, match="certificate verify failed"):
            asked(pki.root_pem, f"https://127.0.0.1:{port}")
        assert seen == []


def test_another_host_with_the_servers_certificate(pki: Pki, tmp_path: Path) -> None:
    with served(pki.tls, tmp_path, host="127.0.0.2") as (port, seen):
        with pytest.raises(ConnectorUnreachable, match="IP address mismatch"):
            asked(pki.root_pem, f"https://127.0.0.2:{port}")
        assert seen == []


def test_a_client_is_known_by_its_certificate(pki: Pki, tmp_path: Path) -> None:
    own = pki.application(TOWN).signer
    with served(pki.tls, tmp_path, mutual=pki.root_pem) as (port, seen):
        assert asked(pki.root_pem, f"https://127.0.0.1:{port}", own) == b"ok"
        with pytest.raises(ConnectorUnreachable):
            asked(pki.root_pem, f"https://127.0.0.1:{port}")
        assert [x509.load_der_x509_certificate(each) for each in seen] == [own.certificate]


def test_the_key_is_in_no_file_afterwards(pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = pki.application(TOWN).signer
    _tls.context(pki.root_pem, own)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ssl.SSLError):
        _tls.context(pki.root_pem, Signer(own.key, pki.tls.certificate))
    assert list(tmp_path.iterdir()) == []


def test_tls_1_1_is_no_answer(pki: Pki, tmp_path: Path) -> None:
    with (
        pytest.warns(DeprecationWarning),
        served(pki.tls, tmp_path, newest=ssl.TLSVersion.TLSv1_1) as (port, seen),
    ):
        with pytest.raises(ConnectorUnreachable):
            asked(pki.root_pem, f"https://127.0.0.1:{port}")
        assert seen == []


def test_who_accepts_and_says_nothing(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ConnectorTimeout):
        asked(pki.root_pem, f"https://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)


def test_who_speaks_plain_http(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            connection, _ = plain.accept()
            connection.sendall(BODY)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ConnectorUnreachable):
            asked(pki.root_pem, f"https://127.0.0.1:{plain.getsockname()[1]}")
        thread.join()


@pytest.mark.parametrize("anchor", [b"", b"not a certificate", "arrel d'Òdena".encode()])
def test_roots_that_are_none(anchor: bytes) -> None:
    with pytest.raises(MalformedEvidence, match="root certificates"):
        _tls.context(anchor, None)
