"""Placements: the table that the migration fills, and what staff may put into it."""

from __future__ import annotations

import json
from collections import Counter
from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client

from accounts.models import User
from finishing.shapes import SHAPES, shape_for
from keeping.versions import hash_of
from templates_app.actions import check_placement, publish_version
from templates_app.models import Placement, PlacementVersion
from tests.people import placements

migration = import_module("templates_app.migrations.0002_placements")
ROWS = json.loads(migration.FILE.read_text())

pytestmark = pytest.mark.django_db


def test_all_109_placements_of_the_file_are_in_the_table_with_source_and_evidence() -> None:
    heads = {head.slug: head for head in Placement.objects.select_related("current")}
    assert len(ROWS) == len(heads) == 109
    for position, row in enumerate(ROWS):
        head = heads[row["id"]]
        assert (head.platform, head.title, head.kind, head.position) == (row["platform"], row["placement"], row["kind"], position)
        assert head.current is not None and head.current.number == 1
        assert head.current.data == row and head.current.hash == hash_of(row)
        assert row["source"] and row["evidence"]


def test_they_are_102_pictures_6_logos_and_1_text() -> None:
    assert Counter(Placement.objects.values_list("kind", flat=True)) == {"image": 102, "logo": 6, "text": 1}


def test_every_picture_has_pixels_a_shape_and_a_spec() -> None:
    for head in Placement.objects.filter(kind="image").select_related("current"):
        version = head.current
        assert version is not None and version.shape.id in SHAPES and version.shape == shape_for(version.width, version.height)
        spec = version.spec()
        assert spec.size == (version.data["deliver_width"] or version.width, version.data["deliver_height"] or version.height)
        assert set(spec.file_types) & {"jpg", "jpeg", "png"}
        zone = spec.safe_zone
        assert all(0 <= side < 0.5 for side in (zone.left, zone.top, zone.right, zone.bottom)), head.slug


def test_together_they_need_every_shape() -> None:
    needed = Counter(version.shape.id for version in PlacementVersion.objects.filter(placement__kind="image"))
    assert set(needed) == set(SHAPES)


def test_a_story_keeps_its_words_out_of_the_networks_own_buttons() -> None:
    (story,) = placements("meta_ig_stories")
    assert story.current is not None and story.current.shape.id == "9:16" and not story.current.is_banner
    zone = story.current.spec().safe_zone
    told = story.current.data["safe_zone"]
    assert (zone.top, zone.bottom) == (told["top"], told["bottom"]) and zone.top > 0.1 and zone.bottom > 0.1


def test_a_leaderboard_is_a_banner_of_a_wide_picture() -> None:
    (board,) = placements("google_display_728x90")
    assert board.current is not None and board.current.is_banner and board.current.shape.id == "1.91:1"


def test_filling_the_table_twice_changes_nothing_and_keeps_an_edit(sam: object) -> None:
    (story,) = placements("meta_ig_stories")
    publish_version(by=sam, head=story, data={**story.current.data, "max_bytes": 5_000_000})  # type: ignore[arg-type, union-attr]
    migration.fill(apps, None)
    assert (Placement.objects.count(), PlacementVersion.objects.count()) == (109, 110)
    story.refresh_from_db()
    assert story.current is not None and story.current.data["max_bytes"] == 5_000_000


def test_a_placement_that_was_lost_comes_back() -> None:
    lost = placements("meta_ig_stories")[0]
    Placement.objects.filter(pk=lost.pk).update(current=None)
    lost.delete()
    migration.fill(apps, None)
    assert placements("meta_ig_stories")[0].current.data == next(row for row in ROWS if row["id"] == "meta_ig_stories")  # type: ignore[union-attr]


def test_every_placement_of_the_file_would_be_taken_from_staff() -> None:
    for row in ROWS:
        check_placement(row, row["kind"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"width": None}, "The width must be a number of pixels from 16 to 8000."),
        ({"height": "1080"}, "The height must be a number of pixels from 16 to 8000."),
        ({"width": True}, "The width must be a number of pixels from 16 to 8000."),
        ({"deliver_width": 9000}, "The deliver width must be a number of pixels from 16 to 8000."),
        ({"max_bytes": 0}, "The largest file must be a number of bytes"),
        ({"safe_zone": [0.1]}, "The safe zone must say left, top, right and bottom."),
        ({"safe_zone": {"top": 0.5}}, "The safe zone's top must be a fraction from 0 to 0.5."),
        ({"safe_zone": {"top": "14%"}}, "The safe zone's top must be a fraction from 0 to 0.5."),
        ({"text_in_image": "maybe"}, "Text in the image must be one of allowed, required, limited, forbidden"),
        ({"file_types": ["gif"]}, "The placement must take one of the files that are made here: jpeg, jpg, png, png8, webp."),
    ],
)
def test_staff_are_told_what_is_wrong_with_a_placement_and_nothing_is_kept(change: dict[str, object], sentence: str) -> None:
    (head,) = placements("meta_ig_stories")
    with pytest.raises(ValueError, match="^" + sentence.replace("(", r"\(")):
        publish_version(by=None, head=head, data={**head.current.data, **change})  # type: ignore[union-attr]
    assert head.versions.count() == 1


def test_staff_edit_rules_as_rows_and_each_edit_is_a_version(client: Client, sam: User) -> None:
    (head,) = placements("meta_ig_stories")
    client.force_login(sam)
    page = f"/admin/templates_app/placement/{head.pk}/change/"
    shown = client.get(page).content.decode()
    assert '<option value="button" selected>' in shown and "Meta adds its own button" in shown
    sent = {"title": head.title, "platform": head.platform, "kind": head.kind, "position": head.position, "note": "Read again"}
    sent |= {"versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0, "data": json.dumps(head.current.data)}  # type: ignore[union-attr]
    rules = {"rules-rule": ["button", "words", ""], "rules-value": ["false", "12", ""]}
    rules |= {"rules-source": ["Meta", "Our own"] + [""], "rules-read": ["2026-11-26", "2026-11", ""]}
    assert client.post(page, {**sent, **rules}).status_code == 302
    head.refresh_from_db()
    assert head.current is not None and head.current.number == 2 and head.current.note == "Read again"
    spec = head.current.spec()
    assert (spec.rule("button"), spec.rule("words")) == (False, 12)
    assert {rule.name: rule.read for rule in spec.rules} == {"button": "2026-11-26", "words": "2026-11"}
    wrong = client.post(page, {**sent, **rules, "rules-value": ["false", "many", ""]}).content.decode()
    assert "needs a whole number from 1 to 200" in wrong and head.versions.count() == 2
