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
from keeping.versions import Version, hash_of
from templates_app.actions import publish_version
from templates_app.models import AdTemplate, Category, Font, Layout, LayoutVersion, TemplatePreview

SHELF = Path(__file__).parent / "shelf"
PREVIEWS = SHELF / "previews"
NOTE = "Starter shelf"
HALF = 31  # `shelf_hash` holds two short hashes: of the recipe and of the head row, as the shelf last wrote them


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


def _by_staff(version: Version | None) -> bool:
    """Whether a person wrote this version, and not the shelf."""
    return version is not None and (version.author_id is not None or version.note != NOTE)


def _layout(path: Path, loaded: Loaded) -> LayoutVersion:
    """The shelf's newest version of a layout, made when it is not there yet; current unless staff have put another one there."""
    data = json.loads(path.read_text())
    head, _ = Layout.objects.select_related("current").get_or_create(slug=path.stem, defaults={"title": data["title"]})
    before = head.current
    version = head.versions.filter(hash=hash_of(data)).order_by("-number").first()
    if version is None:
        made = publish_version(by=None, head=head, data=data, note=NOTE)
        assert isinstance(made, LayoutVersion)
        version = made
        loaded.add("layouts")
    Layout.objects.filter(pk=head.pk).update(current=before if _by_staff(before) else version)
    return version


def _template(told: dict[str, Any], categories: dict[str, Category], layouts: dict[str, LayoutVersion], loaded: Loaded) -> AdTemplate:
    """A template as the shelf has it now; its recipe, and its title and the like, each stay where staff have changed them."""
    facts = {name: told[name] for name in ("title", "summary", "needs_photo", "position")} | {"category": categories[told["category"]]}
    head, made = AdTemplate.objects.select_related("current", "category").get_or_create(
        slug=told["slug"], defaults={**facts, "published": True}
    )
    layout = layouts[told["layout"]]
    known_recipe, _, known_facts = head.shelf_hash.partition(".")
    recipe = hash_of([told["data"], layout.hash])[:HALF]
    if known_recipe != recipe and not _by_staff(head.current):
        publish_version(by=None, head=head, data=told["data"], note=NOTE, layout=layout)
        known_recipe = recipe
        loaded.add("templates")
    if made or known_facts == _facts_hash(head):
        known_facts = _facts_hash(AdTemplate(**facts))
    else:
        facts = {}
    if head.shelf_hash != (shelf_hash := f"{known_recipe}.{known_facts}"):
        AdTemplate.objects.filter(pk=head.pk).update(shelf_hash=shelf_hash, **facts)
    return head


def _facts_hash(head: AdTemplate) -> str:
    """What stands in a head row itself, as a short hash."""
    return hash_of([head.title, head.summary, head.needs_photo, head.position, head.category.slug])[:HALF]


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
