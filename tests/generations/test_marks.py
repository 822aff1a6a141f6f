"""Marks of finished files: who signed, what is hidden, what is on record, what is said to whoever books the ads."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from PIL import Image

from accounts.models import Brand, User
from finishing import certificates, examine, watermark
from finishing.c2pa_sign import sign
from finishing.certificates import Identity
from finishing.labels import words_for
from finishing.marks import MarkSpec, read_xmp
from generations import actions, download, marks, pipeline, signing
from generations.models import Ad, Fingerprint, Generation, Picture
from keeping import store
from keeping.thumbs import thumb
from prompting.brief import Brief
from templates_app.models import AdTemplate
from tests.people import PRODUCTS, placements

pytestmark = pytest.mark.django_db
WORDS = {"headline": "Wake up to glow", "cta": "Shop now", "product": "Radiance serum"}


def made(order: Generation) -> list[Ad]:
    pipeline.run(order.pk)
    return list(Ad.objects.filter(picture__generation=order).select_related("file", "placement__placement", "picture"))


def test_every_file_that_leaves_is_signed_marked_and_on_record(order: Generation) -> None:
    for ad in made(order):
        assert ad.file is not None
        data = store.read(ad.file)
        found = examine.examine(data, *signing.known())
        assert found.credentials and found.credentials.intact and found.credentials.ours
        assert found.credentials.source_type == found.source_type == "compositeSynthetic"
        assert found.number == marks.number_of(ad.pk) and found.ad_id == str(ad.pk)
        row = Fingerprint.objects.get(ad=ad.pk)
        assert (row.sha256, int(row.number, 16)) == (ad.file_id, found.number)
        assert len(data) <= ad.placement.spec().max_bytes  # type: ignore[operator] # these places have a limit
        told = next(check for check in ad.checks if check["rule"] == "marks")
        assert told["result"] == "pass" and "not on the C2PA trust list" in told["detail"]
        with Image.open(io.BytesIO(thumb(ad.file, "large"))) as small:
            assert read_xmp(small.info["xmp"]).source_type == "compositeSynthetic", "thumbnails keep what the file says of itself"


def test_marks_change_nothing_of_what_an_ad_is_before_them(order: Generation, brand: Brand, mia: User, template: AdTemplate) -> None:
    first = {ad.placement_id: ad for ad in made(order)}
    again = actions.order_generation(
        by=mia,
        brand=brand,
        template=template,
        brief=Brief.read(WORDS),
        placements=placements("google_display_300x250", "google_display_250x250"),
        photos=list(order.photos.all()),
        seed=7,
        label="on",
    )
    for ad in made(again):
        twin = first[ad.placement_id]
        assert ad.pixels == twin.pixels and ad.file_id != twin.file_id and "label" in ad.recipe["marks"]


def test_a_machine_without_a_certificate_makes_one_for_itself_alone(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    found = signing.usable_identity()
    assert found.own and certificates.look_at(found).algorithm == "es256"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "c2pa").glob("*.pem")} == {0o600}
    assert signing.usable_identity() == found


def test_a_certificate_that_cannot_sign_is_named_and_files_go_out_all_the_same(settings: Any, tmp_path: Path, order: Generation) -> None:
    (tmp_path / "chain.pem").write_bytes(certificates.make_chain()[0])
    (tmp_path / "key.pem").write_bytes(certificates.make_chain()[1])
    settings.C2PA_CERT, settings.C2PA_KEY = tmp_path / "chain.pem", tmp_path / "key.pem"
    with pytest.raises(certificates.CertificateError, match="does not belong to the first certificate"):
        signing.usable_identity()
    ad = made(order)[0]
    told = next(check for check in ad.checks if check["rule"] == "marks")
    assert ad.status == "ready" and told["result"] == "warn" and "not signed" in told["detail"]
    settings.C2PA_KEY = None
    with pytest.raises(certificates.CertificateError, match="belong together"):
        signing.usable_identity()


def test_a_photo_that_was_signed_stays_in_the_story_of_its_ads(brand: Brand, mia: User, template: AdTemplate) -> None:
    camera = Identity(*certificates.make_chain())
    plain = (PRODUCTS / "serum.jpg").read_bytes()
    spec = MarkSpec("algorithmicMedia", "Camera", "shot")
    photo = actions.add_photo(by=mia, brand=brand, data=sign(plain, "image/jpeg", spec, camera).data, name="serum.jpg")
    assert photo.credentials is not None
    order = actions.order_generation(
        by=mia, brand=brand, template=template, brief=Brief.read(WORDS), placements=placements("google_display_300x250"), photos=[photo]
    )
    ad = made(order)[0]
    assert ad.recipe["marks"]["photo"] is True and ad.file is not None
    data = store.read(ad.file)
    assert b"c2pa.placed" in data and b"Camera" in data
    found = examine.examine(data, *signing.known())
    assert found.credentials is not None and found.credentials.ours
    assert actions.add_photo(by=mia, brand=brand, data=plain).credentials is None


def ordered_from_a_model(order: Generation, markets: list[str], people: bool = False) -> Generation:
    """The order as if a model had painted it."""
    order.brief_data = {**order.brief_data, "markets": markets}
    order.facts = {"people": people}
    order.save()
    Picture.objects.filter(generation=order).update(engine="comfyui", facts={"checkpoint": "studio_xl"})
    return Generation.objects.get(pk=order.pk)


@pytest.mark.parametrize(
    ("engine", "photo", "origin"),
    [
        ("builtin", True, "compositeSynthetic"),
        ("builtin", False, "algorithmicMedia"),
        ("comfyui", True, "compositeWithTrainedAlgorithmicMedia"),
        ("openai", False, "trainedAlgorithmicMedia"),
    ],
)
def test_each_engine_has_its_own_source_type(engine: str, photo: bool, origin: str) -> None:
    assert marks.source_type(engine, with_photo=photo) == origin


def test_where_the_eu_asks_for_it_a_model_s_picture_is_labelled(order: Generation) -> None:
    origin = "compositeWithTrainedAlgorithmicMedia"
    assert marks.wants_label(ordered_from_a_model(order, ["Germany"]), origin)
    assert marks.wants_label(ordered_from_a_model(order, ["US", "eu"]), origin)
    assert not marks.wants_label(ordered_from_a_model(order, ["US"]), origin)
    assert not marks.wants_label(order, "compositeSynthetic"), "no AI, no label, unless somebody wants one"
    order.label = "on"
    assert marks.wants_label(order, "compositeSynthetic")
    order.label = "off"
    assert not marks.wants_label(ordered_from_a_model(order, []), origin)


def test_the_zip_says_what_to_tick_and_how_each_file_was_made(order: Generation) -> None:
    with zipfile.ZipFile(download.zip_of(finished(order))) as archive:
        plain = archive.read("labels.md").decode()
        told = json.loads(archive.read("provenance.json"))["assets"]
        assert set(told) == {name for name in archive.namelist() if name.endswith((".jpg", ".png"))}
    one = told["google/google_display_300x250-v1.jpg"]
    assert one["digital_source_type"] == "composite_synthetic" and "ai_tool" not in one and one["disclosure"] == {"required": False}
    assert one["embedded_provenance"][0]["standard"] == "c2pa" and one["watermarks"][0]["media_type"] == "image"
    assert "no model painted" in plain

    for ad in Ad.objects.filter(picture__generation=order):
        ad.recipe["marks"]["source_type"] = "compositeWithTrainedAlgorithmicMedia"
        ad.save()
    ordered_from_a_model(order, ["EU", "US"], people=True)
    with zipfile.ZipFile(download.zip_of(finished(order))) as archive:
        labels = archive.read("labels.md").decode()
        one = json.loads(archive.read("provenance.json"))["assets"]["google/google_display_300x250-v1.jpg"]
    assert "IS_SYNTHETIC" in labels and "New York" in labels and "Article 50" in labels and "not legal advice" in labels
    assert one["ai_tool"] == {"name": "ComfyUI", "version": "studio_xl"} and one["disclosure"]["required"] is True
    assert [each["country"] for each in one["disclosure"]["jurisdictions"]] == ["EU", "US"]
    assert one["disclosure"]["jurisdictions"][0]["label_text"] == words_for("compositeWithTrainedAlgorithmicMedia", "en") == "AI-modified"


def finished(order: Generation) -> Generation:
    pipeline.run(order.pk)
    return Generation.objects.get(pk=order.pk)


def test_what_is_too_small_for_the_mark_is_told_to_be() -> None:
    assert not watermark.fits(320, 50) and watermark.fits(200, 200)
    assert settings.MARK_PROMPT is False
