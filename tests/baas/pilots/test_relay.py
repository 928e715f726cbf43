"""The relay, before a real server: every byte goes through, a delay counts once on a request, a cut is a cut."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baas.clock import SystemClock
from baas.exchange_service.service import ExchangeService
from baas.pilots.relay import Cut, Relay, _Turns
from baas.trust_service.service import TrustService
from tests.baas.flows import until

DELAY = 0.25


class Echo(BaseHTTPRequestHandler):
    """Answers with what it got, on connections that stay open."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """Its clients' connections break here on purpose."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/some/path?x=1"
        server.shutdown()
        thread.join()


@pytest.fixture
def relay(service: str) -> Iterator[Relay]:
    with Relay.before(service) as made:
        yield made


def client(timeout: float = 60.0) -> httpx2.Client:
    return httpx2.Client(timeout=timeout, trust_env=False, verify=False)  # there is no TLS to make ready for


def seconds_of(asker: httpx2.Client, url: str, body: bytes = b"x") -> float:
    started = time.perf_counter()
    assert asker.post(url, content=body).content == body
    return time.perf_counter() - started


@given(bodies=st.lists(st.binary(max_size=200_000), min_size=1, max_size=4))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_goes_in_comes_out(service: str, relay: Relay, bodies: list[bytes]) -> None:
    with client() as asker:
        for body in bodies:
            answer = asker.post(relay.url_of(service), content=body)
            assert (answer.content, answer.headers["X-Host"]) == (body, f"127.0.0.1:{relay.port}")


def test_the_path_stays_and_the_host_is_the_relays(service: str, relay: Relay) -> None:
    assert relay.url_of(service) == f"http://127.0.0.1:{relay.port}/some/path?x=1"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "psis.example", ""])
def test_a_service_that_cannot_stand_behind_it_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http or https URL"):
        Relay.before(url)


def test_what_is_within_tls_cannot_be_counted_and_so_not_delayed() -> None:
    with pytest.raises(ValueError, match="within TLS"):
        Relay.before("https://127.0.0.1:9/", delay=DELAY)


def test_tls_goes_through_checked_by_its_own_root_and_can_be_cut(tmp_path: Path) -> None:
    """The embedded exchange, whose certificate names the loopback: the relay sees nothing of what goes through."""
    with closing(TrustService.open(tmp_path / "trust", SystemClock())) as trust:
        service = ExchangeService.open(tmp_path / "exchange", SystemClock(), trust)
        try:
            url = service.serve()
            described = f"{url}/siri-proxy/services/Sincron?wsdl"
            roots = ssl.create_default_context(cadata=service.roots_pem.decode())
            with (
                Relay.before(url) as relay,
                httpx2.Client(verify=roots, trust_env=False, timeout=60) as asker,
            ):
                by_way = relay.url_of(described)
                assert by_way.startswith(f"https://127.0.0.1:{relay.port}/")
                assert asker.get(by_way).content == asker.get(described).content
                relay.cut(Cut.REFUSE)
                with pytest.raises(httpx2.TransportError):
                    asker.get(by_way)
                relay.cut(Cut.HANG)
                with pytest.raises(httpx2.TimeoutException):
                    asker.get(by_way, timeout=0.3)
                relay.restore()
                assert asker.get(by_way).content == asker.get(described).content
                with (
                    httpx2.Client(verify=ssl.create_default_context(), trust_env=False) as stranger,
                    pytest.raises(httpx2.ConnectError, match="certificate"),
                ):
                    stranger.get(by_way)
        finally:
            service.close()


def test_a_delay_counts_once_on_each_request_of_a_connection_that_stays_open(
    service: str, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[bool] = []
    begins = _Turns.begins

    def counted(turns: _Turns) -> bool:
        begun.append(begins(turns))
        return begun[-1]

    monkeypatch.setattr(_Turns, "begins", counted)
    with client() as asker:
        url = relay.url_of(service)
        seconds_of(asker, url)
        relay.delay = DELAY
        for size in (1, 300_000, 1):  # many pieces, one request
            assert seconds_of(asker, url, b"x" * size) >= DELAY
        relay.delay = 0.0
        seconds_of(asker, url)
    assert begun.count(True) == 5
    assert len(begun) > 5, "a request of many pieces begins once"


def test_requests_at_the_same_time_are_delayed_at_the_same_time(service: str, relay: Relay) -> None:
    relay.delay = 4 * DELAY
    taken: list[float] = []
    with client() as asker:
        threads = [
            threading.Thread(target=lambda: taken.append(seconds_of(asker, relay.url_of(service))))
            for _ in range(8)
        ]
        started = time.perf_counter()
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert time.perf_counter() - started < 8 * relay.delay  # one after the other it would be eight
    assert len(taken) == 8
    assert min(taken) >= relay.delay


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (Cut.REFUSE, httpx2.ConnectError),
        (Cut.RESET, httpx2.TransportError),  # at its beginning, or when something is read or written
        (Cut.HANG, httpx2.ReadTimeout),
    ],
)
def test_a_cut_is_felt_as_it_says_and_ends_when_it_is_restored(
    service: str, relay: Relay, how: Cut, error: type[Exception]
) -> None:
    with client() as asker:
        url = relay.url_of(service)
        seconds_of(asker, url)
        relay.cut(how)
        assert relay.is_cut is how
        with client(timeout=0.3) as another, pytest.raises(error):
            another.post(url, content=b"x")
        relay.restore()
    with client() as asker:
        seconds_of(asker, relay.url_of(service))


def test_a_reset_is_one_and_no_end(relay: Relay) -> None:
    relay.cut(Cut.RESET)
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", relay.port), 5) as made:
        made.recv(1)


@pytest.mark.parametrize("how", [Cut.REFUSE, Cut.RESET])
def test_what_is_under_way_breaks_when_the_service_is_cut(service: str, relay: Relay, how: Cut) -> None:
    relay.delay = 100_000.0
    cutting = threading.Timer(0.2, relay.cut, [how])
    cutting.start()
    with client() as asker, pytest.raises(httpx2.TransportError) as broken:
        asker.post(relay.url_of(service), content=b"x")
    assert not isinstance(broken.value, httpx2.TimeoutException)
    cutting.join()


def test_what_hangs_goes_on_once_the_service_is_restored(service: str, relay: Relay) -> None:
    with client() as asker:
        seconds_of(asker, relay.url_of(service))
        relay.cut(Cut.HANG)
        restoring = threading.Timer(0.3, relay.restore)
        started = time.perf_counter()
        restoring.start()
        seconds_of(asker, relay.url_of(service))
        assert time.perf_counter() - started >= 0.3
    restoring.join()


@given(st.lists(st.sampled_from([*Cut, None]), max_size=6))
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_after_any_cuts_in_any_order_a_restored_service_answers_at_the_same_address(
    service: str, relay: Relay, steps: list[Cut | None]
) -> None:
    port = relay.port
    for step in steps:
        relay.restore() if step is None else relay.cut(step)
        assert (relay.is_cut, relay.port) == (step, port)
    relay.restore()
    with client() as asker:
        seconds_of(asker, relay.url_of(service))


def test_a_service_that_is_not_there_breaks_the_connection() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with (
            Relay("127.0.0.1", nobody.getsockname()[1]) as relay,
            client() as asker,
            pytest.raises(httpx2.TransportError),
        ):
            asker.post(f"http://127.0.0.1:{relay.port}/", content=b"x")


def test_no_more_connections_are_taken_than_it_was_told(service: str) -> None:
    target = httpx2.URL(service)
    with ExitStack() as stack:
        relay = stack.enter_context(Relay(str(target.host), int(target.port or 0), most=3))
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", relay.port), 5)) for _ in range(3)]
        with client(timeout=0.3) as asker, pytest.raises(httpx2.ReadTimeout):
            asker.post(relay.url_of(service), content=b"x")
        held[0].close()
        with client() as asker:
            seconds_of(asker, relay.url_of(service))


def test_nothing_is_left_of_a_relay_that_was_closed(service: str) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before, threads = descriptors(), threading.active_count()
    for how in [*Cut, None]:
        relay = Relay.before(service)
        with client() as asker:
            for _ in range(5):
                asker.post(relay.url_of(service), content=b"x" * 1000)
            with socket.create_connection(("127.0.0.1", relay.port)):  # says nothing, and stays
                if how is not None:
                    relay.cut(how)
                    with pytest.raises(httpx2.TransportError), client(timeout=0.2) as another:
                        another.post(relay.url_of(service), content=b"x")
                relay.close()
                relay.close()
    until(
        lambda: descriptors() <= before and threading.active_count() <= threads, 15
    )  # the server's, too, end
    with pytest.raises(httpx2.ConnectError), client() as asker:
        asker.post(relay.url_of(service), content=b"x")
