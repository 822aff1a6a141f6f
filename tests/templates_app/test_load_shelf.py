"""Loading the starter shelf: twice is once, and what staff have changed stays."""

from __future__ import annotations

import copy
import io
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Model

from accounts.models import User
from finishing.fonts import faces
from keeping import store
from templates_app import shelf_loader
from templates_app.actions import publish_version
from templates_app.models import (
    AdTemplate,
    AdTemplateVersion,
    Category,
    Font,
    Layout,
    LayoutVersion,
    TemplatePreview,
)
from templates_app.shelf_loader import load_shelf

pytestmark = pytest.mark.django_db

SLUG, LAYOUT = "leaf-shade", "editorial-left"
TABLES: tuple[type[Model], ...] = (AdTemplate, AdTemplateVersion, Category, Font, Layout, LayoutVersion, TemplatePreview)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shelf of one's own with the same templates, to change as a next release would."""
    for folder in ("layouts", "templates"):
        shutil.copytree(shelf_loader.SHELF / folder, tmp_path / folder)
    shutil.copy(shelf_loader.SHELF / "categories.json", tmp_path)
    (tmp_path / "previews").mkdir()
    monkeypatch.setattr(shelf_loader, "SHELF", tmp_path)
    monkeypatch.setattr(shelf_loader, "PREVIEWS", tmp_path / "previews")
    return tmp_path


def release(shelf: Path, kind: str, slug: str, **changes: Any) -> dict[str, Any]:
    """Write other data for one thing of the shelf: dotted names are places inside."""
    path = shelf / kind / f"{slug}.json"
    told: dict[str, Any] = json.loads(path.read_text())
    for name, value in changes.items():
        *way, last = name.split("__")
        place = told
        for step in way:
            place = place[step]
        place[last] = value
    path.write_text(json.dumps(told))
    return told


def head(slug: str = SLUG) -> AdTemplate:
    return AdTemplate.objects.select_related("current__layout").get(slug=slug)


def edited(template: AdTemplate, **words: Any) -> dict[str, Any]:
    """The template's data with other words."""
    assert template.current is not None
    data: dict[str, Any] = copy.deepcopy(template.current.data)
    data["words"].update(words)
    return data


def counts() -> list[int]:
    return [table._default_manager.count() for table in TABLES]


def test_a_second_load_changes_nothing_and_takes_less_than_a_second() -> None:
    before, current = counts(), list(AdTemplate.objects.order_by("pk").values())
    began = time.process_time()
    loaded = load_shelf()
    assert time.process_time() - began < 1
    assert str(loaded) == "Starter shelf: nothing new." and not loaded.changed
    assert (counts(), list(AdTemplate.objects.order_by("pk").values())) == (before, current)


def test_the_command_says_in_one_line_what_it_did_or_nothing_at_all() -> None:
    told, quiet = io.StringIO(), io.StringIO()
    call_command("load_shelf", stdout=told)
    call_command("load_shelf", stdout=quiet, verbosity=0)
    assert (told.getvalue(), quiet.getvalue()) == ("Starter shelf: nothing new.\n", "")


def test_an_empty_machine_gets_everything(shelf: Path) -> None:
    TemplatePreview.objects.all().delete()
    AdTemplate.objects.update(current=None)
    for table in (AdTemplate, Category, Font):
        table._default_manager.all().delete()
    Layout.objects.update(current=None)
    Layout.objects.all().delete()
    number = len(list((shelf / "templates").glob("*.json")))
    loaded = load_shelf()
    assert loaded.changed["templates"] == AdTemplate.objects.filter(published=True, current__number=1).count() == number
    assert loaded.changed["layouts"] == Layout.objects.filter(current__number=1).count() == len(list((shelf / "layouts").glob("*.json")))
    assert loaded.changed["fonts"] == len(faces())
    assert set(Font.objects.values_list("slug", "family", "weight")) == {(face.slug, face.family, face.weight) for face in faces().values()}


def test_a_new_release_of_an_untouched_template_becomes_its_current_version(shelf: Path) -> None:
    before = head().current
    assert before is not None
    told = release(shelf, "templates", SLUG, title="Leafier shade", data__words__mood=["green"])
    assert load_shelf().changed == {"templates": 1}
    now = head()
    assert now.current is not None and now.current.number == before.number + 1
    assert (now.title, now.current.data) == ("Leafier shade", told["data"])
    assert AdTemplateVersion.objects.get(pk=before.pk).data == before.data
    assert not load_shelf().changed


def test_a_recipe_that_staff_have_edited_survives_the_next_release(shelf: Path, sam: User) -> None:
    mine = publish_version(by=sam, head=head(), data=edited(head(), mood=["mine"]), note="Starter shelf")
    release(shelf, "templates", SLUG, title="Leafier shade", data__words__mood=["green"])
    for _ in range(2):
        assert "templates" not in load_shelf().changed
        assert head().current == mine and head().versions.count() == 2
    assert head().title == "Leafier shade"


def test_a_title_that_staff_have_changed_survives_while_the_recipe_goes_on(shelf: Path) -> None:
    AdTemplate.objects.filter(slug=SLUG).update(title="Our leaf", position=99)
    release(shelf, "templates", SLUG, title="Leafier shade", data__words__mood=["green"])
    for _ in range(2):
        load_shelf()
        now = head()
        assert now.current is not None and now.current.data["words"]["mood"] == ["green"]
        assert (now.title, now.position) == ("Our leaf", 99)


def test_a_template_that_staff_took_out_of_the_gallery_or_moved_stays_there(shelf: Path) -> None:
    home = Category.objects.get(slug="home")
    AdTemplate.objects.filter(slug=SLUG).update(published=False, category=home)
    release(shelf, "templates", SLUG, summary="Other words")
    load_shelf()
    assert (head().published, head().category) == (False, home)


def test_the_shelf_can_move_a_template_to_another_category(shelf: Path) -> None:
    release(shelf, "templates", SLUG, category="home")
    load_shelf()
    assert head().category.slug == "home"


def test_a_category_that_staff_renamed_keeps_its_name() -> None:
    Category.objects.filter(slug="home").update(title="House", position=42)
    load_shelf()
    assert Category.objects.get(slug="home").title == "House"


def test_a_new_layout_takes_the_shelfs_templates_along(shelf: Path) -> None:
    release(shelf, "layouts", LAYOUT, margin=0.09)
    users = AdTemplate.objects.filter(current__layout__layout__slug=LAYOUT).count()
    assert load_shelf().changed == {"layouts": 1, "templates": users}
    layout = Layout.objects.get(slug=LAYOUT).current
    assert layout is not None and layout.spec().margin == 0.09
    assert head().current.layout == layout  # type: ignore[union-attr]


def test_a_layout_that_staff_have_edited_stays_current(shelf: Path, sam: User) -> None:
    layout = Layout.objects.select_related("current").get(slug=LAYOUT)
    mine = publish_version(by=sam, head=layout, data={**layout.current.data, "margin": 0.1})  # type: ignore[union-attr]
    release(shelf, "layouts", LAYOUT, margin=0.09)
    for _ in range(2):
        load_shelf()
        assert Layout.objects.get(slug=LAYOUT).current == mine


def test_a_layout_can_go_back_to_what_it_was(shelf: Path) -> None:
    first = Layout.objects.get(slug=LAYOUT).current
    was = (shelf / "layouts" / f"{LAYOUT}.json").read_text()
    release(shelf, "layouts", LAYOUT, margin=0.09)
    load_shelf()
    (shelf / "layouts" / f"{LAYOUT}.json").write_text(was)
    load_shelf()
    assert Layout.objects.get(slug=LAYOUT).current == first == head().current.layout  # type: ignore[union-attr]


def test_a_broken_file_leaves_everything_as_it_was(shelf: Path) -> None:
    before = counts()
    release(shelf, "templates", "after-dark", data__words__mood=["darker"])
    release(shelf, "templates", "winter-table", data__style__headline_font="comic-sans")
    with pytest.raises(ValueError, match="There is no font 'comic-sans'."):
        load_shelf()
    assert counts() == before
    assert head("after-dark").current.number == 1  # type: ignore[union-attr]


def test_a_new_preview_takes_the_place_of_the_one_before(shelf: Path) -> None:
    first, second = (store.read(shown.file) for shown in TemplatePreview.objects.select_related("file").order_by("id")[:2])
    (shelf / "previews" / f"{SLUG}-1.91x1.webp").write_bytes(first)
    load_shelf()
    (shelf / "previews" / f"{SLUG}-1.91x1.webp").write_bytes(second)
    assert load_shelf().changed == {"previews": 1}
    shown = TemplatePreview.objects.select_related("file").get(template=head(), shape="1.91:1")
    assert store.read(shown.file) == second and shown.file.width and "1.91:1" in shown.alt
    assert not load_shelf().changed
