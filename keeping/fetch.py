"""The only way to an address that a person typed: it is judged, resolved once, and asked at exactly the address that was judged."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPException
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import certifi
import idna
from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Where a house keeps its own machines. `allow_private` opens these, and only these.
PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
# Where nobody whom we want to reach can be, whatever is allowed.
NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "168.63.129.16/32",  # looks public, and is the inside of a large cloud
        "169.254.0.0/16",  # link-local; clouds answer here with their machines' passwords
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/96",  # unspecified, and IPv4 in the old way
        "::ffff:0:0/96",  # IPv4-mapped
        "64:ff9b::/96",  # NAT64: any IPv4 address, also a private one
        "64:ff9b:1::/48",  # NAT64 inside a house
        "100::/64",  # discard
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: any IPv4 address, also a private one
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)
GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")  # everything else of IPv6 is not given out yet

PORTS = frozenset({80, 443})
LONGEST = 2000  # characters of an address
KEPT_IN_A_PATH = "/%:@!$&'()*+,;=~"
CHUNK = 16 * 1024
FOLLOWED = frozenset({301, 302, 303, 307, 308})
NOT_IN_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
TYPES_BY_START = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"%PDF-"), "application/pdf"),
    (re.compile(rb"\s*<(!doctype html|html|head|body|script|svg|\?xml)", re.IGNORECASE), "text/html"),
)


class FetchRefused(Exception):
    """The address may not be asked, or gave nothing usable. The message is one sentence for the person who typed it."""


@dataclass(frozen=True)
class Target:
    """An address that was judged, with every network address behind its name."""

    secure: bool
    name: str
    port: int
    path: str
    found: tuple[tuple[int, Any], ...]

    @property
    def host(self) -> str:
        """What the Host header says."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"


@dataclass(frozen=True)
class Fetched:
    """An answer. `type` is what the body really is where its first bytes tell, else what the server says; `cut`: there was more of it."""

    status: int
    body: bytes
    type: str
    url: str
    cut: bool = False


def judge(url: str, *, ports: Collection[int] = (), allow_private: bool = False, at_most_seconds: float = 5.0) -> Target:
    """Say where an address leads. Raises FetchRefused unless it is http or https, on an allowed port, and public at every address.

    `ports` adds to 80 and 443; `allow_private` lets machines of the house's own network pass, for addresses that staff vouch for.
    """
    if len(url) > LONGEST:
        raise FetchRefused(f"This address is too long. Give one of at most {LONGEST} characters.")
    if NOT_IN_AN_ADDRESS.search(url):
        raise FetchRefused("This address has spaces or signs in it that no address has. Check it and try again.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchRefused("This is not an address. Give one such as https://example.com/path.") from None
    if parts.scheme not in ("http", "https"):
        raise FetchRefused("This address must begin with https:// or http://.")
    if "@" in parts.netloc:
        raise FetchRefused("This address must not carry a name or password. Leave out what stands before the @.")
    secure = parts.scheme == "https"
    port = (443 if secure else 80) if port is None else port
    if port not in PORTS and port not in ports:
        raise FetchRefused(f"Port {port} cannot be used. Use an address on port 443 or 80.")
    name = _name(parts.hostname or "")
    if not allow_private and "." not in name and ":" not in name:
        raise FetchRefused("This address leads into a private network. Give one that can be reached from the internet.")
    found = _resolve(name, port, at_most_seconds)
    for _, where in found:
        _judge_address(ipaddress.ip_address(where[0]), allow_private=allow_private)
    path = quote(parts.path or "/", safe=KEPT_IN_A_PATH)
    query = quote(parts.query, safe=KEPT_IN_A_PATH + "?[]")
    return Target(secure, name, port, f"{path}?{query}" if query else path, found)


def safe_fetch(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    ports: Collection[int] = (),
    allow_private: bool = False,
    redirects: int = 0,
    at_most_bytes: int = 10_000_000,
    at_most_seconds: float = 10.0,
    types: Collection[str] = (),
    cut: bool = False,
) -> Fetched:
    """Ask an address that a person typed, by the rules of `judge`, and give its answer, whatever its status.

    No proxy of the environment is used. `redirects` is how many are followed, each judged anew; with 0 the redirect itself is the answer.
    All together takes no longer than `at_most_seconds`. `types` names what a good answer's body may be, by its first bytes.
    With `cut`, a body beyond the limits is given as far as it came; without, it is refused. Raises FetchRefused.
    """
    if redirects and (method != "GET" or headers):
        raise ValueError("Only a plain GET may follow redirects: a body or a token is meant for one host.")
    deadline = time.monotonic() + at_most_seconds
    for _ in range(redirects + 1):
        target = judge(url, ports=ports, allow_private=allow_private, at_most_seconds=max(0.0, deadline - time.monotonic()))
        with _connected(target, deadline, at_most_seconds) as (connection, over):
            connection.request(
                method,
                target.path,
                body,
                {"User-Agent": "AdsGem", "Accept-Encoding": "identity", "Connection": "close", **(headers or {}), "Host": target.host},
                preload_content=False,
                decode_content=True,
            )
            response = connection.getresponse()
            follow = redirects > 0 and response.status in FOLLOWED and "Location" in response.headers
            data, was_cut = (b"", False) if follow else _read(response, target, over, at_most_bytes, cut=cut)
        if not follow:
            kind = _type_of(data, response.headers.get("Content-Type", ""))
            if types and response.status == HTTPStatus.OK and kind not in types:
                raise FetchRefused(f"What {target.name} sent is not of a type that can be used here. Give the address of another file.")
            return Fetched(response.status, data, kind, url, was_cut)
        url = _next(url, response.headers["Location"])
    raise FetchRefused("This address redirects too often. Give the one that it leads to.")


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed: those this machine believes, and those of a current list for machines without any."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _name(host: str) -> str:
    """The host as the network knows it: small letters, no dot at its end. Raises FetchRefused for what is no name and no address."""
    if ":" in host:
        try:
            if "%" not in host:
                return str(ipaddress.IPv6Address(host))
        except ValueError:
            pass
        raise FetchRefused("This is not an address. Give one such as https://example.com/path.")
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        name = ""
    name = name.removesuffix(".")
    if not NAME.fullmatch(name):
        raise FetchRefused("This address names no host. Give one such as https://example.com/path.")
    if NUMBER.fullmatch(name.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            # 127.1, 0177.0.0.1, 0x7f000001: programs disagree on what these mean, so they mean nothing here.
            raise FetchRefused("This address hides its host behind a number. Give the host's name.") from None
    return name


def _resolve(name: str, port: int, seconds: float) -> tuple[tuple[int, Any], ...]:
    """Family and socket address of everything behind a name. A resolver has no time limit of its own, so it works beside us."""
    try:
        literal = ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return ((socket.AF_INET if literal.version == 4 else socket.AF_INET6, (name, port)),)
    answers: SimpleQueue[list[Any]] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            answers.put([])

    threading.Thread(target=ask, daemon=True, name=f"resolve-{name}").start()
    try:
        found = answers.get(timeout=max(seconds, 0.001))
    except Empty:
        found = []
    if not found:
        raise FetchRefused(f"The host {name} could not be found. Check the address and try again.")
    return tuple((family, where) for family, _, _, _, where in found)


def _judge_address(address: Address, *, allow_private: bool) -> None:
    private = any(address in network for network in PRIVATE)
    if private and allow_private:
        return
    outside = address.version == 6 and address not in GLOBAL_IPV6
    if private or outside or any(address in network for network in NEVER):
        raise FetchRefused("This address leads into a private network. Give one that can be reached from the internet.")


@contextmanager
def _connected(target: Target, deadline: float, seconds: float) -> Iterator[tuple[HTTPConnection, threading.Event]]:
    """A connection to one of the judged addresses. At the deadline it is cut, whatever it is doing, and the event is set."""
    over = threading.Event()
    sock = _connect(target, deadline)
    # A second handle on the same connection: it stays valid while TLS takes the first one over.
    lifeline = sock.dup()
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), _hang_up, (lifeline, over))
    timer.daemon = True
    timer.start()
    try:
        if target.secure:
            sock = _trusted().wrap_socket(sock, server_hostname=target.name)
        connection = HTTPConnection(target.name, target.port, timeout=seconds)
        connection.sock = sock
        yield connection, over
    except (OSError, HTTPException, HTTPError) as error:
        raise FetchRefused(_sentence(error, target, over=over.is_set())) from error
    finally:
        timer.cancel()
        sock.close()
        lifeline.close()


def _hang_up(lifeline: socket.socket, over: threading.Event) -> None:
    over.set()
    with suppress(OSError):  # the other side was quicker
        lifeline.shutdown(socket.SHUT_RDWR)


def _connect(target: Target, deadline: float) -> socket.socket:
    """The first of the judged addresses that answers. No name is asked for again: it could lead elsewhere by now."""
    for left, (family, where) in zip(range(len(target.found), 0, -1), target.found, strict=True):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(max(0.001, (deadline - time.monotonic()) / left))
            sock.connect(where)
            sock.settimeout(max(0.001, deadline - time.monotonic()))
        except OSError:
            sock.close()
            continue
        return sock
    raise FetchRefused(f"{target.name} cannot be reached. Check the address, or try again later.")


def _read(response: BaseHTTPResponse, target: Target, over: threading.Event, limit: int, *, cut: bool) -> tuple[bytes, bool]:
    """The body within its limit, and whether there was more."""
    data = bytearray()
    try:
        while len(data) <= limit and (chunk := response.read1(CHUNK)):
            data += chunk
    except (OSError, HTTPException, HTTPError):
        if not cut:
            raise
        return bytes(data[:limit]), True
    if len(data) > limit and not cut:
        raise FetchRefused(f"{target.name} sent more than {_size(limit)}. Give the address of a smaller file.")
    if over.is_set() and not cut:
        raise FetchRefused(f"{target.name} took too long to answer. Try again later.")
    return bytes(data[:limit]), len(data) > limit or over.is_set()


def _next(url: str, location: str) -> str:
    try:
        there = urljoin(url, location)
    except ValueError:
        there = ""
    if url.lower().startswith("https:") and not there.lower().startswith("https:"):
        raise FetchRefused("This address redirects to one without encryption. Give one that stays with https://.")
    return there


def _type_of(data: bytes, said: str) -> str:
    found = next((kind for start, kind in TYPES_BY_START if start.match(data)), "")
    return found or said.partition(";")[0].strip().lower()


def _sentence(error: Exception, target: Target, *, over: bool) -> str:
    if over or isinstance(error, TimeoutError):
        return f"{target.name} took too long to answer. Try again later."
    if isinstance(error, ssl.SSLError):
        return f"{target.name} has no valid certificate. Have it renewed, or check the address."
    return f"{target.name} gave an answer that cannot be read. Try again later."


def _size(limit: int) -> str:
    return f"{limit // 1_000_000} MB" if limit >= 1_000_000 else f"{limit:,} bytes"
