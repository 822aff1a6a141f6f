"""One ad order without a server: the real pipeline, in this process."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.actions import demo_brand
from accounts.models import Brand
from generations import actions, captions, pipeline, queries
from generations.download import CAPTIONS, captions_table, ready_ads
from generations.models import Ad, Generation, Photo
from keeping import store
from prompting.brief import Brief, BriefError
from templates_app.models import AdTemplate, Placement

BAD_INPUT, FAILED_PICTURE = 2, 1
DEFAULT_PLACEMENTS = ("meta_ig_feed_portrait",)
BAR = 28  # characters


class BadInput(ValueError):
    """What was asked for cannot be made; one sentence says why."""


class Command(BaseCommand):
    help = "Make ads from a photo and a few words, and write the finished files into a folder."
    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser whose complaint is one line, too."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if getattr(self, "_called_from_command_line", False):
            parser.error = _complain  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments, as the manual fixes them."""
        parser.add_argument("--template", required=True, metavar="SLUG")
        parser.add_argument("--photo", type=Path, metavar="FILE")
        parser.add_argument("--headline", required=True)
        for name in ("subline", "cta", "badge", "legal", "product", "audience", "tone", "avoid"):
            parser.add_argument(f"--{name}", default="")
        parser.add_argument("--keywords", default="", metavar="A,B")
        parser.add_argument("--language", default="en")
        parser.add_argument("--markets", default="", metavar="A,B", help="Countries it runs in; in the EU, AI pictures get a label.")
        parser.add_argument("--label", default="auto", choices=["auto", "on", "off"], help="Whether a visible label says how it was made.")
        parser.add_argument("--placement", nargs="+", action="extend", metavar="ID", help=f"Default: {' '.join(DEFAULT_PLACEMENTS)}")
        parser.add_argument("--variations", type=int, default=1, metavar="N")
        parser.add_argument("--engine", default="auto", choices=["auto", "draft", "builtin", "comfyui", "openai"])
        parser.add_argument("--seed", type=int, metavar="N")
        parser.add_argument("--brand", metavar="SLUG")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        parser.add_argument("--json", action="store_true", help="Print one JSON object a line on stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Order, make, write the files. Exit code 2 and one sentence for bad input, 1 when a picture failed."""
        started = time.monotonic()
        out: Path = options["out"]
        try:
            _prepare()
            generation = _order(options)
        except BadInput as refusal:
            self.stderr.write(str(refusal))
            sys.exit(BAD_INPUT)
        said: set[str] = set()
        tell = _tell_json if options["json"] else _tell_bar

        def on_change(fresh: Generation) -> None:
            whole = _whole(fresh)
            tell(queries.progress(whole), whole)
            for ad in queries.current_ads(whole):
                if ad.status == Ad.Status.READY and str(ad.pk) not in said:
                    said.add(str(ad.pk))
                    self._write(ad, out, as_json=options["json"])

        ended = pipeline.run(generation.pk, on_change)
        self._write_captions(ended, out, as_json=options["json"])
        self._close(ended, time.monotonic() - started, as_json=options["json"])

    def _write(self, ad: Ad, out: Path, *, as_json: bool) -> None:
        assert ad.file is not None
        path = out / ad.file_name
        write_whole(path, store.read(ad.file))
        if not as_json:
            sys.stderr.write("\r\033[K")
            self.stdout.write(f"{path}  {ad.file.width}×{ad.file.height}  {ad.file.bytes / 1000:.0f} kB")
            return
        line = {
            "event": "ad",
            "path": str(path),
            "placement": ad.placement.placement.slug,
            "variation": ad.picture.variation,
            "width": ad.file.width,
            "height": ad.file.height,
            "bytes": ad.file.bytes,
            "sha256": ad.file.sha256,
            "pixels": ad.pixels,
            "engine": ad.picture.engine,
            "seed": ad.picture.seed,
            "checks": ad.checks,
        }
        self.stdout.write(json.dumps(line))

    def _write_captions(self, generation: Generation, out: Path, *, as_json: bool) -> None:
        """The texts that networks show beside the ads, where somebody could write them."""
        for copy_id in generation.copies.values_list("pk", flat=True):
            captions.write(copy_id)
        table = captions_table(ready_ads(_whole(generation)))
        if not table:
            return
        write_whole(out / CAPTIONS, table.encode())
        if not as_json:
            self.stdout.write(str(out / CAPTIONS))

    def _close(self, generation: Generation, seconds: float, *, as_json: bool) -> None:
        if as_json:
            done = {"event": "done", "generation": str(generation.pk), "status": generation.status, "seconds": round(seconds, 2)}
            self.stdout.write(json.dumps(done))
        else:
            sys.stderr.write("\r\033[K")
        if generation.status != Generation.Status.READY:
            for sentence in sorted(_complaints(generation)):
                self.stderr.write(sentence)
            sys.exit(FAILED_PICTURE)


def _complain(message: str) -> NoReturn:
    sys.stderr.write(f"{message[0].upper()}{message[1:]}. See make_ad --help.\n")
    sys.exit(BAD_INPUT)


def _order(options: dict[str, Any]) -> Generation:
    """Everything is looked at before the first row is written; what is left behind after a refusal is nothing."""
    template = AdTemplate.objects.select_related("current").filter(slug=options["template"], published=True).first()
    if template is None:
        raise BadInput(f"There is no template '{options['template']}'. There are: {_some(AdTemplate.objects.filter(published=True))}.")
    placements = [_placement(slug) for slug in dict.fromkeys(options["placement"] or DEFAULT_PLACEMENTS)]
    brand = _brand(options["brand"])
    _writable(options["out"])
    photo_bytes = _photo_bytes(options["photo"])
    try:
        brief = Brief.read(_brief(options))
        actions.check_order(brand, template, placements, variations=options["variations"], seed=options["seed"], engine=options["engine"])
        if photo_bytes is None and template.needs_photo:
            raise BadInput(f"The template '{template.slug}' needs a product photo. Give one with --photo.")
        photo = actions.add_photo(by=None, brand=brand, data=photo_bytes, name=options["photo"].name) if photo_bytes is not None else None
        return _place(brand, template, brief, placements, photo, options)
    except (BriefError, actions.OrderRefused, actions.PhotoRefused) as refusal:
        raise BadInput(str(refusal)) from refusal


def _place(
    brand: Brand, template: AdTemplate, brief: Brief, placements: list[Placement], photo: Photo | None, options: dict[str, Any]
) -> Generation:
    return actions.order_generation(
        by=None,
        brand=brand,
        template=template,
        brief=brief,
        placements=placements,
        photos=[photo] if photo else [],
        variations=options["variations"],
        engine=options["engine"],
        seed=options["seed"],
        label=options["label"],
    )


def _brief(options: dict[str, Any]) -> dict[str, Any]:
    names = ("headline", "subline", "cta", "badge", "legal", "product", "audience", "tone", "avoid", "language")
    lists = {name: [word for word in options[name].split(",") if word.strip()] for name in ("keywords", "markets")}
    return {**{name: options[name] for name in names}, **lists}


def _placement(slug: str) -> Placement:
    placement = Placement.objects.select_related("current").filter(slug=slug).first()
    if placement is None:
        raise BadInput(f"There is no placement '{slug}'. For instance: {_some(Placement.objects.filter(kind=Placement.Kind.IMAGE))}.")
    return placement


def _brand(slug: str | None) -> Brand:
    if slug is None:
        return Brand.objects.filter(deleted_at=None, slug="demo").first() or demo_brand()
    brand = Brand.objects.filter(slug=slug, deleted_at=None).first()
    if brand is None:
        raise BadInput(f"There is no brand '{slug}'. There are: {_some(Brand.objects.filter(deleted_at=None))}.")
    return brand


def _some(rows: Any) -> str:
    slugs = list(rows.order_by("slug").values_list("slug", flat=True)[:8])
    return ", ".join(slugs) or "none yet"


def _photo_bytes(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"The photo {path} cannot be read: {error.strerror}.") from error


def _writable(folder: Path) -> None:
    """Make the folder and try to write into it, before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(f"The folder {folder} cannot be written to: {error.strerror}. Choose another one with --out.") from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)


def _whole(generation: Generation) -> Generation:
    """The order with its pictures and ads, as queries read them."""
    return queries.with_pictures(Generation.objects.filter(pk=generation.pk)).get()


def _complaints(generation: Generation) -> set[str]:
    ads = Ad.objects.filter(picture__generation=generation, status=Ad.Status.FAILED)
    return set(ads.exclude(error_message="").values_list("error_message", flat=True)) or {
        generation.error_message or "The order did not finish."
    }


def _tell_json(fraction: float, generation: Generation) -> None:
    sys.stdout.write(json.dumps({"event": "progress", "progress": fraction, "status": generation.status}) + "\n")
    sys.stdout.flush()


def _tell_bar(fraction: float, generation: Generation) -> None:
    if sys.stderr.isatty():
        full = round(fraction * BAR)
        sys.stderr.write(f"\r\033[K{'█' * full}{'░' * (BAR - full)} {fraction:4.0%}  {generation.get_status_display()}")
        sys.stderr.flush()


def _prepare() -> None:
    """On a machine where nothing was set up yet: the tables and the starter shelf."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)
    if not AdTemplate.objects.exists():
        call_command("load_shelf", verbosity=0)
