"""From an order to its files, whatever happens on the way."""

from __future__ import annotations

import hashlib
import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from accounts.models import Brand, User
from generations import actions, pipeline, queries, states, tasks, tries, writing
from generations.models import Ad, Event, Generation, Photo, Picture, Step
from keeping import bell, store
from painting.builtin import Builtin
from painting.engine import EngineError, Painted, PictureOrder, Progress
from prompting.brief import Brief
from templates_app.models import AdTemplate
from tests.people import bottle_png, placements


def test_an_order_ends_in_finished_files_with_a_record_of_how_they_were_made(order: Generation) -> None:
    ended = pipeline.run(order.pk)
    assert ended.status == Generation.Status.READY
    for ad in Ad.objects.filter(picture__generation=order).select_related("file", "placement__placement", "picture"):
        assert ad.file is not None
        data = store.read(ad.file)
        assert hashlib.sha256(data).hexdigest() == ad.file.sha256
        assert Image.open(io.BytesIO(data)).size == (ad.placement.width, ad.placement.height)
        assert ad.file.bytes <= ad.placement.data["max_bytes"]
        assert ad.recipe["raw_pixels"] == ad.picture.pixels and ad.recipe["template"]["hash"]
        assert ad.alt and ad.checks
    kinds = list(Step.objects.filter(generation=order).values_list("kind", flat=True))
    assert sorted(kinds) == ["finish", "finish", "paint", "paint", "write"]
    assert Event.objects.filter(generation=order, kind="generation.ready").count() == 1


def test_the_same_seed_gives_the_same_picture_and_the_same_ads_before_marks(
    brand: Brand, template: AdTemplate, photo: Photo, order: Generation, anew: None
) -> None:
    again = actions.order_generation(
        by=None,
        brand=brand,
        template=template,
        brief=order.brief,
        placements=placements("google_display_300x250", "google_display_250x250"),
        photos=[photo],
        seed=7,
    )
    for one in (order, again):
        pipeline.run(one.pk)
    same = [
        [
            sorted(made.pictures.values_list("shape", "pixels")),
            sorted(Ad.objects.filter(picture__generation=made).values_list("placement", "pixels")),
        ]
        for made in (order, again)
    ]
    assert same[0] == same[1]


def test_a_template_without_a_photo_is_made_from_words_alone(brand: Brand, text_template: AdTemplate) -> None:
    made = actions.order_generation(
        by=None,
        brand=brand,
        template=text_template,
        brief=Brief.read({"headline": "Open doors"}),
        placements=placements("google_display_250x250"),
    )
    assert pipeline.run(made.pk).status == Generation.Status.READY


def test_a_photo_without_a_sure_cutout_stands_in_the_templates_frame(brand: Brand, template: AdTemplate, photo: Photo) -> None:
    Photo.objects.filter(pk=photo.pk).update(confidence=0.1)
    made = actions.order_generation(
        by=None,
        brand=brand,
        template=template,
        brief=Brief.read({"headline": "Framed"}),
        placements=placements("google_display_250x250"),
        photos=[Photo.objects.get(pk=photo.pk)],
    )
    assert pipeline.run(made.pk).status == Generation.Status.READY
    assert made.pictures.get().facts["frame"]


class Trouble(Builtin):
    """An engine that fails as often as it is told before it paints."""

    def __init__(self, error: EngineError, times: int) -> None:
        super().__init__()
        self.error, self.times, self.calls = error, times, 0

    def paint(self, order: PictureOrder, on_progress: Callable[[Progress], None]) -> Painted:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return super().paint(order, on_progress)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    def use(chosen: Any) -> Any:
        monkeypatch.setattr(pipeline, "engine_named", lambda name: chosen)
        monkeypatch.setattr(tries, "PAUSE", 0.01)
        return chosen

    return use


def test_a_passing_fault_is_tried_again(order: Generation, engine: Callable[[Any], Any]) -> None:
    trouble = engine(Trouble(EngineError("The server went away.", code="gone"), times=2))
    assert pipeline.run(order.pk).status == Generation.Status.READY
    assert trouble.calls == 2 + order.pictures.count()


def test_a_fault_that_stays_ends_in_a_sentence(order: Generation, engine: Callable[[Any], Any]) -> None:
    trouble = engine(Trouble(EngineError("No server has this model.", code="model_missing", permanent=True), times=99))
    assert pipeline.run(order.pk).status == Generation.Status.FAILED
    assert trouble.calls == order.pictures.count()
    picture = order.pictures.get(shape="4:3")
    assert (picture.error_code, picture.error_message) == ("model_missing", "No server has this model.")
    assert set(picture.ads.values_list("status", flat=True)) == {Ad.Status.FAILED}


def test_after_five_tries_it_is_over(order: Generation, engine: Callable[[Any], Any]) -> None:
    trouble = engine(Trouble(EngineError("Busy.", code="busy"), times=99))
    assert pipeline.run(order.pk).status == Generation.Status.FAILED
    assert trouble.calls == 5 * order.pictures.count()


def test_some_ready_and_some_not_is_partly(order: Generation, engine: Callable[[Any], Any]) -> None:
    engine(Trouble(EngineError("No.", code="no", permanent=True), times=1))
    assert pipeline.run(order.pk).status == Generation.Status.PARTLY


def test_the_brand_with_the_fewest_pictures_in_work_comes_first(
    order: Generation, eve: User, template: AdTemplate, brand: Brand, photo: Photo
) -> None:
    hers = actions.order_generation(
        by=eve,
        brand=eve.brands.get(),
        template=template,
        brief=Brief.read({"headline": "Mine"}),
        placements=placements("google_display_250x250"),
        photos=[actions.add_photo(by=eve, brand=eve.brands.get(), data=bottle_png())],
    )
    Generation.objects.update(status=Generation.Status.MAKING)
    first = queries.next_pictures(states.db_now()).first()
    assert first is not None and first.generation == order, "the older order, while nobody's is being made"
    Picture.objects.filter(pk=first.pk).update(status=Picture.Status.PAINTING, lease_until=states.db_now() + 60_000)
    after = queries.next_pictures(states.db_now()).first()
    assert after is not None and after.generation == hers


def test_the_sweep_rings_for_what_is_open_and_in_nobodys_hands(order: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[tuple[str, str]] = []
    monkeypatch.setattr(tasks, "ring", lambda task, pk: rung.append((task.name.rpartition(".")[2], str(pk))))
    tasks.sweep()
    assert rung == [("write_generation", str(order.pk))]
    rung.clear()
    states.claim(order)
    tasks.sweep()
    assert rung == []


def test_the_sweep_ends_an_order_whose_worker_died_before_the_sum(order: Generation) -> None:
    pipeline.run(order.pk)
    Generation.objects.filter(pk=order.pk).update(status=Generation.Status.MAKING)
    tasks.sweep()
    assert Generation.objects.get(pk=order.pk).status == Generation.Status.READY


def test_a_bell_that_does_not_ring_does_not_fail_the_order(
    order: Generation, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def dead(*args: Any, **kwargs: Any) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(tasks.write_generation, "apply_async", dead)
    with django_capture_on_commit_callbacks(execute=True):
        bell.ring(tasks.write_generation, order.pk)


WORKER = """
import sys, time
from uuid import UUID
import django
django.setup()
from generations import pipeline, writing
from painting.builtin import Builtin
class Slow(Builtin):
    def paint(self, order, on_progress):
        print("painting", flush=True)
        time.sleep(60)
pipeline.engine_named = lambda name: Slow()
writing.write(UUID(sys.argv[1]))
pipeline.make_next()
"""


@pytest.mark.chaos
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_is_followed_by_another_that_finishes(
    order: Generation, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The killed worker is a process of its own; its picture is swept up when the lease has run out, and made alone in a third process."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "adsgem.settings",
        "ADSGEM_DATA": str(settings.DATA_DIR),
        "DATABASE_URL": _url(settings),
        "LEASE_SECONDS": "1",
        "HEARTBEAT_SECONDS": "0.2",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(order.pk)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None and worker.stdout.readline() == "painting\n"
    held = Picture.objects.get(generation=order, status=Picture.Status.PAINTING)
    assert not states.claim(held)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    deadline = time.monotonic() + 20
    while not Generation.objects.get(pk=order.pk).is_final:
        assert time.monotonic() < deadline
        tasks.sweep()
        pipeline.make_next()
        time.sleep(0.1)
    picture = Picture.objects.get(pk=held.pk)
    assert Generation.objects.get(pk=order.pk).status == Generation.Status.READY
    assert (picture.status, picture.deaths) == (Picture.Status.READY, 1) and picture.attempt >= 2


def _url(settings: Any) -> str:
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{database['NAME']}"
    return f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


class Counted(Builtin):
    """Counts how often it paints."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def paint(self, order: PictureOrder, on_progress: Callable[[Progress], None]) -> Painted:
        self.calls += 1
        return super().paint(order, on_progress)


def test_a_picture_that_was_painted_and_kept_is_not_painted_again(
    order: Generation, engine: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker loses its picture in the moment in which it wants to say that it is painted."""
    counted = engine(Counted())
    move, lost = states.move, []

    def lose_once(row: Any, to: str, **fields: Any) -> bool:
        if isinstance(row, Picture) and to == Picture.Status.FINISHING and row.pk not in lost:
            lost.append(row.pk)
            raise OSError("the database went away")
        return bool(move(row, to, **fields))

    monkeypatch.setattr(states, "move", lose_once)
    assert pipeline.run(order.pk).status == Generation.Status.READY
    assert len(lost) == counted.calls == order.pictures.count()


def test_a_flat_picture_is_painted_once_more_and_then_given_up(order: Generation, engine: Callable[[Any], Any]) -> None:
    class Flat(Counted):
        def paint(self, order: PictureOrder, on_progress: Callable[[Progress], None]) -> Painted:
            made, buffer = super().paint(order, on_progress), io.BytesIO()
            Image.new("RGB", order.shape.size, "#808080").save(buffer, "PNG")
            return Painted(image=buffer.getvalue(), geometry=made.geometry)

    flat = engine(Flat())
    assert pipeline.run(order.pk).status == Generation.Status.FAILED
    assert flat.calls == 2 * order.pictures.count()
    assert {picture.error_code for picture in order.pictures.all()} == {"flat_picture"}


def test_the_picture_of_another_order_is_not_taken_for_ours(
    order: Generation, brand: Brand, template: AdTemplate, photo: Photo, engine: Callable[[Any], Any]
) -> None:
    pipeline.run(order.pk)
    stolen = {picture.shape: picture for picture in order.pictures.select_related("raw")}

    class Mixed(Builtin):
        def paint(self, order: PictureOrder, on_progress: Callable[[Progress], None]) -> Painted:
            theirs = stolen[order.shape.id]
            return Painted(image=store.read(theirs.raw), geometry=theirs.geometry)  # type: ignore[arg-type]

    engine(Mixed())
    shapes = placements("google_display_300x250", "google_display_250x250")
    theirs = actions.order_generation(
        by=None, brand=brand, template=template, brief=order.brief, placements=shapes, photos=[photo], seed=99
    )
    Picture.objects.update(engine="comfyui")  # the built-in engine has nobody's pictures but its own
    assert pipeline.run(theirs.pk).status == Generation.Status.FAILED
    assert {picture.error_code for picture in theirs.pictures.all()} == {"not_ours"}


def test_the_same_photo_is_cut_out_once(brand: Brand, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions.photos, "cut_out", lambda *args, **kwargs: pytest.fail("it was cut out before"))
    again = actions.add_photo(by=None, brand=brand, data=bottle_png(), name="again.png")
    assert (again.cutout_id, again.confidence, again.cutout_method) == (photo.cutout_id, photo.confidence, photo.cutout_method)
    assert again.pk != photo.pk


def test_a_cut_out_that_a_person_marked_is_not_taken_over(brand: Brand, photo: Photo) -> None:
    actions.mark_product(by=None, photo=photo, box=(0.1, 0.1, 0.9, 0.9))
    again = actions.add_photo(by=None, brand=brand, data=bottle_png(), name="again.png")
    assert again.cutout_method != "marked"


def test_the_sweep_rings_no_more_bells_than_one_queue_should_hold(order: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(tasks, "ring", lambda task, pk: rung.append(task.name))
    monkeypatch.setattr(tasks, "_bells", lambda task: tasks.BELLS_AT_MOST)
    assert tasks.sweep() == 0 and rung == []
    monkeypatch.setattr(tasks, "_bells", lambda task: tasks.BELLS_AT_MOST - 1)
    writing.write(order.pk)
    assert tasks.sweep() == len(rung) == 1
