"""What happens, told while it happens: one look at the database every half second serves everybody who waits in this process.

Whoever waits is a listener with a wake-up call; nobody of them asks the database while nothing happens. A stream of server-sent events
(`frames`) tells a person's events in order, with their numbers as ids, so that a browser goes on where it was cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Sum
from django.http import HttpRequest, StreamingHttpResponse

from accounts.models import Brand, Membership, User
from generations.models import Event, Generation, Picture
from generations.queries import OPEN_GENERATIONS

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5  # seconds
HEARTBEAT = 15.0  # seconds between signs of life, at which it is also asked anew whether this person may still look
LIFE = 300.0  # seconds; a browser comes again by itself, with the number of the last event it saw
EVENTS_AT_ONCE = 200
STREAMS_AT_MOST = 6  # of one person in one process: a browser has no more of them to a host than that
WAITERS_AT_MOST = 8  # long polls in one process: each holds a thread
RECONNECT_MS = 2000

Token = tuple[int, float]


class TooMany(Exception):
    """This person has too many streams open already."""


@dataclass(frozen=True)
class Subject:
    """What somebody looks at: one order, or all of a brand."""

    person: UUID
    epoch: int
    brand: UUID
    generation: UUID | None = None

    def allowed(self) -> bool:
        """Whether this person may look at it now: signed in as before, in the brand, and it is there."""
        there = Brand.objects.filter(pk=self.brand, deleted_at=None)
        if self.generation:
            there = there.filter(generations__pk=self.generation, generations__deleted_at=None)
        here = User.objects.filter(pk=self.person, is_active=True, sign_in_epoch=self.epoch)
        return there.exists() and here.exists() and Membership.objects.filter(user=self.person, brand=self.brand).exists()


class _Listener:
    """Somebody who waits, and the state of things that they know."""

    def __init__(self, brand: UUID, generation: UUID | None, wake: Callable[[], None], seen: Token | None) -> None:
        self.brand, self.generation, self.wake, self.seen = brand, generation, wake, seen


class _Watcher:
    """Looks at the database for all who wait in this process, from a thread that is there only while somebody does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.listeners: set[_Listener] = set()
        self.running = False

    @contextmanager
    def listening(self, listener: _Listener) -> Iterator[None]:
        """Wake this listener whenever something changes, until the block ends."""
        with self.lock:
            self.listeners.add(listener)
            if not self.running:
                self.running = True
                threading.Thread(target=self._look, daemon=True, name="events").start()
        try:
            yield
        finally:
            with self.lock:
                self.listeners.discard(listener)

    def _look(self) -> None:
        while True:
            with self.lock:
                waiting = list(self.listeners)
                if not waiting:
                    self.running = False
                    break
            try:
                close_old_connections()
                tokens = tokens_of({each.brand for each in waiting}, {each.generation for each in waiting if each.generation})
                for each in waiting:
                    token = tokens.get(each.generation or each.brand)
                    if token is not None and token != each.seen:
                        each.seen = token
                        each.wake()
            except DatabaseError:
                log.warning("It could not be seen whether something happened.", exc_info=True)
                connection.close()
            time.sleep(LOOK_EVERY)
        connection.close()


_watcher = _Watcher()
_reads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="stream")
_open: Counter[UUID] = Counter()
_waiters = threading.BoundedSemaphore(WAITERS_AT_MOST)


def tokens_of(brands: set[UUID], generations: set[UUID]) -> dict[UUID, Token]:
    """How things stand, by the id of a brand or an order: the number of the newest event, and how far the painting is. Two statements."""
    seqs = dict(Brand.objects.filter(pk__in=brands).order_by().values_list("pk", "event_seq"))
    found: dict[UUID, Token] = {pk: (seq, 0.0) for pk, seq in seqs.items()}
    if generations:
        painted = Generation.objects.filter(pk__in=generations).order_by().values("pk", "brand").annotate(done=Sum("pictures__progress"))
        found |= {row["pk"]: (seqs.get(row["brand"], 0), round(row["done"] or 0.0, 2)) for row in painted}
    return found


def token_of(generation: Generation) -> Token:
    """How things stand with one order, for `wait_for_change`."""
    return tokens_of({generation.brand_id}, {generation.pk}).get(generation.pk, (0, 0.0))


def wait_for_change(generation: Generation, seen: Token, seconds: float) -> bool:
    """Wait until something of this order, or of its brand, is other than in `seen`. False when nothing was, or too many wait already."""
    if not _waiters.acquire(blocking=False):
        return False
    try:
        _let_go()  # for somebody else in the meantime
        changed = threading.Event()
        with _watcher.listening(_Listener(generation.brand_id, generation.pk, changed.set, seen)):
            return changed.wait(seconds)
    finally:
        _waiters.release()


def response_of(request: HttpRequest, subject: Subject, *, after: int) -> StreamingHttpResponse | None:
    """A stream of what happens from the event after this number on; None where this server has none. Raises TooMany."""
    if not isinstance(request, ASGIRequest):
        return None  # it would hold a thread for every listener
    if _open[subject.person] >= STREAMS_AT_MOST:
        raise TooMany
    response = StreamingHttpResponse(frames(subject, after), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def frames(subject: Subject, after: int) -> AsyncIterator[bytes]:
    """The stream itself: events in order, progress, signs of life, and `end` when nothing more will come of an order."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the server has just stopped
            loop.call_soon_threadsafe(changed.set)

    listener = _Listener(subject.brand, subject.generation, wake, None)
    _open[subject.person] += 1
    ends, told = loop.time() + LIFE, None
    try:
        # In the thread of the request, and after everything that wrote on its way out, such as the session: the stream reads by
        # connections that all streams share, and must not keep one of its own for minutes.
        await sync_to_async(_let_go)()
        with _watcher.listening(listener):
            yield f"retry: {RECONNECT_MS}\n\n".encode()
            while loop.time() < ends:
                changed.clear()
                news = await loop.run_in_executor(_reads, _read, subject, after)
                if news is None:
                    yield _frame("end", {"reason": "closed"})
                    return
                for event in news.events:
                    after = event["seq"]
                    yield _frame(event["kind"], {**event, "object_id": str(event["object_id"])}, seq=after)
                if news.progress is not None and news.progress != told:
                    told = news.progress
                    yield _frame("progress", {"progress": told})
                if len(news.events) == EVENTS_AT_ONCE:
                    continue
                if news.over:
                    yield _frame("end", {"reason": "done"})
                    return
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await changed.wait()
                except TimeoutError:
                    yield b": still here\n\n"
    finally:
        _open[subject.person] -= 1
        if not _open[subject.person]:
            del _open[subject.person]


def _let_go() -> None:
    if not connection.in_atomic_block:
        connection.close()


@dataclass(frozen=True)
class _News:
    events: list[dict[str, Any]]
    progress: float | None
    over: bool


def _read(subject: Subject, after: int) -> _News | None:
    """What happened since; None when this person may not look any more."""
    close_old_connections()
    try:
        if not subject.allowed():
            return None
        # Whether it is over is asked first: an event between the two questions must still be told.
        order = Generation.objects.filter(pk=subject.generation).values("status", "brand_id").first() if subject.generation else None
        over = order is not None and order["status"] not in OPEN_GENERATIONS
        found = Event.objects.filter(brand=subject.brand, seq__gt=after).order_by("seq")
        if subject.generation:
            found = found.filter(generation=subject.generation)
        events: list[dict[str, Any]] = [
            dict(row) for row in found.values("seq", "kind", "object_id", "generation_id", "created_at")[:EVENTS_AT_ONCE]
        ]
        for event in events:
            event["generation"] = str(event.pop("generation_id") or "")
            event["created_at"] = event["created_at"].isoformat()
        return _News(events, _painted(subject.generation) if subject.generation else None, over)
    finally:
        if settings.DATABASES["default"].get("CONN_MAX_AGE", 0) == 0:
            connection.close()


def _painted(generation: UUID) -> float:
    progress = list(Picture.objects.filter(generation=generation).values_list("progress", flat=True))
    return round(sum(progress) / len(progress), 2) if progress else 0.0


def _frame(kind: str, data: Mapping[str, Any], *, seq: int | None = None) -> bytes:
    number = f"id: {seq}\n" if seq is not None else ""
    return f"{number}event: {kind}\ndata: {json.dumps(data)}\n\n".encode()
