"""What four clients saw while a nemesis did its worst, and whether it can be true (RELIABILITY: the Jepsen-style run).

A history is a list of operations with the time before and after each, and how it ended for its client: "ok", "fail" (it certainly did
not happen) or "unknown" (the line was cut, or the server had trouble). `faults` reads a history and what the rows say at the end, and
knows nothing of the product but its promises.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import redis
import requests
from urllib3.exceptions import NewConnectionError

from tests.chaos.plugged.apps import FAILS, QUICK
from tests.chaos.stack import FINAL, PATIENCE, ROOT, Stack, until

CLIENTS = 4
HTTP_SECONDS = 5.0
IMPATIENT = (0.01, 0.2)  # seconds after which one change in six is not waited for
NEMESIS_EVERY, FROZEN, SECOND_SWEEP = 3.0, 5.0, 6.0  # seconds
FIRST_CREDITS = 300
# How often a client does what, out of a hundred.
HABITS = {"order": 14, "read": 36, "cancel": 10, "download": 14, "top up": 6, "balance": 20}
RANKS = {"waiting": 0, "writing": 1, "painting": 1, "making": 2, "finishing": 2}  # whatever has ended is 3
READY = ("ready", "partly")


# --- what a history is made of


@dataclass(frozen=True)
class Op:
    """One thing a client did. `of` is the order, the ad, or the key of what was asked for; `told` and `seen` say what went out and came back."""

    client: int
    kind: str
    of: str
    began: float
    ended: float
    end: str
    told: Mapping[str, Any] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)  # status by id: of the order, its pictures and ads
    got: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.end == "ok"


class Order(NamedTuple):
    """An order at the end."""

    id: str
    status: str
    pictures: Mapping[str, tuple[str, int]]  # status and credits by id


@dataclass(frozen=True)
class End:
    """What the rows say when all is quiet. Orders and top-ups by the key that the client gave them."""

    orders: Mapping[str, Sequence[Order]]
    grants: Mapping[str, Sequence[int]]
    files: Mapping[str, str] = field(default_factory=dict)  # SHA-256 by ad


# --- whether it can be true


def faults(ops: Sequence[Op], end: End) -> list[str]:
    """Every promise that this history shows broken, as a sentence; nothing when it can be true."""
    checks = (_orders, _top_ups, _statuses, _cancels, _files, _balances)
    return [fault for check in checks for fault in check(ops, end)]


def _orders(ops: Sequence[Op], end: End) -> Iterator[str]:
    """What was acknowledged is there once and has ended; what is unknown is there at most once; what was refused is not there."""
    sent = _by_key(ops, "order")
    for key, orders in end.orders.items():
        if key not in sent:
            yield f"Order {key} is there, but nobody ordered it."
        if len(orders) > 1:
            yield f"Order {key} is there {len(orders)} times."
        if all(op.end == "fail" for op in sent.get(key, [])) and key in sent:
            yield f"Order {key} is there, but was refused."
    for key, tries in sent.items():
        told = {op.got["id"] for op in tries if op.ok}
        found = {order.id: order.status for order in end.orders.get(key, ())}
        if not told <= set(found):
            yield f"Order {key} was acknowledged as {', '.join(sorted(told))} and is not there."
        for pk, status in found.items():
            if status not in FINAL:
                yield f"Order {key} ({pk}) never ended: it is {status}."
    known = {op.got["id"]: op.ended for op in ops if op.kind == "order" and op.ok}
    for op in ops:
        if op.kind in ("read", "cancel") and op.got.get("code") == 404 and op.began > known.get(op.of, math.inf):
            yield f"Order {op.of} was acknowledged, and then could not be found at {op.began:.3f}."


def _top_ups(ops: Sequence[Op], end: End) -> Iterator[str]:
    """What was acknowledged counts once, what is unknown at most once, what was refused not at all."""
    for key, tries in _by_key(ops, "top up").items():
        done = len(end.grants.get(key, ()))
        least, most = any(op.ok for op in tries), any(op.end != "fail" for op in tries)
        if not least <= done <= most:
            yield f"Top-up {key} ({', '.join(op.end for op in tries)}) counts {done} times."


def _statuses(ops: Sequence[Op], end: End) -> Iterator[str]:
    """Nothing ever goes back, and what has ended stays as it ended."""
    looks = _looks(ops)
    for order in itertools.chain.from_iterable(end.orders.values()):
        for pk, status in [(order.id, order.status), *((pk, status) for pk, (status, _) in order.pictures.items())]:
            looks[pk].append((math.inf, math.inf, status))
    for pk, seen in looks.items():
        for (_, before, first), (after, _, then) in itertools.permutations(seen, 2):
            if before < after and ((first in FINAL and then != first) or _rank(then) < _rank(first)):
                yield f"{pk} was {first} at {before:.3f} and {then} at {after:.3f}."


def _cancels(ops: Sequence[Op], end: End) -> Iterator[str]:
    """An acknowledged cancel has ended the order, and of an order that is cancelled nothing becomes ready any more."""
    last = {order.id: order for orders in end.orders.values() for order in orders}
    for cancel in (op for op in ops if op.kind == "cancel" and op.ok):
        status = cancel.seen.get(cancel.of)
        if status not in FINAL:
            yield f"The cancel of {cancel.of} was acknowledged at {cancel.ended:.3f}, but the order was {status}."
        if status != "cancelled":
            continue
        later = [op.seen for op in ops if op.of == cancel.of and op.ok and op.began > cancel.ended]
        if order := last.get(cancel.of):
            later.append({order.id: order.status, **{pk: told for pk, (told, _) in order.pictures.items()}})
        for pk in {pk for seen in [cancel.seen, *later] for pk, told in seen.items() if told in READY}:
            yield f"{pk} is ready, but its order {cancel.of} was cancelled at {cancel.ended:.3f}."


def _files(ops: Sequence[Op], end: End) -> Iterator[str]:
    """The same file each time, and the one that the row names."""
    got: dict[str, set[str]] = defaultdict(set)
    for op in ops:
        if op.kind == "download" and op.ok:
            got[op.of].add(op.got["sha256"])
    for ad, hashes in got.items():
        if len(hashes) > 1:
            yield f"Ad {ad} was downloaded with {len(hashes)} different contents."
        if ad in end.files and end.files[ad] not in hashes:
            yield f"Ad {ad} was downloaded with other contents than its row names."


class Books(NamedTuple):
    """All that ever came in, was held, was spent and was given back. None of it ever gets less."""

    given: int
    held: int
    spent: int
    back: int

    def may_follow(self, other: Books) -> bool:
        """Whether the books can look like this after they looked like the other."""
        return all(now >= before for now, before in zip(self, other, strict=True))


class Move(NamedTuple):
    """Credits that moved at some time between `low` and `high`."""

    credits: int
    low: float
    high: float


def _balances(ops: Sequence[Op], end: End) -> Iterator[str]:
    """Each balance is a sum of what had surely happened and some of what may have happened; and later ones build on earlier ones."""
    moves = _moves(ops, end)
    reads = sorted((op for op in ops if op.kind == "balance" and op.ok), key=lambda op: op.ended)
    before: list[tuple[Op, set[Books]]] = []
    for read in reads:
        found = _possible(read, moves)
        done = [(op, books) for op, books in before if op.ended < read.began]
        # The newest of those that ended before this one began: whatever came before them, they build on already.
        newest = max((op.began for op, _ in done), default=0.0)
        for books in (books for op, books in done if op.ended >= newest):
            found = {each for each in found if any(each.may_follow(one) for one in books)}
        if found:
            before.append((read, found))
        else:
            yield f"A balance of {read.got['available']} and {read.got['held']} held at {read.ended:.3f} cannot be."


def _possible(read: Op, moves: Mapping[str, Sequence[Move]]) -> set[Books]:
    """All books that this balance may have been read from, by its own time alone."""
    sums = {kind: _sums(some, read) for kind, some in moves.items()}
    available, held = read.got["available"], read.got["held"]
    found = set()
    for given, laid in itertools.product(sums["given"], sums["held"]):
        books = Books(given, laid, spent=given - available - held, back=available - given + laid)
        if books.spent in sums["spent"] and books.back in sums["back"]:
            found.add(books)
    return found


def _sums(moves: Sequence[Move], read: Op) -> set[int]:
    sums = {sum(move.credits for move in moves if move.high < read.began)}
    for move in moves:
        if move.low < read.ended and move.high >= read.began:
            sums |= {each + move.credits for each in sums}
    return sums


def _moves(ops: Sequence[Op], end: End) -> dict[str, list[Move]]:
    """When credits may have moved, by what the clients saw; whether they moved at all, by what is there at the end."""
    moves: dict[str, list[Move]] = {"given": [], "held": [], "spent": [], "back": []}
    asked = _by_key(ops, "top up")
    for key, grants in end.grants.items():
        # What none of the clients asked for was there before them.
        moves["given"] += [Move(credits, *(_window(asked[key]) if key in asked else (-math.inf, -math.inf))) for credits in grants]
    looks = _looks(ops)
    for key, tries in _by_key(ops, "order").items():
        for order in end.orders.get(key, ()):
            low, high = _window(tries)
            moves["held"].append(Move(sum(credits for _, credits in order.pictures.values()), low, high))
            for pk, (status, credits) in order.pictures.items():
                begun = [began for began, _, seen in looks[pk] if seen not in FINAL]
                over = [ended for _, ended, seen in looks[pk] if seen in FINAL]
                move = Move(credits, max([low, *begun]), min([math.inf, *over]))
                moves["spent" if status == "ready" else "back"].append(move)
    return moves


def _window(tries: Sequence[Op]) -> tuple[float, float]:
    return min(op.began for op in tries), min((op.ended for op in tries if op.ok), default=math.inf)


def _by_key(ops: Sequence[Op], kind: str) -> dict[str, list[Op]]:
    found: dict[str, list[Op]] = defaultdict(list)
    for op in ops:
        if op.kind == kind:
            found[op.of].append(op)
    return found


def _looks(ops: Sequence[Op]) -> dict[str, list[tuple[float, float, str]]]:
    """For each order, picture and ad: between when and when it was seen, and as what."""
    looks: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for op in ops:
        if op.ok:
            for pk, status in op.seen.items():
                looks[pk].append((op.began, op.ended, status))
    return looks


def _rank(status: str) -> int:
    return RANKS.get(status, 3)


# --- the clients


class Shared:
    """The history, and what the clients tell each other."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.orders: list[str] = []
        self.ads: list[str] = []
        self.over = threading.Event()
        self.lock = threading.Lock()

    def add(self, op: Op) -> None:
        with self.lock:
            self.ops.append(op)
            if op.kind == "order" and op.ok and op.got["id"] not in self.orders:
                self.orders.append(op.got["id"])
            self.ads += [pk for pk in op.got.get("ready", ()) if pk not in self.ads]

    def one_of(self, what: list[str], dice: random.Random) -> str | None:
        """Rather a new one: that is where things happen."""
        with self.lock:
            return dice.choice(what[-12:]) if what else None


class Client:
    """A person with a phone, who asks again when the line was cut; and with the staff's password for the credits."""

    def __init__(self, number: int, stack: Stack, shared: Shared, staff: Staff, seed: int) -> None:
        self.number, self.stack, self.shared, self.staff = number, stack, shared, staff
        self.dice = random.Random(f"{seed}-{number}")
        self.token: dict[str, str] = {}
        self.cut: list[tuple[str, str, dict[str, Any]]] = []  # orders and top-ups of which nobody knows whether they happened

    def live(self) -> None:
        """Do one thing after another until it is over."""
        while not self.shared.over.is_set():
            self.do(self.dice.choices(list(HABITS), list(HABITS.values()))[0])
            self.shared.over.wait(self.dice.uniform(0.2, 0.8))

    def do(self, kind: str) -> None:
        """One thing, if there is something to do it with."""
        if kind in ("order", "top up") and self.cut and self.dice.random() < 0.6:
            kind, key, told = self.cut.pop()
            self.order(key, told) if kind == "order" else self.top_up(key, told)
        elif kind == "order":
            self.order(uuid.uuid4().hex, self.body())
        elif kind == "top up":
            self.top_up(str(uuid.uuid4()), {"credits": self.dice.randint(1, 9)})
        elif kind == "balance":
            self.balance()
        elif kind == "download":
            if ad := self.shared.one_of(self.shared.ads, self.dice):
                self.download(ad)
        elif order := self.shared.one_of(self.shared.orders, self.dice):
            self.look(order, kind)

    def patience(self) -> float:
        """How long an answer is waited for. Some hang up at once, and then nobody knows what was done."""
        return self.dice.uniform(*IMPATIENT) if self.shared.orders and self.dice.random() < 1 / 6 else HTTP_SECONDS

    def body(self) -> dict[str, Any]:
        """An order: most are painted in a moment, some as always, some not at all."""
        first = self.dice.choice([QUICK, QUICK, QUICK, QUICK, FAILS, 1000])
        return self.stack.order_body(seed=first + self.dice.randrange(500), variations=self.dice.randint(1, 3))

    def order(self, key: str, body: dict[str, Any]) -> Op:
        told = {**body, "client_ref": key}
        op = self.op("order", key, "POST", "generations", json=told, headers={"Idempotency-Key": key}, timeout=self.patience())
        if op.end == "unknown":
            self.cut.append(("order", key, body))
        return op

    def top_up(self, key: str, told: dict[str, Any]) -> Op:
        began = time.monotonic()
        op = Op(self.number, "top up", key, began, *self.staff.give(key, told["credits"], self.patience()), told=told)
        self.shared.add(op)
        if op.end == "unknown":
            self.cut.append(("top up", key, told))
        return op

    def look(self, order: str, kind: str = "read") -> Op:
        """Read an order, or cancel it: both answer with all that is there of it."""
        if kind == "cancel":
            return self.op(kind, order, "POST", f"generations/{order}/cancel", timeout=self.patience())
        return self.op(kind, order, "GET", f"generations/{order}")

    def download(self, ad: str) -> Op:
        return self.op("download", ad, "GET", f"ads/{ad}/file")

    def balance(self) -> Op:
        return self.op("balance", "credits", "GET", "me/credits")

    def op(self, kind: str, of: str, method: str, path: str, **what: Any) -> Op:
        began = time.monotonic()
        end, answer = self._ask(method, path, **what)
        seen: dict[str, str] = {}
        got: dict[str, Any] = {"code": answer.status_code} if answer is not None else {}
        if end == "ok" and answer is not None:
            seen, more = _read(kind, answer)
            got |= more
        op = Op(self.number, kind, of, began, time.monotonic(), end, seen=seen, got=got)
        self.shared.add(op)
        return op

    def sign_in(self) -> None:
        who = json.loads((self.stack.data / "first-sign-in.json").read_text())["marketer"]
        answer = requests.post(f"{self.stack.url}/api/v1/auth/token", json=who, timeout=HTTP_SECONDS)
        answer.raise_for_status()
        self.token = {"Authorization": f"Bearer {answer.json()['access']}"}

    def _ask(self, method: str, path: str, **what: Any) -> tuple[str, requests.Response | None]:
        """What became of a request, and the answer when there is one."""
        headers = what.pop("headers", {})
        for _ in range(2):
            if not self.token:
                try:
                    self.sign_in()
                except requests.RequestException:
                    return "fail", None  # the request itself was never made
            how = {"headers": {**self.token, **headers}, "timeout": HTTP_SECONDS, **what}
            end, answer = _sent(lambda how=how: requests.request(method, f"{self.stack.url}/api/v1/{path}", **how))  # type: ignore[misc]
            if answer is None or answer.status_code != 401:
                return end, answer
            self.token = {}
        return "fail", None


class Staff:
    """Sam's browser: signed in to admin once, it gives credits by the form."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        session = requests.Session()
        page = f"{stack.url}/admin/login/"
        session.get(page, timeout=30)
        who = json.loads((stack.data / "first-sign-in.json").read_text())["staff"]
        form = {"username": who["email"], "password": who["password"], "csrfmiddlewaretoken": session.cookies["adsgem-csrf"]}
        answer = session.post(page, data=form, headers={"Referer": page}, timeout=30, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        self.cookies = session.cookies.get_dict()
        ((self.brand,),) = stack.rows("SELECT id FROM accounts_brand")

    def give(self, key: str, credits: int, seconds: float) -> tuple[float, str]:
        """Give the brand credits. When that ended, and how."""
        page = f"{self.stack.url}/admin/accounts/brand/{uuid.UUID(str(self.brand))}/credits/"
        form = {"kind": "grant", "credits": credits, "reason": "Top-up", "key": key, "csrfmiddlewaretoken": self.cookies["adsgem-csrf"]}
        how: dict[str, Any] = {"cookies": self.cookies, "headers": {"Referer": page}, "timeout": seconds, "allow_redirects": False}
        end, answer = _sent(lambda: requests.post(page, data=form, **how))
        done = answer is not None and answer.headers.get("Location", "").endswith("/statement/")
        return time.monotonic(), "fail" if end == "ok" and not done else end


def _sent(send: Callable[[], requests.Response]) -> tuple[str, requests.Response | None]:
    """How a request ended. An error of the server says nothing of what was done; a line that was never there says all."""
    try:
        answer = send()
    except requests.ConnectionError as error:
        reason = getattr(error.args[0], "reason", None) if error.args else None
        return "fail" if isinstance(reason, NewConnectionError) else "unknown", None
    except requests.RequestException:
        return "unknown", None
    return "unknown" if answer.status_code >= 500 else "fail" if answer.status_code >= 400 else "ok", answer


def _read(kind: str, answer: requests.Response) -> tuple[dict[str, str], dict[str, Any]]:
    """What an answer shows: statuses by id, and what else is worth writing down."""
    if kind == "download":
        return {}, {"sha256": hashlib.sha256(answer.content).hexdigest()}
    told = answer.json()
    if kind == "balance":
        return {}, {name: told["results"][0][name] for name in ("available", "held")}
    rows = [told, *told["pictures"], *told["ads"]]
    ready = [ad["id"] for ad in told["ads"] if ad["status"] == "ready"]
    return {row["id"]: row["status"] for row in rows}, {"id": told["id"], "ready": ready}


# --- the nemesis


class Nemesis:
    """Every three seconds something terrible. Each kind comes before any comes again; the seed decides in which order.

    Where a process takes longer than that to start, the nemesis takes its time too: a web process that is killed before
    it ever answers proves nothing.
    """

    def __init__(self, stack: Stack, seed: int, every: float = NEMESIS_EVERY) -> None:
        self.stack, self.dice, self.every = stack, random.Random(f"{seed}-nemesis"), every
        self.done: list[str] = []
        self.bag: list[Callable[[], None]] = []
        self.later: list[tuple[float, Callable[[], None]]] = []

    @property
    def kinds(self) -> list[Callable[[], None]]:
        everywhere = [self.kill_worker, self.freeze_worker, self.kill_web, self.kill_sweep, self.flush_broker, self.second_sweep]
        return [*everywhere, self.cut_database] if self.stack.back_end == "postgres" else everywhere

    def rage(self, seconds: float) -> None:
        """For so long, and until each kind has come once."""
        began = time.monotonic()
        seconds = max(seconds, (len(self.kinds) + 1) * self.every)
        for number in itertools.count(1):
            while time.monotonic() < began + min(seconds, number * self.every):
                time.sleep(0.1)
                self.catch_up(time.monotonic())
            if number * self.every >= seconds:
                return
            if not self.bag:
                self.bag = self.dice.sample(self.kinds, len(self.kinds))
            harm = self.bag.pop()
            self.done.append(harm.__name__)
            harm()

    def heal(self) -> None:
        """Everything runs again."""
        self.catch_up(math.inf)
        until(lambda: self.stack.answers("/health/live"), "The web process answers again")

    def catch_up(self, now: float) -> None:
        due = [undo for at, undo in self.later if at <= now]
        self.later = [(at, undo) for at, undo in self.later if at > now]
        for undo in due:
            undo()

    def a_worker(self) -> str:
        return self.dice.choice(["worker-a", "worker-b"])

    def kill_worker(self) -> None:
        self.stack.kill(self.a_worker())

    def freeze_worker(self) -> None:
        process = self.stack.kept[self.a_worker()].process
        process.send_signal(signal.SIGSTOP)
        self.later.append((time.monotonic() + FROZEN, lambda: process.send_signal(signal.SIGCONT)))

    def kill_web(self) -> None:
        self.stack.kill("web")

    def kill_sweep(self) -> None:
        self.stack.kill("sweep")

    def flush_broker(self) -> None:
        if self.stack.back_end == "postgres":
            redis.Redis.from_url(self.stack.redis_url).flushdb()
        else:
            with contextlib.closing(sqlite3.connect(self.stack.data / "bell.sqlite3", timeout=20)) as bell, bell:
                bell.execute("DELETE FROM bell")

    def second_sweep(self) -> None:
        self.stack.start("sweep-b")
        self.later.append((time.monotonic() + SECOND_SWEEP, lambda: self.stack.stop("sweep-b")))

    def cut_database(self) -> None:
        self.stack.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


# --- the run

ONE_CREDIT = """
import django; django.setup()
from accounts.actions import publish_price
from accounts.models import Price
from finishing.shapes import SHAPES
publish_price(by=None, price=Price.objects.get(slug="builtin"), data={"credits": dict.fromkeys(SHAPES, 1)})
"""


def run(stack: Stack, seconds: float, seed: int) -> tuple[list[Op], End, list[str]]:
    """Let clients and nemesis loose on an installation. Gives the history, how it all ended, and what the nemesis did."""
    subprocess.run([sys.executable, "-c", ONE_CREDIT], cwd=ROOT, env=stack.environment(), check=True, timeout=60)
    began = time.monotonic()
    stack.start("web", "worker-a", "worker-b", "sweep")
    every = max(NEMESIS_EVERY, 2 * (time.monotonic() - began))
    shared, staff, nemesis = Shared(), Staff(stack), Nemesis(stack, seed, every)
    stack.template()  # asked now, while somebody answers
    clients = [Client(number, stack, shared, staff, seed) for number in range(CLIENTS)]
    key = str(uuid.uuid4())
    until(lambda: clients[0].top_up(key, {"credits": FIRST_CREDITS}).ok, "The first top-up")
    threads = [threading.Thread(target=client.live, name=f"client-{client.number}") for client in clients]
    for thread in threads:
        thread.start()
    try:
        nemesis.rage(seconds)
        nemesis.heal()
    finally:
        shared.over.set()
        for thread in threads:
            thread.join()
    _quiet(stack)
    _look_at_all(Client(CLIENTS, stack, shared, staff, seed), shared)
    return shared.ops, _end(stack), nemesis.done


def _quiet(stack: Stack) -> None:
    """Until nothing is open, twice in a row: an order whose client hung up may still be on its way."""
    still = " WHERE status NOT IN ('{}')".format("', '".join(FINAL))
    for _ in range(2):
        until(lambda: stack.rows(f"SELECT count(*) FROM generations_generation{still}") == [(0,)], "Quiet", seconds=PATIENCE, every=0.5)
        time.sleep(1)


def _look_at_all(client: Client, shared: Shared) -> None:
    """One last look at everything, however long it takes: calls are counted, too many a minute are refused."""
    for order in list(shared.orders):
        until(lambda order=order: client.look(order).ok, f"A look at order {order}", every=2)  # type: ignore[misc]
    for ad in list(shared.ads):
        until(lambda ad=ad: client.download(ad).ok, f"A download of ad {ad}", every=2)  # type: ignore[misc]
    until(lambda: client.balance().ok, "A look at the balance", every=2)


def _end(stack: Stack) -> End:
    pictures: dict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
    for order, pk, status, credits in stack.rows("SELECT generation_id, id, status, credits FROM generations_picture"):
        pictures[_id(order)][_id(pk)] = status, credits
    orders: dict[str, list[Order]] = defaultdict(list)
    for pk, key, status in stack.rows("SELECT id, client_ref, status FROM generations_generation"):
        orders[key].append(Order(_id(pk), status, pictures[_id(pk)]))
    grants: dict[str, list[int]] = defaultdict(list)
    for key, credits in stack.rows("SELECT key, credits FROM accounts_transfer WHERE kind = 'grant'"):
        grants[key.removeprefix("staff:")].append(credits)
    files = {_id(pk): str(file) for pk, file in stack.rows("SELECT id, file_id FROM generations_ad WHERE status = 'ready'")}
    return End(orders, grants, files)


def _id(pk: Any) -> str:
    """As the API writes it; SQLite keeps it without dashes."""
    return str(uuid.UUID(str(pk)))


def save(ops: Sequence[Op], path: Path) -> None:
    """Write a history down, one operation a line, to be looked at."""
    path.write_text("\n".join(json.dumps(asdict(op)) for op in ops) + "\n")
