"""Whatever must not be is found and named; what can be mended without harm is mended, and is not found a second time."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import ledger
from accounts.models import Brand, Entry, Transfer
from generations import states, verify
from generations.models import Ad, Event, Generation, Photo, Picture, Step
from keeping import store
from keeping.claims import db_now
from keeping.models import Pause, StoredFile
from tests.people import stored_square

pytestmark = pytest.mark.django_db
A_DAY = 24 * 3600 * 1000


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "SETTLING_SECONDS", 0.0)


@pytest.fixture
def being_made(order: Generation) -> Generation:
    """Mia's order, written and not yet painted."""
    assert states.move(order, Generation.Status.WRITING) and states.move(order, Generation.Status.MAKING)
    return order


@pytest.fixture
def made(being_made: Generation) -> Generation:
    """The same order, ready, by the moves that every order takes; only the files are plain squares."""
    for number, picture in enumerate(being_made.pictures.all()):
        assert states.move(picture, Picture.Status.PAINTING)
        assert states.move(picture, Picture.Status.FINISHING, raw=stored_square(f"#0000{number:02x}"))
        for place, ad in enumerate(picture.ads.select_related("picture__generation")):
            assert states.move(ad, Ad.Status.FINISHING)
            assert states.move(ad, Ad.Status.READY, file=stored_square(f"#{place:02x}ff{number:02x}"))
        assert states.move(picture, Picture.Status.READY)
    assert states.settle(being_made)
    return being_made


def an_ad() -> Ad:
    ad = Ad.objects.select_related("picture__generation", "file").order_by("pk").first()
    assert ad is not None
    return ad


def a_picture() -> Picture:
    picture = Picture.objects.select_related("generation").order_by("pk").first()
    assert picture is not None
    return picture


def codes(**options: Any) -> set[str]:
    return {problem.code for problem in verify.verify(**options).problems}


def path_of(stored: StoredFile | None) -> Path:
    assert stored is not None
    return Path(default_storage.path(stored.name))


def found_then_mended(code: str, row: str) -> verify.Report:
    """The problem is found with its row, a repair mends it, and a second look finds nothing."""
    assert [(problem.code, problem.row) for problem in verify.verify().problems if problem.row == row] == [(code, row)]
    report = verify.verify(repair=True)
    assert (code, row) in {(problem.code, problem.row) for problem in report.repaired}
    again = verify.verify(repair=True)
    assert not again.problems and not again.repaired
    return report


def test_nothing_is_wrong_with_an_order_at_any_of_its_stages(made: Generation) -> None:
    report = verify.verify()
    assert not report.problems
    assert report.counts["ads"] == 2 and report.counts["files"] == report.counts["files_read"] == StoredFile.objects.count() > 4


def test_nothing_is_wrong_with_an_order_that_waits_or_was_cancelled(order: Generation) -> None:
    assert codes(rehash=False) == set()
    states.cancel(order)
    assert codes(rehash=False) == set() and Transfer.objects.filter(kind="void").count() == order.pictures.count()


def test_new_words_that_wait_over_a_ready_picture_are_no_problem(made: Generation) -> None:
    Ad.objects.filter(pk=an_ad().pk).update(status=Ad.Status.WAITING, file=None)
    assert codes(rehash=False) == set()


# --- rows


def test_an_order_that_nobody_summed_up_is_settled(made: Generation) -> None:
    Generation.objects.filter(pk=made.pk).update(status=Generation.Status.MAKING)
    found_then_mended("unsettled", f"Generation {made.pk}")
    made.refresh_from_db()
    assert made.status == Generation.Status.READY


def test_an_order_that_a_worker_sums_up_in_this_moment_is_no_problem(made: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    Generation.objects.filter(pk=made.pk).update(status=Generation.Status.MAKING)
    monkeypatch.setattr(verify.time, "sleep", lambda seconds: states.settle(made))
    assert codes(rehash=False) == set()


def held_too_long(row: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(lease_until=db_now() + A_DAY)
    found_then_mended("dead_lease", f"{type(row).__name__} {row.pk}")
    row.refresh_from_db()
    assert row.lease_until is None and row.status not in row.FINAL


def test_an_order_that_is_held_longer_than_any_lease_is_put_down(order: Generation) -> None:
    held_too_long(order)


def test_a_picture_that_is_held_longer_than_any_lease_is_put_down(being_made: Generation) -> None:
    held_too_long(a_picture())


def test_an_ad_that_is_held_longer_than_any_lease_is_put_down(made: Generation) -> None:
    Ad.objects.filter(pk=an_ad().pk).update(status=Ad.Status.FINISHING, file=None)
    held_too_long(an_ad())


def test_a_picture_in_a_workers_hands_is_no_problem(being_made: Generation) -> None:
    assert states.claim(a_picture())
    assert codes(rehash=False) == set()
    Picture.objects.update(lease_until=1)  # that worker died, and the next one may take it
    assert codes(rehash=False) == set()


def test_a_picture_whose_next_try_would_come_too_late_is_tried_at_once(being_made: Generation) -> None:
    picture = a_picture()
    Picture.objects.filter(pk=picture.pk).update(run_after=being_made.deadline + 1)
    found_then_mended("after_deadline", f"Picture {picture.pk}")
    assert states.claim(a_picture())


def test_new_words_that_would_be_tried_in_a_week_are_tried_at_once(made: Generation) -> None:
    Ad.objects.filter(pk=an_ad().pk).update(status=Ad.Status.WAITING, file=None, run_after=db_now() + 7 * A_DAY)
    found_then_mended("after_deadline", f"Ad {an_ad().pk}")


def test_an_order_that_is_open_after_its_deadline_is_named(being_made: Generation) -> None:
    Generation.objects.filter(pk=being_made.pk).update(deadline=db_now() - 2 * verify.SPARE_SECONDS * 1000)
    (problem,) = verify.verify(repair=True).problems
    assert (problem.code, problem.row) == ("overdue", f"Generation {being_made.pk}") and "after its deadline" in problem.sentence


def test_an_ended_order_with_an_open_picture_is_named(being_made: Generation) -> None:
    Generation.objects.filter(pk=being_made.pk).update(status=Generation.Status.CANCELLED)
    (problem,) = verify.verify(repair=True).problems
    assert (problem.code, problem.row) == ("open_picture_of_ended_order", f"Generation {being_made.pk}")


def test_an_open_ad_of_a_cancelled_picture_is_named(order: Generation) -> None:
    states.cancel(order)
    Ad.objects.filter(pk=an_ad().pk).update(status=Ad.Status.WAITING)
    (problem,) = verify.verify(repair=True).problems
    assert (problem.code, problem.row) == ("open_ad_of_ended_picture", f"Ad {an_ad().pk}")


def test_a_ready_picture_without_a_file_is_named(made: Generation) -> None:
    Picture.objects.filter(pk=a_picture().pk).update(raw=None)
    (problem,) = verify.verify(repair=True).problems
    assert (problem.code, problem.row) == ("ready_without_file", f"Picture {a_picture().pk}")


def test_two_ready_pictures_of_one_job_are_both_named(brand: Brand, made: Generation) -> None:
    first = a_picture()
    twin = Picture.objects.create(
        generation=made, variation=2, shape=first.shape, seed=8, engine=first.engine, status="ready", job_id=first.job_id, raw=first.raw
    )
    ledger.hold(brand.pk, {twin.pk: 0})
    ledger.capture([twin.pk])
    problems = verify.verify(repair=True).problems
    assert {(problem.code, problem.row) for problem in problems} == {("shared_job", f"Picture {each.pk}") for each in (first, twin)}


def test_a_hole_in_a_brands_events_is_found(brand: Brand, made: Generation) -> None:
    Event.objects.filter(brand=brand, seq=2).delete()
    (problem,) = verify.verify(repair=True).problems
    assert (problem.code, problem.row) == ("events_missing", f"Brand {brand.pk}")


def test_a_lost_newest_event_is_found_and_old_ones_may_go(brand: Brand, made: Generation) -> None:
    Event.objects.filter(brand=brand, seq__lte=2).delete()
    assert codes(rehash=False) == set()
    Brand.objects.filter(pk=brand.pk).update(event_seq=999)
    assert codes(rehash=False) == {"events_missing"}


# --- credits


def test_a_ready_picture_that_was_not_paid_is_paid(being_made: Generation) -> None:
    for picture in being_made.pictures.all():
        picture.ads.update(status=Ad.Status.READY, file=stored_square())
    being_made.pictures.update(status=Picture.Status.READY, raw=stored_square())
    Generation.objects.update(status=Generation.Status.READY)
    pictures = list(being_made.pictures.all())
    report = verify.verify()
    assert {(each.code, each.row) for each in report.problems} == {("unresolved", f"Picture {each.pk}") for each in pictures}
    assert "0 capture(s)" in report.problems[0].sentence
    assert not verify.verify(repair=True).problems
    assert Transfer.objects.filter(kind="capture", object_id__in=[each.pk for each in pictures]).count() == len(pictures)
    assert not verify.verify(repair=True).repaired


@pytest.mark.parametrize("status", ["failed", "refused", "cancelled"])
def test_a_picture_that_ended_without_being_ready_costs_nothing_in_the_end(order: Generation, status: str) -> None:
    order.pictures.update(status=status)
    Ad.objects.update(status=Ad.Status.CANCELLED)
    Generation.objects.update(status=Generation.Status.CANCELLED)
    found_then_mended("unresolved", f"Picture {a_picture().pk}")
    assert Transfer.objects.filter(kind="void", object_id=a_picture().pk).count() == 1


def test_credits_given_back_for_a_ready_picture_are_named_and_left_to_people(being_made: Generation) -> None:
    ledger.void([each.pk for each in being_made.pictures.all()])
    assert codes(rehash=False, repair=True) == {"wrong_credits"}


def test_a_picture_without_a_hold_is_named(being_made: Generation) -> None:
    stray = Picture.objects.create(generation=being_made, variation=3, shape="1:1", seed=1, engine="builtin")
    (problem,) = verify.verify(repair=True).problems
    assert (problem.code, problem.row) == ("wrong_credits", f"Picture {stray.pk}") and "0 hold(s)" in problem.sentence


def test_books_that_do_not_balance_are_named(brand: Brand, sam: Any) -> None:
    transfer = ledger.grant(brand, 5, reason="Welcome", by=sam)
    account = transfer.entries.get(amount=5).account
    other = ledger.grant(Brand.objects.create(name="Other", slug="other"), 1, reason="Welcome", by=sam)
    Entry.objects.create(transfer=other, account=account, amount=3)
    problems = verify.verify(repair=True).problems
    assert {problem.code for problem in problems} == {"ledger"} and "All entries together are +3" in problems[0].sentence


# --- files


def flip(path: Path) -> None:
    """One bit of a file, somewhere in its middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm, word", [(Path.unlink, "gone"), (flip, "its bytes are not"), (lambda path: path.write_bytes(b"short"), "5 bytes and not")]
)
def test_a_damaged_ad_fails_with_a_sentence_and_can_be_made_again(made: Generation, harm: Callable[[Path], Any], word: str) -> None:
    ad = an_ad()
    Step.objects.create(
        kind="finish", subject=ad.pk, ad=ad, picture=ad.picture, generation=made, input_hash="a" * 64, who="x", output=ad.file
    )
    file, good = ad.file, store.read(ad.file)  # type: ignore[arg-type]
    harm(path_of(file))
    problems = verify.verify().problems
    assert {(problem.code, problem.row) for problem in problems} == {("ad_file", f"Ad {ad.pk}"), ("file", f"StoredFile {file.pk}")}  # type: ignore[union-attr]
    assert all(word in problem.sentence for problem in problems)
    report = verify.verify(repair=True)
    assert not report.problems and len(report.repaired) == 2
    ad.refresh_from_db()
    assert (ad.status, ad.error_code, ad.error_message) == ("failed", "file_damaged", verify.DAMAGED)
    assert ad.file_id is None and Event.objects.filter(kind="ad.failed", object_id=ad.pk).count() == 1
    assert not path_of(file).exists() and not StoredFile.objects.filter(pk=file.pk).exists()  # type: ignore[union-attr]
    again = verify.verify(repair=True)
    assert not again.problems and not again.repaired
    assert store.read(store.keep(good, type="image/png")) == good


def test_an_ad_that_has_another_file_by_now_is_left_alone(made: Generation) -> None:
    ad = an_ad()
    Ad.objects.filter(pk=ad.pk).update(file=stored_square("#123456"))
    assert not verify.mark_damaged(ad)
    assert an_ad().status == Ad.Status.READY and not Event.objects.filter(kind="ad.failed").exists()


def test_a_damaged_photo_is_named_with_who_needs_it_and_never_thrown_away(made: Generation) -> None:
    photo = Photo.objects.get()
    flip(path_of(photo.file))
    (problem,) = verify.verify(repair=True).problems
    assert (problem.code, problem.row) == ("file", f"StoredFile {photo.file_id}") and f"needed by Photo {photo.pk}" in problem.sentence
    assert path_of(photo.file).exists()
    assert codes(rehash=False) == set(), "its length is right, and nobody asked for more"


def test_a_damaged_file_is_left_alone_while_a_backup_copies(made: Generation) -> None:
    stored = stored_square("#abcdef")
    path_of(stored).unlink()  # type: ignore[arg-type]
    Pause.objects.update_or_create(pk=Pause.ONLY, defaults={"until": db_now() + 60_000})
    assert codes(repair=True) == {"file"}
    Pause.objects.update(until=0)
    assert not verify.verify(repair=True).problems and not StoredFile.objects.filter(pk=stored.pk).exists()  # type: ignore[attr-defined]


def test_a_disk_that_is_not_there_fails_no_ad(made: Generation, settings: Any, tmp_path: Path) -> None:
    """An empty folder where the disk should be: every file seems to be gone, and all of them are well."""
    kept, rows = settings.STORAGES, StoredFile.objects.count()
    settings.STORAGES = {**kept, "default": {**kept["default"], "OPTIONS": {"location": tmp_path}}}
    report = verify.verify(repair=True)
    assert not report.repaired and report.problems[0].code == "many_files" and f"{rows} of {rows} files" in report.problems[0].sentence
    assert StoredFile.objects.count() == rows and Ad.objects.filter(status=Ad.Status.READY).count() == 2
    settings.STORAGES = kept
    assert not verify.verify(repair=True).problems


def test_files_that_are_really_lost_are_given_up_when_a_person_says_so(made: Generation, settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}}
    with pytest.raises(SystemExit):
        call_command("verify", "--repair", "--even-many")
    assert {ad.error_code for ad in Ad.objects.all()} == {"file_damaged"}


def test_a_file_that_cannot_be_read_is_damaged(made: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(stored: StoredFile) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(verify.store, "size", broken)
    problems = verify.verify(rehash=1).problems
    assert "cannot be read (Input/output error)" in problems[-1].sentence


def test_a_sample_looks_at_that_many_files(made: Generation) -> None:
    counts = verify.verify(rehash=3).counts
    assert counts["files"] == counts["files_read"] == 3
    path_of(an_ad().file).unlink()
    assert codes(rehash=StoredFile.objects.count()) == {"ad_file", "file"}


def test_a_file_that_no_row_knows_is_counted_and_a_problem_after_a_day() -> None:
    before = verify.verify(rehash=False)
    name = default_storage.save("ab/" + uuid.uuid4().hex * 2 + ".png", ContentFile(b"lost"))
    try:
        report = verify.verify(rehash=False)
        assert report.counts["files_without_row"] == before.counts["files_without_row"] + 1 and not report.problems
        long_ago = time.time() - 25 * 3600
        os.utime(default_storage.path(name), (long_ago, long_ago))
        (problem,) = verify.verify(rehash=False).problems
        assert (problem.code, problem.row) == ("unknown_file", f"File {name}")
    finally:
        default_storage.delete(name)


# --- the command


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    try:
        call_command("verify", *arguments)
        code = 0
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    return code, capsys.readouterr().out


def test_staff_are_told_in_lines_and_by_the_exit_code(made: Generation, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys=capsys)
    assert code == 0 and "2 ads" in said and said.strip().endswith("nothing is wrong.")
    ad = an_ad()
    path_of(ad.file).unlink()
    code, said = run(capsys=capsys)
    assert code == 1 and f"wrong: Ad {ad.pk}: it is ready, but its file {ad.file} is gone." in said and "2 problems." in said
    code, said = run("--repair", capsys=capsys)
    assert code == 0 and f"mended: Ad {ad.pk}" in said and "nothing is wrong, 2 mended." in said


def test_machines_are_told_in_one_json_object(made: Generation, capsys: pytest.CaptureFixture[str]) -> None:
    path_of(an_ad().file).unlink()
    code, said = run("--json", capsys=capsys)
    found = json.loads(said)
    assert code == 1 and found["ok"] is False and found["counts"]["problems"] == 2
    assert found["problems"][0]["code"] == "ad_file" and found["problems"][0]["row"] == f"Ad {an_ad().pk}"
    assert run("--json", "--sample", "0", capsys=capsys)[0] == 0


def test_a_long_report_names_some_and_counts_all(
    made: Generation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify, "LINES_AT_MOST", 1)
    path_of(an_ad().file).unlink()
    code, said = run(capsys=capsys)
    assert code == 1 and said.count("wrong:") == 1 and "... and 1 more problems." in said


def questions() -> int:
    with CaptureQueriesContext(connection) as asked:
        assert not verify.verify(rehash=0).problems
    return len(asked)


def test_a_thousand_orders_cost_as_many_questions_as_one(order: Generation) -> None:
    before = questions()
    copies = [Generation(**{**plain(order), "id": uuid.uuid4()}) for _ in range(1000)]
    Generation.objects.bulk_create(copies)
    pictures = [Picture(generation=each, variation=1, shape="1:1", seed=1, engine="builtin") for each in copies]
    Picture.objects.bulk_create(pictures)
    ledger.hold(order.brand_id, {each.pk: 0 for each in pictures})
    assert questions() == before


def plain(order: Generation) -> dict[str, Any]:
    fields = ("brand_id", "template_version_id", "brief_data", "seed", "status", "deadline")
    return {name: getattr(order, name) for name in fields}
