"""The HTTP door against real sockets, most of them hostile."""

from __future__ import annotations

import gzip
import os
import queue
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from investigations.choices import Outcome
from investigations.providers import connections, http
from investigations.providers.base import ProviderError, Reply
from tests.providers.conftest import Web

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

type Raw = Callable[[Callable[[socket.socket], None]], str]


def failure(url: str, timeout: float = 5.0, **kwargs: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        http.get(url, timeout=timeout, **kwargs)
    return caught.value


def test_it_brings_status_headers_and_body(web: Web) -> None:
    web.reply = Reply(404, {"X-RateLimit-Remaining": "7"}, b'{"found": false}')

    reply = http.get(web.url + "/v3/ip/192.0.2.1", timeout=5, headers={"key": "s3cret"}, params={"a": "b c"})

    path, headers = web.requests[0]
    assert (reply.status, reply.body, reply.headers["x-ratelimit-remaining"]) == (404, b'{"found": false}', "7")
    assert path == "/v3/ip/192.0.2.1?a=b+c"
    assert headers["key"] == "s3cret"
    assert headers["accept"] == "application/json"
    assert headers["user-agent"].startswith("ReconSOC/")


def test_it_keeps_connections_and_shares_them_among_threads(web: Web) -> None:
    def ask(_: int) -> int:
        return http.get(web.url + "/", timeout=10).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(200)))

    assert statuses == [200] * 200
    assert len(web.peers) <= 8


def test_it_ignores_proxies_of_the_environment(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")

    assert http.get(web.url + "/", timeout=5).status == 200


def test_it_keeps_no_cookies(web: Web) -> None:
    web.reply = Reply(200, {"Set-Cookie": "session=1; Path=/"}, b"{}")

    http.get(web.url + "/", timeout=5)
    http.get(web.url + "/", timeout=5)

    assert "cookie" not in web.requests[1][1]


def test_it_does_not_follow_redirects(web: Web) -> None:
    web.reply = Reply(302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b"")

    assert http.get(web.url + "/", timeout=5).status == 302
    assert len(web.requests) == 1


def test_it_unpacks_gzip(web: Web) -> None:
    web.reply = Reply(200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"a": 1}'))

    assert http.get(web.url + "/", timeout=5).body == b'{"a": 1}'


def test_it_stops_a_gzip_bomb_at_the_cap(web: Web) -> None:
    bomb = gzip.compress(bytes(100 * 1024 * 1024), compresslevel=1)
    web.reply = Reply(200, {"Content-Encoding": "gzip"}, bomb)

    assert "longer than 2 MiB" in failure(web.url + "/", 30).message


def test_it_says_so_when_the_answer_cannot_be_unpacked(web: Web) -> None:
    web.reply = Reply(200, {"Content-Encoding": "gzip"}, b"not gzip at all")

    assert failure(web.url + "/").message == "The answer cannot be decompressed"


def test_it_stops_an_endless_body_at_the_cap(raw: Raw) -> None:
    def behave(peer: socket.socket) -> None:
        peer.sendall(HEAD + b"\r\n")
        while True:
            peer.sendall(b"x" * 65536)

    error = failure(raw(behave), 30)

    assert error.outcome == Outcome.ERROR
    assert "longer than 2 MiB" in error.message


def test_it_accepts_a_body_of_exactly_the_cap(web: Web) -> None:
    web.reply = Reply(200, {}, b"x" * http.MAX_BODY)

    assert len(http.get(web.url + "/", timeout=30).body) == http.MAX_BODY


def drip(peer: socket.socket, start: bytes, drop: bytes) -> None:
    """Send `start`, then one more piece again and again, as long as somebody listens."""
    peer.sendall(start)
    while True:
        peer.sendall(drop)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD, b"X-More: 1"),
        (b"HTTP/1.1 2", b"0"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "chunks", "headers", "status line", "informational answers"],
)
def test_it_ends_at_the_deadline_though_bytes_keep_dripping(raw: Raw, start: bytes, drop: bytes) -> None:
    error = failure(raw(lambda peer: drip(peer, start, drop)), 0.4)

    assert error.outcome == Outcome.TIMEOUT
    assert error.message == "No answer within 0.4 seconds"


def test_it_times_out_when_nothing_comes(raw: Raw) -> None:
    assert failure(raw(lambda peer: time.sleep(3)), 0.3).outcome == Outcome.TIMEOUT


def test_it_times_out_in_the_tls_handshake(raw: Raw) -> None:
    url = raw(lambda peer: time.sleep(3)).replace("http:", "https:")

    assert failure(url, 0.3).outcome == Outcome.TIMEOUT


def test_it_names_a_server_that_speaks_no_tls(raw: Raw) -> None:
    url = raw(lambda peer: peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")).replace("http:", "https:")

    assert "TLS" in failure(url).message


def test_it_reports_a_reset_connection(raw: Raw) -> None:
    def behave(peer: socket.socket) -> None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert failure(raw(behave)).message == "The connection failed"


def test_it_reports_a_body_that_breaks_off(raw: Raw) -> None:
    error = failure(raw(lambda peer: peer.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"data"')))

    assert (error.outcome, error.message) == (Outcome.ERROR, "The answer broke off")


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff\x00\xff\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        HEAD + b"A: " + b"x" * 100_000 + b"\r\n\r\n",
        HEAD + b"A: b\r\n" * 200 + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 5, 6\r\n\r\nabcde",
    ],
)
def test_it_survives_what_is_not_http(raw: Raw, answer: bytes) -> None:
    with suppress(ProviderError):
        http.get(raw(lambda peer: peer.sendall(answer)), timeout=5)


def test_it_reports_a_closed_port(settings: Any) -> None:
    settings.ALLOW_TEST_NETWORKS = True
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert failure(f"http://127.0.0.1:{port}/").message == "The server cannot be reached"


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "schlüssel", " ", "", "kęy"])
def test_it_lets_no_key_write_headers(web: Web, key: str) -> None:
    error = failure(web.url + "/", headers={"key": key})

    assert error.outcome == Outcome.AUTH_ERROR
    assert web.requests == []
    assert key.strip() == "" or key not in error.message


HOSTS = [
    "127.0.0.1", "10.0.0.1", "192.168.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]",
    "[fe80::1]", "0.0.0.0", "127.1", "2130706433", "0x7f.0.0.1", "localhost",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_it_connects_to_nothing_internal(settings: Any, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALLOW_TEST_NETWORKS = False
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: pytest.fail("connected"))

    error = failure(f"http://{host}:9/secret?key=s3cret")

    assert error.outcome == Outcome.ERROR
    assert "internal or reserved" in error.message
    assert host not in error.message and "s3cret" not in error.message


def name_leads_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Make the system's resolver give these addresses, one list after the other; gives the names it was asked for."""
    asked: list[str] = []
    original = socket.getaddrinfo

    def resolve(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(host).endswith(".example"):
            return original(host, port, *args, **kwargs)
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_it_refuses_a_name_that_leads_inside(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALLOW_TEST_NETWORKS = True
    name_leads_to(monkeypatch, ["10.0.0.1"])

    assert "internal or reserved" in failure("http://api.example/").message


def test_it_refuses_a_name_if_one_of_its_addresses_leads_inside(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name_leads_to(monkeypatch, ["8.8.8.8", "169.254.169.254"])
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: pytest.fail("connected"))

    assert "internal or reserved" in failure("http://api.example/").message


def test_it_resolves_once_so_that_a_name_cannot_lead_elsewhere_later(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = name_leads_to(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])

    reply = http.get(web.url.replace("127.0.0.1", "rebinding.example") + "/", timeout=5)

    assert reply.status == 200
    assert asked == ["rebinding.example"]
    assert web.requests[0][1]["host"].startswith("rebinding.example:")


def test_it_tries_the_next_address_of_a_name(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    name_leads_to(monkeypatch, ["127.0.0.2", "127.0.0.1"])

    assert http.get(web.url.replace("127.0.0.1", "two.example") + "/", timeout=5).status == 200


def test_it_reaches_networks_that_the_deployment_allows(web: Web, settings: Any) -> None:
    settings.ALLOW_TEST_NETWORKS = False
    settings.PROVIDER_NETWORKS = (ip_network("127.0.0.0/8"),)

    assert http.get(web.url + "/", timeout=5).status == 200


def test_it_does_not_wait_for_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: released.wait(30) and [])

    error = failure("http://slow.example/", 0.3)
    released.set()

    assert (error.outcome, error.message) == (Outcome.TIMEOUT, "The server's name was not resolved in time")


def test_it_reports_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    assert failure("http://nowhere.example/").message == "The server's name cannot be resolved"


@pytest.mark.parametrize(
    "url", ["ftp://api.example/", "http://", "http://[::1/", "http:///x", "nonsense", "http://a..b/"]
)
def test_it_refuses_urls_that_are_none(url: str) -> None:
    assert failure(url).outcome == Outcome.ERROR


def test_it_starts_with_fresh_connections_after_a_fork(web: Web) -> None:
    http.get(web.url + "/", timeout=5)
    read, write = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(write, b"kept" if http.session.cache_info().currsize else b"none")
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read, 10) == b"none"
    os.close(read)
    os.close(write)


@pytest.fixture
def secure(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """`web` behind TLS with a certificate for api.example; gives the names that clients have asked for (SNI)."""
    asked: list[str] = []
    key, certificate = certificate_for("api.example")
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "certificate.pem").write_bytes(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    context.sni_callback = lambda sock, name, context: asked.append(name)
    web.server.socket = context.wrap_socket(web.server.socket, server_side=True)
    name_leads_to(monkeypatch, ["127.0.0.1"])
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "certificate.pem"))
    http.session.cache_clear()
    yield asked
    http.session.cache_clear()


def certificate_for(name: str) -> tuple[bytes, bytes]:
    """A new private key and its self-signed certificate, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*plain), certificate.public_bytes(serialization.Encoding.PEM)


def test_it_asks_for_the_name_though_it_connects_to_an_address(web: Web, secure: list[str]) -> None:
    port = web.server.server_port

    assert http.get(f"https://api.example:{port}/", timeout=5).status == 200
    assert secure == ["api.example"]
    assert web.requests[0][1]["host"] == f"api.example:{port}"


def test_it_refuses_the_certificate_of_another_name(web: Web, secure: list[str]) -> None:
    error = failure(f"https://other.example:{web.server.server_port}/", headers={"key": "s3cret"})

    assert error.message == "The server's certificate or TLS was not accepted"
    assert web.requests == []


def test_it_refuses_a_certificate_that_nobody_vouches_for(
    web: Web, secure: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(certificate_for("api.example")[1])
    monkeypatch.setattr(certifi, "where", lambda: str(other))

    error = failure(f"https://api.example:{web.server.server_port}/")

    assert error.message == "The server's certificate or TLS was not accepted"


def test_it_passes_on_the_answer_of_the_resolver() -> None:
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    connections._resolve("127.0.0.1", 80, answers)

    assert answers.get()[0][4] == ("127.0.0.1", 80)
