"""The starter shelf: categories, fonts, layouts, templates and their previews, from files into rows.

Loading twice is loading once. What staff have changed since stays: their version is the current one.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from PIL import Image

from finishing.fonts import faces
from finishing.shapes import SHAPES
from keeping import store
from templates_app.actions import publish_version
from templates_app.models import AdTemplate, Category, Font, Layout, LayoutVersion, TemplatePreview
from templates_app.versions import hash_of

SHELF = Path(__file__).parent / "shelf"
PREVIEWS = SHELF / "previews"
NOTE = "Starter shelf"


@dataclass
class Loaded:
    """What a load has changed, by kind."""

    changed: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str) -> None:
        """Count one."""
        self.changed[kind] = self.changed.get(kind, 0) + 1

    def __str__(self) -> str:
        what = ", ".join(f"{number} {kind}" for kind, number in self.changed.items())
        return f"Starter shelf: {what or 'nothing new'}."


@transaction.atomic
def load_shelf() -> Loaded:
    """Bring the rows up to what the files say, except where staff have edited."""
    loaded = Loaded()
    categories = _categories(loaded)
    _fonts(loaded)
    layouts = {path.stem: _layout(path, loaded) for path in sorted((SHELF / "layouts").glob("*.json"))}
    for path in sorted((SHELF / "templates").glob("*.json")):
        template = _template(json.loads(path.read_text()), categories, layouts, loaded)
        _previews(template, loaded)
    return loaded


def preview_path(slug: str, shape: str) -> Path:
    """Where a template's preview in one shape lies."""
    return PREVIEWS / f"{slug}-{shape.replace(':', 'x')}.webp"


def _categories(loaded: Loaded) -> dict[str, Category]:
    rows = {}
    for position, told in enumerate(json.loads((SHELF / "categories.json").read_text())):
        row, made = Category.objects.get_or_create(slug=told["slug"], defaults={"title": told["title"], "position": position})
        rows[row.slug] = row
        if made:
            loaded.add("categories")
    return rows


def _fonts(loaded: Loaded) -> None:
    known = set(Font.objects.values_list("slug", flat=True))
    for face in faces().values():
        if face.slug not in known:
            Font.objects.create(slug=face.slug, family=face.family, weight=face.weight, scripts=list(face.scripts))
            loaded.add("fonts")


def _layout(path: Path, loaded: Loaded) -> LayoutVersion:
    """The shelf's newest version of a layout, made when it is not there yet; current unless staff have put another one there."""
    data = json.loads(path.read_text())
    head, _ = Layout.objects.get_or_create(slug=path.stem, defaults={"title": data["title"]})
    theirs = head.versions.filter(hash=hash_of(data)).order_by("-number").first()
    if theirs is not None:
        return theirs
    edited = head.current is not None and head.current.note != NOTE
    before = head.current
    version = publish_version(by=None, head=head, data=data, note=NOTE)
    if edited:
        Layout.objects.filter(pk=head.pk).update(current=before)
    loaded.add("layouts")
    assert isinstance(version, LayoutVersion)
    return version


def _template(told: dict[str, Any], categories: dict[str, Category], layouts: dict[str, LayoutVersion], loaded: Loaded) -> AdTemplate:
    facts = {name: told[name] for name in ("title", "summary", "needs_photo", "position")}
    head, made = AdTemplate.objects.get_or_create(
        slug=told["slug"], defaults={**facts, "category": categories[told["category"]], "published": True}
    )
    layout = layouts[told["layout"]]
    shelf_hash = hash_of([told, layout.hash])
    if not made and (head.shelf_hash == shelf_hash or (head.current and head.current.note != NOTE)):
        return head
    publish_version(by=None, head=head, data=told["data"], note=NOTE, layout=layout)
    AdTemplate.objects.filter(pk=head.pk).update(shelf_hash=shelf_hash, **({} if made else facts))
    loaded.add("templates")
    return head


def _previews(template: AdTemplate, loaded: Loaded) -> None:
    known = dict(template.previews.values_list("shape", "file_id"))
    for shape in SHAPES:
        path = preview_path(template.slug, shape)
        if not path.is_file():
            continue
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
        file = store.keep(data, type="image/webp", width=width, height=height)
        if known.get(shape) != file.pk:
            alt = f"{template.title}, {shape}: an ad made with this template"
            TemplatePreview.objects.update_or_create(template=template, shape=shape, defaults={"file": file, "alt": alt})
            loaded.add("previews")
