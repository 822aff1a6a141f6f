"""`manage.py comfy check | sync | run-workflow FILE`: what the ComfyUI servers have, and whether a workflow runs on one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comfy import advice, loras, pool, trying
from comfy.actions import allowed_custom_nodes
from comfy.binding import PARAMETERS, ValueRefused, audit, fill
from comfy.client import ROOM, Job
from comfy.errors import ComfyError
from comfy.graphs import GraphRefused
from comfy.models import Server
from comfy.proposing import propose
from comfy.watch import Hint


class Command(BaseCommand):
    """Look after the pool from a shell."""

    help = "Check the ComfyUI servers, compare their LoRAs with ours, or run a workflow file on one of them."

    def add_arguments(self, parser: CommandParser) -> None:
        """What may be asked."""
        asked = parser.add_subparsers(dest="asked", required=True)
        asked.add_parser("check", help="Ask every enabled server what it is, and which starter workflows it can run.")
        asked.add_parser("sync", help="Ask every enabled server for its files, and show each LoRA's state there.")
        run = asked.add_parser("run-workflow", help="Run a workflow file in API format, and write its picture.")
        run.add_argument("file", type=Path)
        run.add_argument("--server", default="", help="Its name; without it, any server that can.")
        run.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="A value, for instance checkpoint=sdxl.safetensors."
        )
        run.add_argument("--out", type=Path, default=Path("workflow.png"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        if options["asked"] == "run-workflow":
            self._run(options)
            return
        if not Server.objects.filter(enabled=True).exists():
            raise CommandError("There is no ComfyUI server. Name one in COMFY_SERVERS, or add one in admin.")
        for server in Server.objects.filter(enabled=True).defer("token"):
            pool.look(server)
        if options["asked"] == "check":
            self._check()
        else:
            self._sync()

    def _check(self) -> None:
        lacks = loras.lacking()
        for server in Server.objects.filter(enabled=True).defer("token"):
            if server.last_error:
                self.stdout.write(f"{server.name}: {server.last_error}")
                continue
            counts = ", ".join(f"{len(files)} for {name}" for name, files in server.files.items() if files) or "no model files"
            self.stdout.write(
                f"{server.name}: ComfyUI {server.version}, {server.vram >> 20} MB, {len(server.classes)} kinds of nodes, {counts}"
            )
            for (slug, name), nodes in lacks.items():
                if name == server.name and nodes:
                    self.stdout.write(f"  {slug} cannot run: install {', '.join(nodes)}")

    def _sync(self) -> None:
        for found in loras.reconcile():
            files = f" ({', '.join(found.files)})" if found.files else ""
            self.stdout.write(f"{found.lora.slug} on {found.server.name}: {found.state}{files}")

    def _run(self, options: dict[str, Any]) -> None:
        graph, bindings = _read(options["file"])
        job_id = uuid4()
        values: dict[str, Any] = {"prompt": "a product photo", "negative": "", "seed": 1, "width": 512, "height": 512}
        values |= {"filename_prefix": f"{ROOM}/{job_id}/p1", **dict(_value(each) for each in options["set"])}
        values = {name: value for name, value in values.items() if name in bindings["bind"] or name in ("width", "height")}
        family = next(iter(bindings.get("defaults") or {}), "")
        try:
            filled = fill(graph, bindings, values, family=family)
            others = Server.objects.exclude(name=options["server"]).values_list("pk", flat=True) if options["server"] else ()
            seat = pool.take_seat(filled, job_id, uuid4(), unable=set(map(str, others)))
        except (ValueRefused, pool.NoServer) as error:
            raise CommandError(str(error)) from error
        try:
            shown = trying.drawn_product(seat.client, bindings, (values["width"], values["height"]))
            filled = fill(graph, bindings, {**values, **shown}, family=family)
            job = Job(job_id, filled.respelled(seat.spelling), filled.output_node, filled.size, filled.samplers, may_be_flat=True)
            made = seat.client.run(job, self._tell, before_post=seat.count_post)
        except ComfyError as error:
            seat.fault(error)  # the next picture gets its place
            raise CommandError(advice.told(error)) from error
        seat.fetched()
        made.picture.save(options["out"])
        self.stdout.write(
            f"{seat.server.name} painted {made.picture.width} × {made.picture.height} in {made.seconds:.1f} s: {options['out']}"
        )

    def _tell(self, hint: Hint) -> None:
        self.stderr.write(f"{hint.fraction:.0%}", ending="\r")


def _read(file: Path) -> tuple[Any, Any]:
    """A workflow and its bindings: from the file beside it, or as its graph suggests. Raises CommandError."""
    try:
        graph = json.loads(file.read_text(encoding="utf-8"))
        sidecar = file.with_name(f"{file.stem}.bindings.json")
        custom = allowed_custom_nodes()
        bindings = json.loads(sidecar.read_text(encoding="utf-8")) if sidecar.exists() else propose(graph, custom_nodes=custom)
        audit(graph, bindings, custom_nodes=custom)
    except OSError as error:
        raise CommandError(f"{file} cannot be read.") from error
    except GraphRefused as error:
        raise CommandError(str(error)) from error
    except ValueError as error:
        raise CommandError(f"{file} is no JSON file.") from error
    return graph, bindings


def _value(told: str) -> tuple[str, Any]:
    name, equals, value = told.partition("=")
    if not equals or name not in PARAMETERS:
        raise CommandError(f"--set takes NAME=VALUE, with a name of {', '.join(PARAMETERS)}.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
