"""Previews: what the product makes of a template's own sample, with nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from accounts.models import Brand
from generations import actions
from generations.management.commands import make_previews
from generations.models import Ad, Generation, Photo
from templates_app import shelf_loader
from templates_app.actions import publish_version
from templates_app.models import AdTemplate

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where previews go, for places that are quick to make."""
    monkeypatch.setattr(shelf_loader, "PREVIEWS", tmp_path)
    monkeypatch.setattr(make_previews, "PLACEMENTS", ("google_display_300x250",))
    return tmp_path


def nothing_is_left() -> bool:
    """But the brand of all samples, which is put away: the ledger never lets go of a brand."""
    return not any(table.objects.exists() for table in (Photo, Generation, Ad)) and not Brand.objects.filter(deleted_at=None).exists()


def test_a_sample_becomes_a_preview_and_its_rows_are_gone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_previews", "podium")
    (made,) = folder.iterdir()
    assert made == folder / "podium-4x3.webp"
    with Image.open(made) as picture:
        assert (picture.format, picture.size) == ("WEBP", (300, 250))
        assert b"compositeSynthetic" in picture.info["xmp"]
    assert capsys.readouterr().out == "podium\n" and nothing_is_left()


def test_a_preview_that_cannot_be_made_leaves_nothing_either(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(generation_id: object) -> None:
        assert Generation.objects.filter(pk=generation_id).exists() and Photo.objects.exists()
        raise RuntimeError("out of paint")

    monkeypatch.setattr(make_previews.pipeline, "run", break_down)
    with pytest.raises(RuntimeError, match="out of paint"):
        call_command("make_previews", "podium")
    assert nothing_is_left() and not list(folder.iterdir())


def test_a_template_that_is_not_there_is_named_before_anything_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "order_generation", lambda **_: pytest.fail("something was ordered"))
    with pytest.raises(CommandError, match="called 'unicorn'. There are: after-dark, "):
        call_command("make_previews", "podium", "unicorn")
    assert nothing_is_left()


def test_a_template_of_staffs_own_without_a_sample_is_passed_over(folder: Path, template: AdTemplate) -> None:
    assert template.current is not None
    publish_version(by=None, head=template, data={key: value for key, value in template.current.data.items() if key != "sample"})
    AdTemplate.objects.exclude(pk=template.pk).update(published=False)
    call_command("make_previews")
    assert not list(folder.iterdir())
