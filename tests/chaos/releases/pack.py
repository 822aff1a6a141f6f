"""Orders in every state through the code of the release in whose folder it runs, packed as a small tarball beside this file. See README.md."""

from __future__ import annotations

import gzip
import io
import os
import sqlite3
import sys
import tarfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))
os.environ["DJANGO_SETTINGS_MODULE"] = "adsgem.settings"

import django

django.setup()

from django.conf import settings  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402

from accounts.models import Brand, User  # noqa: E402
from generations import actions, pipeline, states, writing  # noqa: E402
from generations.models import Generation, Photo  # noqa: E402
from prompting.brief import Brief  # noqa: E402
from templates_app.models import AdTemplate, Placement  # noqa: E402


def photo_of_a_bottle(**whose: Any) -> Photo:
    picture = Image.new("RGBA", (240, 480), (0, 0, 0, 0))
    ImageDraw.Draw(picture).rounded_rectangle((30, 20, 210, 470), radius=30, fill=(150, 60, 40, 255))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return actions.add_photo(data=buffer.getvalue(), name="bottle.png", **whose)


def order_everything() -> None:
    """The last order's picture is painted and its ads are not begun; then this process dies."""
    whose = {"by": User.objects.get(email="marketer@adsgem.local"), "brand": Brand.objects.get(slug="demo")}
    photo = photo_of_a_bottle(**whose)
    # One picture for both painted orders, of the template whose pictures weigh least: the tarball stays small.
    light = {"template": "in-their-words", "placement": "google_display_728x90"}

    def order(headline: str, *, template: str = "podium", placement: str = "google_display_250x250", **more: Any) -> Generation:
        made = AdTemplate.objects.select_related("current").get(slug=template)
        return actions.order_generation(
            template=made,
            brief=Brief.read({"headline": headline, "cta": "Shop now"}),
            placements=list(Placement.objects.filter(slug=placement).select_related("current")),
            photos=[photo] if made.needs_photo else [],
            seed=7,
            **whose,
            **more,
        )

    ready = pipeline.run(order("Ready long ago", **light).pk)
    actions.change_words(by=whose["by"], generation=ready, words={"headline": "New words over it"})
    actions.cancel_generation(by=whose["by"], generation=order("Changed my mind"))
    order("Not begun", idempotency_key="asked-twice")
    order("Not begun, two variations", variations=2)
    dead = order("A writer died over this one")
    assert states.claim(dead) and states.move(dead, Generation.Status.WRITING)
    writing.write(order("Written, not painted", variations=2).pk)
    (picture,) = writing.write(order("Painted, not finished", **light).pk)
    pipeline._finish_ads = lambda picture: os._exit(0)  # type: ignore[assignment]
    pipeline.make(picture)


def pack(name: str) -> None:
    database = sqlite3.connect(Path(settings.DATA_DIR) / "adsgem.sqlite3", isolation_level=None)
    shown = "SELECT file_id FROM templates_app_templatepreview"
    needless = [sha256 for (sha256,) in database.execute(shown)]
    database.execute("DELETE FROM templates_app_templatepreview")
    database.executemany("DELETE FROM keeping_storedfile WHERE sha256 = ?", [(sha256,) for sha256 in needless])
    needed = {sha256 for (sha256,) in database.execute("SELECT sha256 FROM keeping_storedfile")}
    text = gzip.compress("\n".join(database.iterdump()).encode(), mtime=0)
    with tarfile.open(Path(__file__).with_name(f"{name}.tar.gz"), "w:gz") as tar:
        about = tarfile.TarInfo("adsgem.sql.gz")
        about.size = len(text)
        tar.addfile(about, io.BytesIO(text))
        for file in sorted(Path(settings.MEDIA_ROOT).rglob("*")):
            if file.stem in needed:
                tar.add(file, Path("media") / file.relative_to(settings.MEDIA_ROOT))


if __name__ == "__main__":
    if os.fork() == 0:
        order_everything()
        os._exit(1)
    assert os.wait()[1] == 0
    pack(sys.argv[1])
