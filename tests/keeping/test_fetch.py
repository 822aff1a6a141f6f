"""Addresses that people typed: where they may lead, and what a server that means harm can do."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from keeping import fetch
from keeping.fetch import FetchRefused, judge, safe_fetch
from tests.keeping.servers import Asked, Receiver, receiver, say

PUBLIC = "93.184.216.34"
NAMES = {
    "example.com": [PUBLIC],
    "localhost": ["127.0.0.1"],
    "localtest.example.com": ["127.0.0.1"],
    "127.0.0.1.nip.example.com": ["127.0.0.1"],
    "six.example.com": ["::1"],
    "mapped.example.com": ["::ffff:10.0.0.1"],
    "nat64.example.com": ["64:ff9b::7f00:1"],
    "mixed.example.com": [PUBLIC, "10.0.0.7"],
    "mixed6.example.com": ["2606:2800:220:1:248:1893:25c8:1946", "fd00::1"],
    "metadata.example.com": ["169.254.169.254"],
    "xn--bcher-kva.example.com": ["192.168.1.1"],
}

HOSTILE = [
    # this machine, in all its spellings
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.01/",
    "http://127.255.255.254/",
    "http://0/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://localtest.example.com/",
    "http://127.0.0.1.nip.example.com/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://six.example.com/",
    "http://mapped.example.com/",
    "http://nat64.example.com/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    # the house's own network, and the machine room
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://100.127.255.254/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/metadata",
    "http://192.0.0.192/opc/v1/",
    "http://metadata.example.com/computeMetadata/v1/",
    "http://redis/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://bücher.example.com/",
    "http://mixed.example.com/",
    "http://mixed6.example.com/",
    # nobody there
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://203.0.113.9/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[4000::1]/",
    # names, passwords and signs that hide the host
    "http://example.com@127.0.0.1/",
    "http://user:word@example.com/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\.127.0.0.1/",
    "http://example.com\r\nHost: 127.0.0.1/",
    "http://exam ple.com/",
    "http://example.com:22/",
    "http://example.com:6379/",
    "http://example.com:99999/",
    "http://example.com:-80/",
    "http://example.com:8O/",
    # other ways than http
    "file:///etc/passwd",
    "gopher://example.com:80/",
    "ftp://example.com/",
    "dict://127.0.0.1:6379/info",
    "javascript:alert(1)",
    "//example.com/",
    "example.com",
    "http:///example.com/",
    "http://",
    "http://[::1",
    "http://..example.com/",
    "http://bücher..example.com/",
    "http://" + "a" * 64 + ".example.com/",
    "http://nobody.example.com/",
    "",
    "https://example.com/" + "x" * 2000,
]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tests. Gives what was asked, in order."""
    asked: list[str] = []

    def getaddrinfo(name: str, port: int, **_: object) -> list[object]:
        asked.append(name)
        if name not in NAMES:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in NAMES[name]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.fixture
def no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection would fail the test."""

    def connect(*_: object) -> None:
        raise AssertionError("Somebody was called.")

    monkeypatch.setattr(socket.socket, "connect", connect)


def ask(server: Receiver, path: str = "/", **how: object) -> fetch.Fetched:
    return safe_fetch(server.url + path, allow_private=True, ports={server.port}, **how)  # type: ignore[arg-type]


def test_there_are_at_least_sixty_hostile_addresses() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("url", HOSTILE, ids=lambda url: repr(url)[:60])
def test_a_hostile_address_is_refused_at_once_with_a_sentence(url: str, resolver: list[str], no_calls: None) -> None:
    began = time.monotonic()
    with pytest.raises(FetchRefused) as refused:
        safe_fetch(url)
    assert time.monotonic() - began < 1
    sentence = str(refused.value)
    assert (sentence.endswith(".") and sentence[0].isupper()) or sentence.startswith("nobody.example.com")
    assert "Errno" not in sentence and "Traceback" not in sentence


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://metadata.example.com/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://[fe80::1]/",
        "http://224.0.0.1/",
        "http://[64:ff9b::a00:1]/",
    ],
)
def test_a_house_that_lets_its_own_machines_be_asked_still_asks_no_machine_room(url: str, resolver: list[str], no_calls: None) -> None:
    with pytest.raises(FetchRefused):
        safe_fetch(url, allow_private=True)


@pytest.mark.parametrize("url", ["http://10.1.2.3/", "http://[::1]/", "http://localhost/", "http://six.example.com/"])
def test_a_house_may_let_its_own_machines_be_asked(url: str, resolver: list[str]) -> None:
    assert judge(url, allow_private=True).found


def test_public_addresses_pass(resolver: list[str]) -> None:
    target = judge("https://Example.COM./a b".replace(" ", "%20") + "?q=ä#part")
    assert (target.secure, target.name, target.port, target.host) == (True, "example.com", 443, "example.com")
    assert target.path == "/a%20b?q=%C3%A4" and target.found[0][1] == (PUBLIC, 443)
    assert judge("http://8.8.8.8:443").host == "8.8.8.8:443"
    assert judge("http://[2606:4700::1111]/").host == "[2606:4700::1111]"


def test_what_the_server_says_comes_back(no_proxy: None) -> None:
    with receiver(say(404, b"not here", Content_Type="text/plain; charset=utf-8")) as server:
        got = ask(server, "/a%20b?x=1", headers={"X-Ours": "yes"})
    assert (got.status, got.body, got.type, got.cut) == (404, b"not here", "text/plain", False)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.headers["host"], asked.headers["x-ours"]) == (
        "GET",
        "/a%20b?x=1",
        f"127.0.0.1:{server.port}",
        "yes",
    )


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names a proxy that does not exist: whoever used it would fail."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")


def test_a_body_is_sent_as_it_is() -> None:
    with receiver(say(200)) as server:
        ask(server, method="POST", body=b'{"a":1}', headers={"Content-Type": "application/json"})
    assert server.asked[0].body == b'{"a":1}' and server.asked[0].headers["content-type"] == "application/json"


def test_a_name_that_moves_after_it_was_judged_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]
    called: list[object] = []

    def getaddrinfo(name: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers.pop(0)]

    def connect(_: socket.socket, where: object) -> None:
        called.append(where)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(FetchRefused, match="cannot be reached"):
        safe_fetch("http://moving.example.com/")
    assert called == [(PUBLIC, 80)] and len(answers) == 2


def test_the_second_address_of_a_name_is_tried_when_the_first_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(say(200, b"here")) as server:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, server.port)) for one in ("127.0.0.9", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        got = safe_fetch(f"http://two.example.com:{server.port}/", allow_private=True, ports={server.port})
    assert got.body == b"here" and server.asked[0].headers["host"] == f"two.example.com:{server.port}"


def test_a_redirect_is_an_answer_like_any_other_unless_it_may_be_followed() -> None:
    with receiver(say(302, Location="/there")) as server:
        got = ask(server)
    assert (got.status, len(server.asked)) == (302, 1)


def test_a_redirect_is_followed_when_it_may_be() -> None:
    def answer(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        (say(302, Location="/there") if asked.path == "/" else say(200, b"there"))(handler, asked)

    with receiver(answer) as server:
        got = ask(server, redirects=2)
    assert got.body == b"there" and got.url == f"{server.url}/there"


@pytest.mark.parametrize(
    "there", ["http://127.0.0.1:1/", "http://169.254.169.254/", "file:///etc/passwd", "//[::1]:22/", "http://a@b/", "http://[::1"]
)
def test_a_redirect_into_the_machine_is_refused(there: str, resolver: list[str]) -> None:
    with receiver(say(302, Location=there)) as server, pytest.raises(FetchRefused):
        ask(server, redirects=3)
    assert len(server.asked) == 1


def test_a_public_host_that_redirects_to_this_machine_is_not_followed(resolver: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver(say(302, Location="http://127.0.0.1/")) as server:
        real = socket.socket.connect

        def connect(sock: socket.socket, where: tuple[str, int]) -> None:
            assert where == (PUBLIC, 80)  # a second call would be the one to this machine
            real(sock, ("127.0.0.1", server.port))

        monkeypatch.setattr(socket.socket, "connect", connect)
        with pytest.raises(FetchRefused, match="private network"):
            safe_fetch("http://example.com/", redirects=3)
    assert len(server.asked) == 1 and server.asked[0].headers["host"] == "example.com"


def test_redirects_come_to_an_end() -> None:
    with receiver(say(302, Location="/again")) as server, pytest.raises(FetchRefused, match="too often"):
        ask(server, redirects=3)
    assert len(server.asked) == 4


def test_a_body_or_a_token_follows_no_redirect() -> None:
    with pytest.raises(ValueError, match="redirects"):
        safe_fetch("https://example.com/", method="POST", body=b"x", redirects=1)


def _drip(handler: BaseHTTPRequestHandler, _: Asked) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _number in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def _drip_headers(handler: BaseHTTPRequestHandler, _: Asked) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 200:
        handler.wfile.write(bytes([letter]))
        time.sleep(0.05)


def _silent(_: BaseHTTPRequestHandler, __: Asked) -> None:
    time.sleep(5)


@pytest.mark.parametrize("answer", [_drip, _drip_headers, _silent])
def test_a_server_that_takes_its_time_is_given_up(answer: Callable[[BaseHTTPRequestHandler, Asked], None]) -> None:
    began = time.monotonic()
    with receiver(answer) as server, pytest.raises(FetchRefused, match="too long"):
        ask(server, at_most_seconds=0.4)
    assert time.monotonic() - began < 1


def test_what_dripped_until_the_time_was_over_is_kept_when_it_may_be_cut() -> None:
    with receiver(_drip) as server:
        got = ask(server, at_most_seconds=0.4, cut=True)
    assert got.status == 200 and got.cut and 1 <= len(got.body) < 20 and set(got.body) == {ord("x")}


def test_a_resolver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(3))
    began = time.monotonic()
    with pytest.raises(FetchRefused, match="could not be found"):
        safe_fetch("http://example.com/", at_most_seconds=0.3)
    assert time.monotonic() - began < 1


class Flood:
    """A server that sends two gigabytes, as far as it is let."""

    def __init__(self, *, tells: bool) -> None:
        self.sent, self.tells = 0, tells

    def __call__(self, handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.send_response(200)
        if self.tells:
            handler.send_header("Content-Length", str(2 << 30))
        handler.end_headers()
        block = b"\0" * (1 << 16)
        while self.sent < 2 << 30:
            self.sent += handler.wfile.write(block)


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("cut", [True, False])
def test_two_gigabytes_are_cut_at_the_limit(tells: bool, cut: bool) -> None:
    flood, began = Flood(tells=tells), time.monotonic()
    with receiver(flood) as server:
        if cut:
            got = ask(server, at_most_bytes=2048, cut=True)
            assert got.body == b"\0" * 2048 and got.cut
        else:
            with pytest.raises(FetchRefused, match="more than 1 MB"):
                ask(server, at_most_bytes=1_000_000)
        time.sleep(0.05)
    assert flood.sent < 32 << 20 and time.monotonic() - began < 1


def test_a_small_body_that_unpacks_into_a_huge_one_is_cut_too() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with receiver(say(200, bomb, Content_Encoding="gzip")) as server, pytest.raises(FetchRefused, match="more than 1 MB"):
        ask(server, at_most_bytes=1_000_000)
    assert len(bomb) < 100_000


def test_half_a_body_is_no_answer() -> None:
    def half(handler: BaseHTTPRequestHandler, _: Asked) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x" * 500)

    with receiver(half) as server, pytest.raises(FetchRefused, match="cannot be read"):
        ask(server)


def test_what_is_no_http_is_told_in_a_sentence() -> None:
    with (
        receiver(lambda handler, _: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n") and None) as server,
        pytest.raises(FetchRefused, match="cannot be read"),
    ):
        ask(server)


def test_a_closed_port_is_told_in_a_sentence() -> None:
    with receiver(say(200)) as server:
        port = server.port
    with pytest.raises(FetchRefused, match="cannot be reached"):
        safe_fetch(f"http://127.0.0.1:{port}/", allow_private=True, ports={port})


@pytest.mark.parametrize(
    ("body", "said", "found"),
    [
        (b"\xff\xd8\xff\xe0rest", "text/html", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\nrest", "", "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/png", "image/webp"),
        (b"GIF89a", "image/jpeg", "image/gif"),
        (b"  <!DOCTYPE html><script>", "image/jpeg", "text/html"),
        (b"%PDF-1.7", "image/jpeg", "application/pdf"),
        (b"{}", "Application/JSON; charset=utf-8", "application/json"),
    ],
)
def test_a_file_is_what_its_first_bytes_say(body: bytes, said: str, found: str) -> None:
    with receiver(say(200, body, Content_Type=said)) as server:
        assert ask(server).type == found


def test_a_page_that_calls_itself_a_photo_is_refused() -> None:
    with receiver(say(200, b"<html>", Content_Type="image/jpeg")) as server, pytest.raises(FetchRefused, match="type"):
        ask(server, types={"image/jpeg", "image/png"})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for shop.example.com, with its key, in one file."""
    folder = tmp_path_factory.mktemp("certificate")
    made = folder / "both.pem"
    name = ["-subj", "/CN=shop.example.com", "-addext", "subjectAltName=DNS:shop.example.com"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "key.pem", "-out", "cert.pem", *name]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    made.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return made


@pytest.fixture
def secure_port(certificate: Path) -> Iterator[int]:
    """A server that speaks TLS, and what it was asked for by SNI."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen = f"{self.headers['Host']} {getattr(server, 'sni', '')}"
            answer = say(302, Location="http://shop.example.com/") if self.path == "/open" else say(200, seen.encode())
            answer(self, None)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: setattr(server, "sni", name)  # type: ignore[assignment,misc]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _points_here(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    """The tests' certificate is believed."""

    def trusted() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(certificate))

    monkeypatch.setattr(fetch, "_trusted", trusted)


def test_host_and_sni_are_the_name_while_the_connection_goes_to_the_judged_address(
    secure_port: int, trusting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _points_here(monkeypatch, secure_port)
    got = safe_fetch(f"https://shop.example.com:{secure_port}/", allow_private=True, ports={secure_port})
    assert got.body.decode() == f"shop.example.com:{secure_port} shop.example.com"


def test_a_certificate_for_another_name_is_refused(secure_port: int, trusting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    _points_here(monkeypatch, secure_port)
    with pytest.raises(FetchRefused, match="certificate"):
        safe_fetch(f"https://other.example.com:{secure_port}/", allow_private=True, ports={secure_port})


def test_a_certificate_that_nobody_signed_is_refused(secure_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _points_here(monkeypatch, secure_port)
    with pytest.raises(FetchRefused, match="certificate"):
        safe_fetch(f"https://shop.example.com:{secure_port}/", allow_private=True, ports={secure_port})


def test_an_encrypted_address_does_not_redirect_to_one_in_the_open(
    trusting: None, secure_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _points_here(monkeypatch, secure_port)
    with pytest.raises(FetchRefused, match="without encryption"):
        safe_fetch(f"https://shop.example.com:{secure_port}/open", allow_private=True, ports={secure_port}, redirects=1)


def test_a_handshake_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        _points_here(monkeypatch, port)
        began = time.monotonic()
        with pytest.raises(FetchRefused, match="too long"):
            safe_fetch(f"https://shop.example.com:{port}/", allow_private=True, ports={port}, at_most_seconds=0.4)
    assert time.monotonic() - began < 1
