"""One job on one ComfyUI server: sent at most once, found again after any crash, fetched whole or not at all.

HTTP is the truth: `/queue`, then `/history/{id}`. The websocket only makes progress smooth and the end quick.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from PIL import Image

from comfy.errors import (
    BadPicture,
    BytesGone,
    ComfyError,
    Lost,
    NoOutput,
    Preempted,
    ServerDown,
    ServerRefused,
    ServerSick,
    SubmitUnknown,
    TimedOut,
    WorkflowInvalid,
    failure,
    refusal,
)
from comfy.results import checked
from comfy.watch import Ear, Hint, Meter, OnHint
from comfy.wire import CONNECT_SECONDS, READ_SECONDS, Address, Wire
from keeping.crashpoints import crashpoint

log = logging.getLogger(__name__)

ROOM = "adsgem"  # our folder on every server
# The first release that takes `/interrupt` with an id. Older ones ignore the id and stop whatever runs, also other people's work.
INTERRUPTS_BY_ID = (0, 3, 57)


@dataclass(frozen=True)
class Pace:
    """How often and how long to ask, in seconds. Tests hurry."""

    first: float = 0.5
    slowest: float = 5.0
    unknown_gap: float = 5.0  # between the two looks after which a job counts as lost
    grace: float = 45.0  # a server that restarts is waited for
    dead_worker: float = 20.0  # something waits and nothing runs for so long
    cancelling: float = 6.0
    connect: float = CONNECT_SECONDS
    read: float = READ_SECONDS


@dataclass(frozen=True)
class Job:
    """One filled graph to run. Its results lie under `adsgem/<id>/` on the server; `size` is what they must measure."""

    id: UUID
    graph: Mapping[str, Any]
    output_node: str
    size: tuple[int, int]
    samplers: tuple[str, ...] = ()
    may_be_flat: bool = False
    wait_seconds: float = 8 * 60
    run_seconds: float = 10 * 60

    @property
    def folder(self) -> str:
        """Where its results lie."""
        return f"{ROOM}/{self.id}"


@dataclass(frozen=True)
class Where:
    """Where a job stands on its server. `place` counts from 1 in the queue; `entry` is its history; `idle`: the server runs nothing."""

    state: Literal["waiting", "running", "done", "unknown"]
    place: int = 0
    idle: bool = False
    entry: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Made:
    """A picture that came back, and for how many seconds the server worked on it."""

    picture: Image.Image
    seconds: float


class Client:
    """Everything we ask of one server."""

    def __init__(self, address: Address, *, pace: Pace | None = None, hear: bool = True) -> None:
        self.pace = pace or Pace()
        self.address, self.hear = address, hear
        self.wire = Wire(address, timeouts=(self.pace.connect, self.pace.read))

    def stats(self) -> Mapping[str, Any]:
        """Version, memory and devices. Raises ServerDown."""
        told = self.wire.read("/system_stats")
        if not isinstance(told, dict) or not isinstance(told.get("system"), dict):
            raise ServerRefused(f"{self.address.url} is not ComfyUI.")
        return told

    def nodes(self) -> Mapping[str, Any]:
        """Every node class the server knows, with its inputs (`/object_info`). Raises ServerDown."""
        told: Mapping[str, Any] = self.wire.read("/object_info")
        return told

    def upload(self, data: bytes, sha256: str) -> str:
        """Put a PNG into our room, named by its hash, and give the name that graphs use. The same picture twice is one file."""
        return self.wire.upload(f"{sha256[:40]}.png", ROOM, data)

    def where(self, job_id: UUID) -> Where:
        """Look for a job: the queue first, then history, for in this order it cannot slip through. Raises ServerDown."""
        key = str(job_id)
        queue = self.wire.read("/queue")
        try:
            running = [item[1] for item in queue["queue_running"]]
            waiting = sorted((item[0], item[1]) for item in queue["queue_pending"])
        except (KeyError, TypeError, IndexError) as error:
            raise ServerRefused(f"{self.address.url} does not show its queue as ComfyUI does.") from error
        if key in running:
            return Where("running")
        places = [one for _number, one in waiting]
        if key in places:
            return Where("waiting", place=places.index(key) + 1, idle=not running)
        history = self.wire.read(f"/history/{key}")
        entry = history.get(key) if isinstance(history, dict) else None
        return Where("done", entry=entry) if isinstance(entry, dict) else Where("unknown", idle=not running)

    def find(self, job_id: UUID) -> Where:
        """Look for a job, and once more some seconds later before calling it unknown. Raises ServerDown."""
        here = self.where(job_id)
        if here.state == "unknown":
            time.sleep(self.pace.unknown_gap)
            self.stats()
            here = self.where(job_id)
        return here

    def run(self, job: Job, on_hint: OnHint, *, before_post: Callable[[], None]) -> Made:
        """Run a job to its picture, sending it only when the server does not have it. Raises ComfyError.

        `before_post` is called right before every POST: what it raises stops the job before anything is sent.
        """
        with Ear(self.address, str(job.id), wanted=self.hear) as ear:
            self._submit(job, ear.client_id, before_post)
            here = self._wait(job, ear, on_hint)
        return self._collect(job, here, on_hint)

    def follow(self, job: Job, on_hint: OnHint) -> Made:
        """Take up a job that was sent before, without sending it again. Raises Lost when the server does not have it, else ComfyError."""
        with Ear(self.address, str(job.id), wanted=False) as ear:
            here = self._wait(job, ear, on_hint)
        return self._collect(job, here, on_hint)

    def cancel(self, job_id: UUID) -> bool:
        """Stop a job, waiting or running, and nobody else's. True when the server has no open job of this id any more."""
        told = self.wire.optional("POST", f"/api/jobs/{job_id}/cancel")
        if isinstance(told, dict) and told.get("cancelled"):
            return True
        until = time.monotonic() + self.pace.cancelling
        while True:
            self.wire.write("/queue", {"delete": [str(job_id)]})
            here = self.where(job_id)
            if here.state in ("done", "unknown"):
                return True
            if here.state == "running":
                if not self._interrupts_by_id():
                    return False
                self.wire.write("/interrupt", {"prompt_id": str(job_id)})
            if time.monotonic() > until:
                return False
            time.sleep(0.2)

    def forget(self, job_id: UUID) -> None:
        """Drop a job's history on the server, so that nothing of it is kept in memory and its id may be sent anew."""
        self.wire.write("/history", {"delete": [str(job_id)]})

    def _submit(self, job: Job, client_id: str, before_post: Callable[[], None]) -> None:
        here = self.where(job.id)
        tries = 0
        while here.state == "unknown":
            if tries == 3:
                raise ServerDown(f"{self.address.url} takes no orders: three times it had nothing of what was sent.")
            tries += 1
            before_post()
            crashpoint("K8")
            try:
                self._post(job, client_id)
                return
            except SubmitUnknown as error:
                log.warning("%s Looking before it is sent again.", error)
                here = self.find(job.id)

    def _post(self, job: Job, client_id: str) -> None:
        response = self.wire.ask(
            "/prompt",
            {
                "prompt": job.graph,
                "prompt_id": str(job.id),
                "client_id": client_id,
                "partial_execution_targets": [job.output_node],
                "extra_data": {"adsgem_job": str(job.id)},
            },
        )
        crashpoint("K9")
        status, told = response.status_code, self.wire.body(response)
        if status >= 500 or (status == 200 and not (isinstance(told, dict) and told.get("prompt_id"))):
            raise SubmitUnknown(f"{self.address.url} answers HTTP {status} to an order.")
        if status == 400:
            raise refusal(told) if isinstance(told, dict) else WorkflowInvalid("The server refuses the workflow without a reason.")
        self.wire.judge(response)
        if told["prompt_id"] != str(job.id):
            self.wire.write("/queue", {"delete": [told["prompt_id"]]})
            raise ServerRefused(f"{self.address.url} runs a ComfyUI too old for this: it gives jobs ids of its own. Update it.")
        if told.get("node_errors"):
            self.cancel(job.id)
            raise refusal(told)

    def _wait(self, job: Job, ear: Ear, on_hint: OnHint) -> Where:
        """Ask until history has the job. Raises Lost, TimedOut, ServerSick or ServerDown."""
        meter, watch = Meter(job.graph, job.samplers), _Watch(self.pace, job)
        delay, soon = self.pace.first, 0
        while True:
            try:
                here = self.where(job.id)
            except ServerRefused:
                raise
            except ServerDown as error:
                watch.down(error)
                here = None
            if here is not None:
                if here.state == "done":
                    return here
                if watch.twice_unknown(here):
                    self.stats()
                    return self._by_name(job)
                self._within_time(job, watch, here)
            on_hint(Hint(meter.fraction))
            crashpoint("K10")
            unknown = here is not None and here.state == "unknown"
            if ear.listen(self.pace.unknown_gap if unknown else delay, meter, on_hint) or 0 < soon < 8:
                # The end is told some milliseconds before history has it.
                soon += 1
                delay = 0.01 * soon
            else:
                soon, delay = 0, min(max(delay, self.pace.first) * 1.5, self.pace.slowest)

    def _within_time(self, job: Job, watch: _Watch, here: Where) -> None:
        """Stop what takes too long: on the server, then here."""
        if watch.dead_worker(here):
            raise ServerSick(f"{self.address.url} has work waiting and does none: its worker is dead. Restart ComfyUI.")
        if watch.too_long(here):
            self.cancel(job.id)
            limit = job.run_seconds if here.state == "running" else job.wait_seconds
            raise TimedOut(f"{self.address.url} left a picture {here.state} for more than {limit:.0f} s.")

    def _by_name(self, job: Job) -> Where:
        """A restart empties queue and history and leaves the files: what was finished before it may still be fetched by its name."""
        first = {"filename": f"{_prefix_of(job)}_00001_.png", "subfolder": job.folder, "type": "output"}
        try:
            checked(self.wire.download(first), job.size, may_be_flat=job.may_be_flat)
        except (BytesGone, BadPicture) as error:
            raise Lost(f"{self.address.url} no longer knows the job: it was restarted or its queue was cleared.") from error
        return Where("done", entry={"outputs": {job.output_node: {"images": [first]}}, "status": None, "prompt": [0, str(job.id)]})

    def _collect(self, job: Job, here: Where, on_hint: OnHint) -> Made:
        crashpoint("K11")
        assert here.entry is not None
        picture = checked(self.wire.download(picture_of(job, here.entry)), job.size, may_be_flat=job.may_be_flat)
        on_hint(Hint(1.0))
        return Made(picture, _seconds(here.entry))

    def _interrupts_by_id(self) -> bool:
        version = re.match(r"v?(\d+)\.(\d+)\.(\d+)", str(self.stats()["system"].get("comfyui_version", "")))
        return version is not None and tuple(int(part) for part in version.groups()) >= INTERRUPTS_BY_ID


class _Watch:
    """The clocks of one wait."""

    def __init__(self, pace: Pace, job: Job) -> None:
        self.pace, self.job = pace, job
        self.began = time.monotonic()
        self.ran = self.downed = self.unknown = self.idle = 0.0

    def down(self, error: ServerDown) -> None:
        """The server did not answer: a restart is waited for, a longer silence is raised."""
        now = time.monotonic()
        self.downed = self.downed or now
        if now - self.downed > self.pace.grace:
            raise error

    def twice_unknown(self, here: Where) -> bool:
        """Whether the job was unknown at two looks, far enough apart."""
        self.downed = 0.0
        now = time.monotonic()
        if here.state != "unknown":
            self.unknown = 0.0
            return False
        self.unknown = self.unknown or now
        return now - self.unknown >= self.pace.unknown_gap

    def dead_worker(self, here: Where) -> bool:
        """Whether the job waits at a server that has been running nothing for a while."""
        now = time.monotonic()
        self.idle = (self.idle or now) if here.state == "waiting" and here.idle else 0.0
        return bool(self.idle) and now - self.idle > self.pace.dead_worker

    def too_long(self, here: Where) -> bool:
        """Whether waiting or running took longer than the job may."""
        now = time.monotonic()
        if here.state == "running":
            self.ran = self.ran or now
            return now - self.ran > self.job.run_seconds
        return now - self.began > self.job.wait_seconds


def picture_of(job: Job, entry: Mapping[str, Any]) -> dict[str, str]:
    """What `/view` takes for the first picture of the named output node. Raises what the history entry says went wrong."""
    raised = ending(entry)
    if raised is not None:
        raise raised
    prompt = entry.get("prompt")
    if not isinstance(prompt, list) or len(prompt) < 2 or prompt[1] != str(job.id):
        raise NoOutput("The server's history has somebody else's job under our id.")
    outputs = (entry.get("outputs") or {}).get(job.output_node) or {}
    for image in outputs.get("images") or ():
        if image.get("type") == "output" and str(image.get("subfolder", "")).replace("\\", "/") == job.folder:
            return {name: str(image[name]) for name in ("filename", "subfolder", "type")}
    raise NoOutput(f"The job ended well and its output node {job.output_node} names no picture of ours.")


def ending(entry: Mapping[str, Any]) -> ComfyError | None:
    """What a history entry says went wrong; None when it ended well. Failed and interrupted both say "error"."""
    status = entry.get("status") or {}
    if status.get("status_str", "success") == "success":
        return None
    for kind, told in status.get("messages") or ():
        if kind == "execution_error":
            return failure(told)
        if kind == "execution_interrupted":
            return Preempted("The job was interrupted on the server.")
    return failure({"exception_type": "unknown", "exception_message": "The server says that the job failed, and not why."})


def _seconds(entry: Mapping[str, Any]) -> float:
    """How long the server worked on it, by its own clock."""
    stamps = [told["timestamp"] for _kind, told in (entry.get("status") or {}).get("messages") or () if "timestamp" in told]
    return (max(stamps) - min(stamps)) / 1000 if stamps else 0.0


def _prefix_of(job: Job) -> str:
    """The last part of the output node's `filename_prefix`: what the server puts before a number."""
    prefix = job.graph.get(job.output_node, {}).get("inputs", {}).get("filename_prefix", "")
    return str(prefix).rpartition("/")[2]
