"""Which server takes a picture: one that can, with a free seat, least used, with the model still warm. And what is known of each."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, Case, Count, F, PositiveIntegerField, Q, QuerySet, Value, When

from comfy.binding import Filled
from comfy.client import Client, Pace
from comfy.errors import ComfyError, ServerDown, ServerRefused, ServerSick
from comfy.graphs import FILE_INPUTS, known_nodes
from comfy.models import Server, ServerJob
from comfy.wire import Address
from keeping.claims import DbNow, after, db_now
from keeping.fetch import FetchRefused, judge
from keeping.secrets import SecretUnreadable

log = logging.getLogger(__name__)

# A server that fails three times within a minute is left alone for half a minute, then looked at by one worker (RELIABILITY: R-14).
FAILURES, WINDOW_SECONDS, OPEN_SECONDS, SICK_SECONDS = 3, 60, 30, 180
LOOK_EVERY = 300  # seconds after which what is known of a server is asked for again
LOOKING = 20  # seconds that one worker has for it
KEEP_FETCHED = 15 * 60  # seconds for which a fetched picture stays on its server, should ours be lost before it is kept
KEEP_LOST = 24 * 3600


class NoServer(Exception):
    """No server can take a picture now. `reasons` say why, by server, for staff; `why` is down, busy or cannot."""

    def __init__(self, why: str, reasons: Mapping[str, str]) -> None:
        self.why, self.reasons = why, reasons
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or "There is no ComfyUI server.")


class Superseded(Exception):
    """Another worker has taken this job meanwhile: stop, and drop what was made."""


@dataclass(frozen=True)
class Seat:
    """A place on a server that one job holds, with what the server calls the model files the job needs."""

    server: Server
    client: Client
    job_id: UUID
    holder: UUID
    number: int  # of the next time that it is sent
    spelling: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def keep(self) -> None:
        """Hold the seat for another while. Raises Superseded."""
        if not self._ours().update(held_until=after(held_seconds())):
            raise Superseded

    def count_post(self) -> None:
        """Write down that the job is about to be sent. Raises Superseded."""
        if not self._ours().update(posts=self.number, held_until=after(held_seconds())):
            raise Superseded

    def fault(self, error: ComfyError) -> None:
        """Write down what went wrong here, and give the seat back. Raises Superseded: what went wrong may be that somebody cancelled it."""
        job = self._ours().first()
        if job is None or not self._ours().update(faults=[*job.faults, [str(self.server.pk), error.code]], seat=None):
            raise Superseded

    def fetched(self) -> None:
        """The picture is here: the seat is free, and the server remembers the job a little longer, should ours be lost."""
        self._ours().update(seat=None, fetched_at=DbNow())

    def _ours(self) -> Any:
        return ServerJob.objects.filter(pk=self.job_id, holder=self.holder)


def held_seconds() -> float:
    """How long a seat is held without a sign of life: longer than the picture's own lease, so that its next worker finds it."""
    return float(settings.LEASE_SECONDS) * 3


# --- the servers


def adopt_from_settings(addresses: Iterable[str]) -> int:
    """Make a row for each address of the environment that has none yet, and look at it. They are trusted. Gives how many were made."""
    made = 0
    for address in addresses:
        plain = address.rstrip("/")
        _row, new = Server.objects.get_or_create(address=plain, defaults={"name": _free_name(plain), "allow_private": True})
        if new:
            made += 1
            look(_row)
    return made


def client_of(server: Server, *, pace: Pace | None = None) -> Client:
    """A client for a server. Raises ServerRefused when its address leads where no server of ours may be."""
    try:
        target = judge(server.address, ports=(_port(server.address),), allow_private=server.allow_private)
        token = server.token  # read only here: a token whose key is gone stops this server and no other
    except (FetchRefused, SecretUnreadable, ValueError) as error:
        raise ServerRefused(f"{server.name}: {error}") from error
    # Whose word is not trusted with our own network must not lead elsewhere after it was judged.
    ip = "" if server.allow_private else min((str(where[0]) for _family, where in target.found), key=lambda found: ":" in found)
    return Client(Address(server.address, token, ip), pace=pace or Pace(**getattr(settings, "COMFY_PACE", {})))


def look(server: Server) -> bool:
    """Ask a server what it is and has, and write that down; what goes wrong counts for its breaker. True when it answered as it should."""
    Server.objects.filter(pk=server.pk).update(looked_at=DbNow())
    try:
        client = client_of(server)
        stats, nodes = client.stats(), client.nodes()
    except ComfyError as error:
        failed(server, error)
        return False
    devices = stats.get("devices") or [{}]
    Server.objects.filter(pk=server.pk).update(
        version=str(stats["system"].get("comfyui_version", ""))[:40],
        vram=int(devices[0].get("vram_total") or 0),
        classes=sorted(nodes),
        files=_files(nodes),
        last_seen=DbNow(),
        last_error="",
        failures=0,
        first_failure=0,
        open_until=0,
    )
    _refresh(server)
    return True


def look_around() -> int:
    """Look at every enabled server whose look is due: never seen, seen long ago, or left in peace long enough. Gives how many answered."""
    now = db_now()
    return sum(_look_if_due(server, now) for server in Server.objects.filter(enabled=True).defer("token"))


def working() -> QuerySet[Server]:
    """The servers that are enabled and work, as far as is known. Asks nobody."""
    return Server.objects.filter(enabled=True, open_until=0, last_seen__gt=0).defer("token")


def failed(server: Server, error: ComfyError) -> None:
    """It did not work: note it, and open the breaker at the third failure within a minute, when it was open, or when the server is sick."""
    sick = isinstance(error, ServerSick)
    recent = Q(first_failure__gt=DbNow() - Value(WINDOW_SECONDS * 1000))
    seconds = SICK_SECONDS if sick else OPEN_SECONDS
    opens = Q(pk=server.pk) if sick else Q(open_until__gt=0) | (recent & Q(failures__gte=FAILURES - 1))
    log.warning("ComfyUI server %s: %s", server.name, error)
    Server.objects.filter(pk=server.pk).update(
        failures=Case(When(recent, then=F("failures") + 1), default=Value(1), output_field=PositiveIntegerField()),
        first_failure=Case(When(recent, then=F("first_failure")), default=DbNow(), output_field=BigIntegerField()),
        open_until=Case(When(opens, then=after(seconds)), default=Value(0), output_field=BigIntegerField()),
        last_error=str(error)[:400],
    )


def worked(server: Server, warm: str) -> None:
    """It painted: close its breaker, and remember which model it has loaded."""
    fields = {"warm": warm[:200], "last_seen": DbNow(), "failures": 0, "first_failure": 0, "open_until": 0, "last_error": ""}
    Server.objects.filter(pk=server.pk).update(**fields)


# --- choosing


def take_seat(
    needs: Filled,
    job_id: UUID,
    holder: UUID,
    *,
    family: str = "",
    avoid: Collection[str] = (),
    unable: Collection[str] = (),
    away: Collection[str] = (),
) -> Seat:
    """A seat for a job on the server that suits it best. Raises NoServer.

    In three steps: those that can (enabled, healthy, for this family of models, with the nodes and files), the least used for its weight
    first, then the one whose model is warm. Servers in `avoid` failed at this job before: they are asked only when no other can. Those in `unable` cannot do it, as was seen, and
    those in `away` did not answer just now: they are not asked.
    """
    now = db_now()
    can: list[tuple[Server, Mapping[tuple[str, str], str]]] = []
    reasons: dict[str, str] = {}
    missing = busy = 0
    for server in _enabled_with_use():
        if str(server.pk) in unable:
            reasons[server.name] = "could not paint it"
            missing += 1
        elif str(server.pk) in away:
            reasons[server.name] = "does not answer"
        elif not _answers(server, now):
            reasons[server.name] = f"does not work: {server.last_error or 'it was never seen'}"
        elif (lacking := lacks(server, needs, family)) is not None:
            reasons[server.name] = lacking
            missing += 1
        else:
            can.append((server, _spelling(server, needs)))
    warm = main_file(needs)
    for server, spelling in sorted(can, key=lambda one: _preference(one[0], warm, avoid)):
        try:
            client = client_of(server)
        except ServerDown as error:
            failed(server, error)
            reasons[server.name] = str(error)
            continue
        if _sit_down(server, job_id, holder):
            sent = ServerJob.objects.values_list("posts", flat=True).get(pk=job_id)
            return Seat(server, client, job_id, holder, sent + 1, spelling)
        busy += 1
        reasons[server.name] = "all its seats are taken"
    down = len(reasons) - missing - busy
    raise NoServer("busy" if busy else "cannot" if missing and not down else "down", reasons)


def seat_of(job_id: UUID, holder: UUID) -> tuple[Seat, ServerJob] | None:
    """The seat of a job that was begun before, now ours; None when there is none. Raises ServerRefused."""
    if not ServerJob.objects.filter(pk=job_id).update(holder=holder, held_until=after(held_seconds())):
        return None
    job = ServerJob.objects.select_related("server").defer("server__token").get(pk=job_id)
    return Seat(job.server, client_of(job.server), job_id, holder, job.posts + 1), job


def main_file(needs: Filled) -> str:
    """The large model file of a job, whose loading takes longest; empty when it needs none."""
    return next((file for name, file in needs.files if name in ("ckpt_name", "unet_name")), "")


def tidy(server: Server, client: Client) -> None:
    """Let the server forget jobs whose pictures have long been kept, and drop rows of jobs that nobody asks for any more."""
    now = db_now()
    old = Q(fetched_at__gt=0, fetched_at__lt=now - KEEP_FETCHED * 1000) | Q(held_until__lt=now - KEEP_LOST * 1000)
    for job in ServerJob.objects.filter(old, server=server)[:50]:
        try:
            client.forget(job.pk)
        except ServerDown:
            return
        job.delete()


def _enabled_with_use() -> list[Server]:
    taken = Count("jobs", filter=Q(jobs__seat__isnull=False, jobs__held_until__gte=DbNow()))
    return list(Server.objects.filter(enabled=True).annotate(used=taken).defer("token").order_by("name"))


def _answers(server: Server, now: int) -> bool:
    """Whether a server may be asked now; looks at it first where that is due."""
    if server.open_until > now:
        return False
    if _look_if_due(server, now):
        return True
    return bool(server.last_seen) and server.open_until == 0


def _look_if_due(server: Server, now: int) -> bool:
    """Look at a server that needs it, if nobody else does at this moment. True when it was looked at and answered."""
    unknown = server.open_until > 0 or not server.last_seen
    if server.open_until > now or (not unknown and now - server.looked_at < LOOK_EVERY * 1000):
        return False
    due = Server.objects.filter(
        pk=server.pk, looked_at=server.looked_at, looked_at__lt=DbNow() - Value((LOOKING if server.looked_at else 0) * 1000)
    )
    if not due.update(looked_at=DbNow()):
        return False
    answered = look(server)
    if not answered:
        _refresh(server)
    return answered


def _refresh(server: Server) -> None:
    """What is known of a server now, but for its token."""
    server.refresh_from_db(fields=[field.attname for field in Server._meta.concrete_fields if field.name != "token"])


def lacks(server: Server, needs: Filled, family: str = "") -> str | None:
    """What a server has not that a job needs, by what was last seen there, as words for staff that follow its name. None: it can."""
    if family and server.families and family.partition("-")[0] not in server.families:
        return f"is not meant for {family}"
    nodes = sorted(needs.classes - set(server.classes))
    if nodes:
        return f"has no node {nodes[0]}"
    for name, file in needs.files:
        found = spellings(server.files.get(name, ()), file)
        if len(found) != 1:
            return f"has no file '{file}'" if not found else f"has several files that could be '{file}': {', '.join(found)}"
    return None


def spellings(files: Iterable[str], asked: str) -> list[str]:
    """The names under which a server may have a file: exactly so, else with other slashes and letters, else in another folder."""
    files = list(files)
    if asked in files:
        return [asked]
    same = [file for file in files if _plain(file) == _plain(asked)]
    return same or [file for file in files if _plain(file).rpartition("/")[2] == _plain(asked).rpartition("/")[2]]


def _plain(file: str) -> str:
    return file.replace("\\", "/").casefold()


def _spelling(server: Server, needs: Filled) -> dict[tuple[str, str], str]:
    return {(name, file): spellings(server.files[name], file)[0] for name, file in needs.files}


def _preference(server: Server, warm: str, avoid: Collection[str]) -> tuple[Any, ...]:
    return (
        str(server.pk) in avoid,
        getattr(server, "used", 0) / server.weight,
        bool(warm) and server.warm != warm,
        -server.weight,
        server.name,
    )


def _sit_down(server: Server, job_id: UUID, holder: UUID) -> bool:
    """Take the first free seat. The database's constraint gives each to one job, whoever asks at the same time."""
    for number in range(server.slots):
        left = ServerJob.objects.filter(server=server, seat=number).exclude(pk=job_id)
        left.filter(held_until__lt=DbNow()).update(seat=None)
        if left.exists():
            continue
        fields = {"server": server, "seat": number, "holder": holder, "held_until": after(held_seconds()), "fetched_at": 0}
        try:
            with transaction.atomic():
                if not ServerJob.objects.filter(pk=job_id).update(**fields):
                    ServerJob.objects.create(pk=job_id, **fields)
        except IntegrityError:
            continue  # somebody was quicker
        return True
    return False


def _files(nodes: Mapping[str, Any]) -> dict[str, list[str]]:
    """The model files of a server, by the input that takes them. A choice list has two spellings: a plain list, and COMBO with options."""
    found: dict[str, set[str]] = {}
    for kind in known_nodes().keys() & nodes.keys():  # other nodes call other things by these names
        for name, spec in ((nodes[kind].get("input") or {}).get("required") or {}).items():
            if name in FILE_INPUTS and isinstance(spec, list) and spec:
                options = spec[0] if isinstance(spec[0], list) else spec[1].get("options") if len(spec) > 1 else None
                found.setdefault(name, set()).update(str(option) for option in options or ())
    return {name: sorted(files) for name, files in sorted(found.items())}


def _free_name(address: str) -> str:
    host = urlsplit(address).netloc or address
    taken = set(Server.objects.filter(name__startswith=host[:70]).values_list("name", flat=True))
    return next(name for name in _numbered(host[:70]) if name not in taken)


def _numbered(name: str) -> Iterable[str]:
    yield name
    yield from (f"{name} ({number})" for number in range(2, 1000))


def _port(address: str) -> int:
    parts = urlsplit(address)
    return parts.port or (443 if parts.scheme == "https" else 80)
