"""Orders, workers that die, cancels and new words in any order: the rows never say what must not be (RELIABILITY: the pure model twin).

A story is told inside the test's own transaction, so nothing works beside it: a worker is a row in somebody's hands as that one saw it
last, and time passes when the story says so. A story that goes wrong is shrunk to its shortest form.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.db.models import F, QuerySet
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from accounts import ledger
from accounts.actions import publish_price
from accounts.models import Brand, Price, Transfer, User
from finishing.shapes import SHAPES
from generations import actions, breakers, pipeline, queries, states, tries
from generations.models import Ad, Breaker, Generation, Picture
from keeping.claims import after, in_nobodys_hands
from keeping.models import StoredFile
from painting.builtin import Builtin
from prompting.brief import Brief, BriefError
from prompting.writer import PromptPlan
from templates_app.models import AdTemplate
from tests.people import placements, stored_square

FULL = os.environ.get("CHAOS") == "full"
PLAN = PromptPlan("A table in the sun", "no text", "A bottle on a table").as_data()
PLACES = ("google_display_250x250", "google_display_300x250", "meta_ig_stories")
PRICES = {shape: 1 if shape == "1:1" else 2 for shape in SHAPES}
ROWS: tuple[type[Any], ...] = (Generation, Picture, Ad)
OPEN: dict[type[Any], tuple[str, ...]] = {Generation: states.UNWRITTEN, Picture: queries.OPEN_PICTURES, Ad: queries.OPEN_ADS}
WHICH = st.integers(0, 30)
Row = Generation | Picture | Ad


@dataclass
class World:
    """What every story begins with."""

    brand: Brand
    mia: User
    template: AdTemplate
    square: StoredFile


class Story(RuleBasedStateMachine):
    """One brand's orders, and whoever works at them."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.hands: list[Row] = []
        self.seen: dict[Any, tuple[str, int]] = {}
        self.given = 0

    def teardown(self) -> None:
        """The next story begins with the same rows."""
        transaction.set_rollback(True)
        self.whole.__exit__(None, None, None)

    # --- what people do

    @initialize(number=st.integers(1, 12))
    def a_welcome(self, number: int) -> None:
        self.top_up(number)

    @rule(number=st.integers(1, 4))
    def top_up(self, number: int) -> None:
        ledger.grant(self.world.brand, number, reason="Welcome", by=None)
        self.given += number

    @rule(variations=st.integers(1, 2), slugs=st.sets(st.sampled_from(PLACES), min_size=1, max_size=2))
    def order(self, variations: int, slugs: set[str]) -> None:
        places = placements(*sorted(slugs))
        cost = variations * sum(PRICES[shape] for shape in {place.current.shape.id for place in places if place.current})
        before, available = Generation.objects.count(), ledger.balance(self.world.brand).available
        what: dict[str, Any] = {"template": self.world.template, "brief": Brief.read({"headline": "Open doors"}), "seed": 7}
        try:
            actions.order_generation(by=self.world.mia, brand=self.world.brand, placements=places, variations=variations, **what)
        except actions.CreditsMissing:
            assert cost > available and Generation.objects.count() == before
        else:
            assert cost <= available and Generation.objects.count() == before + 1

    @precondition(lambda self: Generation.objects.exists())
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        generation = pick(Generation.objects.order_by("created_at"), which)
        stoppable = generation.status in states.UNWRITTEN or generation.pictures.filter(status__in=queries.OPEN_PICTURES).exists()
        assert actions.cancel_generation(by=self.world.mia, generation=generation) == stoppable
        assert Generation.objects.get(pk=generation.pk).is_final

    @precondition(lambda self: Picture.objects.exclude(raw=None).exists())
    @rule(which=WHICH, variation=st.sampled_from([None, 1]))
    def new_words(self, which: int, variation: int | None) -> None:
        painted = Generation.objects.filter(pictures__raw__isnull=False).distinct().order_by("created_at")
        words = {"headline": "Come in"}
        # Nothing is left to lay them over when all its pictures have failed since.
        with contextlib.suppress(BriefError):
            actions.change_copy(by=self.world.mia, generation=pick(painted, which), words=words, variation=variation)

    @precondition(lambda self: Generation.objects.filter(status__in=Generation.FINAL).exists())
    @rule(which=WHICH)
    def once_more(self, which: int) -> None:
        """What failed or was stopped is ordered again: only then does something that had ended go on."""
        generation = pick(Generation.objects.filter(status__in=Generation.FINAL).order_by("created_at"), which)
        missing = generation.pictures.filter(status__in=Picture.FINAL).exclude(status=Picture.Status.READY)
        cost, available = sum(missing.values_list("credits", flat=True)), ledger.balance(self.world.brand).available
        try:
            opened = actions.retry_generation(by=self.world.mia, generation=generation)
        except actions.CreditsMissing:
            assert cost > available and again(generation).is_final
            return
        assert set(missing.values_list("pk", flat=True)) == set() and cost <= available
        assert bool(opened) or again(generation).status == generation.status
        for pk in [generation.pk, *opened, *Ad.objects.filter(picture__in=opened).values_list("pk", flat=True)]:
            self.seen.pop(pk, None)

    # --- what workers do

    @precondition(lambda self: any(free_rows()))
    @rule(which=WHICH)
    def claim(self, which: int) -> None:
        free = free_rows()
        self.take(free[which % len(free)])

    @precondition(lambda self: self.hands)
    @rule(which=WHICH)
    def reach_for_what_another_holds(self, which: int) -> None:
        row = again(self.hands[which % len(self.hands)])
        if row.status not in row.FINAL and row.lease_until is not None and row.lease_until > states.db_now() + 1000:
            assert not states.claim(row)

    @precondition(lambda self: self.hands)
    @rule(which=WHICH, steps=st.integers(1, 4))
    def step(self, which: int, steps: int) -> None:
        """A worker takes its row some steps on, or finds that it has lost it."""
        self.go_some_steps_with(self.hands[which % len(self.hands)], steps)

    @precondition(lambda self: self.hands)
    @rule(which=WHICH)
    def die(self, which: int) -> None:
        """What a dead worker held is free when the lease is over."""
        self.hands.pop(which % len(self.hands))

    @precondition(lambda self: self.hands)
    @rule(which=WHICH, steps=st.integers(0, 2))
    def freeze(self, which: int, steps: int) -> None:
        """A worker stands still until its lease is over and another has its row. It does not know that when it goes on."""
        row = self.hands[which % len(self.hands)]
        ours = type(row).objects.filter(pk=row.pk, attempt=row.attempt, lease_until__isnull=False)
        ours.update(lease_until=states.db_now() - 1)
        if row.pk in {free.pk for free in free_rows()}:
            self.take(again(row))
        self.go_some_steps_with(row, steps)

    @precondition(lambda self: self.held(Picture))
    @rule(which=WHICH, refused=st.booleans())
    def give_a_picture_up(self, which: int, refused: bool) -> None:
        """It can never be painted. A worker who has lost it ends nothing."""
        picture = self.held(Picture)[which % len(self.held(Picture))]
        may_refuse = Picture.Status.REFUSED in states.MAY_FOLLOW[Picture][picture.status]
        self.end(picture, Picture.Status.REFUSED if refused and may_refuse else Picture.Status.FAILED)

    @precondition(lambda self: self.held(Ad))
    @rule(which=WHICH)
    def give_an_ad_up(self, which: int) -> None:
        ad = self.held(Ad)[which % len(self.held(Ad))]
        self.moved(ad, Ad.Status.FAILED, error_code="finish")

    @precondition(lambda self: self.hands)
    @rule(which=WHICH)
    def outage(self, which: int) -> None:
        """Nobody outside answers: the row is put down where it stands, and this was no try."""
        row = self.hands[which % len(self.hands)]
        fits, tried = self.fits(row), again(row).tries
        assert states.release(row, after_seconds=tries.PAUSE, pauses=F("pauses") + 1) == fits
        self.put_down(row)
        if fits:
            assert again(row).tries == tried - 1 and not states.claim(again(row))
            if isinstance(row, Picture):
                breakers.failed(row.engine, "Nobody answers.")

    @rule()
    def workers_go_on_to_the_end(self) -> None:
        """Left alone, everything ends: whoever holds something dies, and others take it until nothing is open."""
        for _ in range(60):
            self.hands.clear()
            self.time_passes(61)
            self.settle()
            free = free_rows()
            if not free:
                break
            for row in free:
                self.take(row)
                while self.hands:
                    self.statuses_move_only_along_the_table()
                    self.go_on_with(self.hands[-1])
        assert not Generation.objects.exclude(status__in=Generation.FINAL).exists()
        assert not Ad.objects.filter(status__in=queries.OPEN_ADS).exists()

    # --- what time and the sweep do

    @rule(seconds=st.sampled_from([7, 61]))
    def time_passes(self, seconds: int) -> None:
        """The clock is the database's, so instead of it every time is moved back."""
        past = seconds * 1000
        for model in ROWS:
            model.objects.update(lease_until=F("lease_until") - past, run_after=F("run_after") - past)
        Generation.objects.update(deadline=F("deadline") - past)
        Breaker.objects.update(open_until=F("open_until") - past, probe_until=F("probe_until") - past)
        Breaker.objects.filter(open_until__lt=0).update(open_until=1)  # 0 means that it was never opened

    @precondition(lambda self: Generation.objects.exclude(status__in=Generation.FINAL).exists())
    @rule(which=WHICH)
    def the_deadline_comes(self, which: int) -> None:
        late = pick(Generation.objects.exclude(status__in=Generation.FINAL).order_by("created_at"), which)
        Generation.objects.filter(pk=late.pk).update(deadline=states.db_now() - 1)
        pipeline.end_overdue(states.db_now())
        assert Generation.objects.get(pk=late.pk).is_final

    @rule()
    def settle(self) -> None:
        for generation in list(queries.unsettled_generations()):
            assert states.settle(generation)
            assert not states.settle(generation)

    @precondition(lambda self: Picture.objects.filter(status__in=Picture.FINAL).exists())
    @rule(which=WHICH, capture=st.booleans())
    def resolve_again(self, which: int, capture: bool) -> None:
        """Whoever pays or gives back once more moves nothing."""
        picture = pick(Picture.objects.filter(status__in=Picture.FINAL).order_by("created_at"), which)
        assert (ledger.capture if capture else ledger.void)([picture.pk]) == 0

    # --- what always holds

    @invariant()
    def statuses_move_only_along_the_table(self) -> None:
        for model in ROWS:
            for pk, status, attempt in model.objects.order_by().values_list("pk", "status", "attempt"):
                before, number = self.seen.get(pk, (status, attempt))
                may_follow = states.MAY_FOLLOW[model].get(before, frozenset())
                assert status == before or status in may_follow, f"{model.__name__} went from {before} to {status}"
                assert attempt >= number
                self.seen[pk] = status, attempt

    @invariant()
    def every_picture_is_paid_or_given_back_once_and_only_when_it_has_ended(self) -> None:
        told: dict[Any, Counter[str]] = {}
        for pk, kind in Transfer.objects.exclude(object_id=None).order_by().values_list("object_id", "kind"):
            told.setdefault(pk, Counter())[kind] += 1
        spent = held = 0
        for pk, status, price in Picture.objects.order_by().values_list("pk", "status", "credits"):
            resolution = ["capture"] if status == Picture.Status.READY else ["void"] if status in Picture.FINAL else []
            counts = told.pop(pk)
            before = ["hold", "void"] * (counts["hold"] - 1)  # it was ordered again, after it had been given back
            assert counts["hold"] >= 1 and counts == Counter([*before, "hold", *resolution]), status
            spent += price if status == Picture.Status.READY else 0
            held += price if status in queries.OPEN_PICTURES else 0
        assert told == {}
        assert ledger.balance(self.world.brand) == (self.given - spent - held, held)
        assert ledger.reconcile() == []

    @invariant()
    def nothing_is_open_in_what_has_ended(self) -> None:
        assert not Picture.objects.filter(generation__status__in=Generation.FINAL, status__in=queries.OPEN_PICTURES).exists()
        ended = Picture.FINAL - {Picture.Status.READY}
        assert not Ad.objects.filter(picture__status__in=ended, status__in=queries.OPEN_ADS).exists()
        assert not Ad.objects.filter(picture__status__in=ended, status=Ad.Status.READY).exists(), "a file that nobody paid"

    @invariant()
    def an_order_that_is_ready_has_something_to_show(self) -> None:
        shown = [Generation.Status.READY, Generation.Status.PARTLY]
        assert not Generation.objects.filter(status__in=shown).exclude(pictures__ads__status=Ad.Status.READY).exists()

    # --- how a worker goes on, one conditional UPDATE at a time

    def held(self, kind: type[Any]) -> list[Any]:
        return [row for row in self.hands if isinstance(row, kind)]

    def fits(self, row: Row) -> bool:
        """Whether the row still is as this worker saw it."""
        return type(row).objects.filter(pk=row.pk, status=row.status, attempt=row.attempt).exists()

    def put_down(self, row: Row) -> None:
        self.hands = [each for each in self.hands if each is not row]

    def take(self, row: Row) -> None:
        """Claim a free row; what has killed or failed its workers often enough is given up."""
        if isinstance(row, Picture) and not breakers.may_try(row.engine):
            return
        deaths, attempt, lost = row.deaths, row.attempt, row.lease_until is not None
        assert states.claim(row)
        assert (row.attempt, row.deaths) == (attempt + 1, deaths + lost)
        self.hands.append(row)
        if not tries.given_up(row):
            return
        if isinstance(row, Generation):
            assert states.fail(row, code="gave_up", sentence="Order again.")
            self.put_down(row)
        elif isinstance(row, Picture):
            self.end(row, Picture.Status.FAILED)
        else:
            self.moved(row, Ad.Status.FAILED, error_code="gave_up")

    def go_some_steps_with(self, row: Row, steps: int) -> None:
        for _ in range(steps):
            if any(each is row for each in self.hands):
                self.go_on_with(row)
                self.statuses_move_only_along_the_table()

    def go_on_with(self, row: Row) -> None:
        match row.status:
            case Generation.Status.WAITING if isinstance(row, Generation):
                self.moved(row, Generation.Status.WRITING)
            case Generation.Status.WRITING:
                self.moved(row, Generation.Status.MAKING, plan_data=PLAN, lease_until=None)
                self.put_down(row)
            case Picture.Status.WAITING if isinstance(row, Picture):
                self.moved(row, Picture.Status.PAINTING)
            case Picture.Status.PAINTING:
                breakers.worked(Builtin.name)
                self.moved(row, Picture.Status.FINISHING, raw=self.world.square)
            case Picture.Status.FINISHING if isinstance(row, Picture):
                self.finish(row)
            case Ad.Status.WAITING:
                self.moved(row, Ad.Status.FINISHING)
            case Ad.Status.FINISHING:
                self.moved(row, Ad.Status.READY, file=self.world.square)

    def moved(self, row: Row, to: str, **fields: Any) -> None:
        fits = self.fits(row)
        assert states.move(row, to, **fields) == fits
        if not fits or row.status in row.FINAL:
            self.put_down(row)

    def end(self, picture: Picture, to: str) -> None:
        fits = self.fits(picture)
        ours = Picture.objects.filter(pk=picture.pk, attempt=picture.attempt)
        assert states.end_pictures(ours, to, code="hopeless", sentence="No.") == ([picture.pk] if fits else [])
        self.put_down(picture)

    def finish(self, picture: Picture) -> None:
        """Its open ads one by one, then the picture itself; while another has one of them, the picture waits."""
        open_ads = picture.ads.filter(status__in=queries.OPEN_ADS).order_by("created_at")
        statuses = set(picture.ads.values_list("status", flat=True))
        if free := open_ads.filter(in_nobodys_hands(states.db_now())).first():
            self.take(free)
        elif statuses & set(queries.OPEN_ADS):
            fits = self.fits(picture)
            assert states.release(picture, after_seconds=tries.PAUSE) == fits
            self.put_down(picture)
        elif Ad.Status.READY in statuses:
            self.moved(picture, Picture.Status.READY)
        else:
            self.end(picture, Picture.Status.FAILED)


def pick(rows: QuerySet[Any], which: int) -> Any:
    return list(rows)[which % rows.count()]


def again(row: Row) -> Any:
    return type(row).objects.get(pk=row.pk)


def free_rows() -> list[Row]:
    """Everything that may be claimed now, in the order in which it was made."""
    now = states.db_now()
    ads = Ad.objects.filter(in_nobodys_hands(now), status__in=queries.OPEN_ADS, picture__raw__isnull=False)
    pictures = queries.next_pictures(now).order_by("created_at", "variation", "shape")
    return [*queries.open_generations(now).order_by("created_at"), *pictures, *ads.order_by("created_at")]


@pytest.fixture
def world(brand: Brand, mia: User, text_template: AdTemplate) -> World:
    publish_price(by=None, price=Price.objects.get(slug=Builtin.name), data={"credits": PRICES})
    Story.world = World(brand, mia, text_template, stored_square())  # type: ignore[arg-type]
    return Story.world


def tell(stories: int, steps: int, *, derandomize: bool) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    how: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": checks, "derandomize": derandomize}
    run_state_machine_as_test(Story, settings=settings(max_examples=stories, stateful_step_count=steps, **how))


def test_whatever_happens_in_whatever_order_every_picture_ends_once_and_is_paid_or_given_back_once(world: World) -> None:
    """The same stories each time; the long run tells new ones."""
    if FULL:
        tell(stories=100, steps=50, derandomize=False)
    else:
        tell(stories=18, steps=35, derandomize=True)


def greedy(row: Any) -> bool:
    """A claim that does not mind who holds the row."""
    won = type(row).objects.filter(pk=row.pk).update(attempt=F("attempt") + 1, lease_until=after(60))
    row.refresh_from_db()
    return bool(won)


def paid_anyway(ids: Any) -> int:
    """Giving back that keeps the credits."""
    return ledger.capture(ids)


def unfenced(move: Callable[..., bool]) -> Callable[..., bool]:
    """A move that does not look at the number of the claim."""

    def moves(row: Any, to: str, **fields: Any) -> bool:
        row.attempt = again(row).attempt
        return move(row, to, **fields)

    return moves


def a_cancelled_order(story: Story) -> None:
    story.cancel(0)
    story.every_picture_is_paid_or_given_back_once_and_only_when_it_has_ended()


def a_held_order(story: Story) -> None:
    story.claim(0)
    story.reach_for_what_another_holds(0)


def a_worker_that_was_frozen(story: Story) -> None:
    story.claim(0)
    story.freeze(0, steps=2)


@pytest.mark.parametrize(
    ("told", "room", "name", "wrong"),
    [
        (a_cancelled_order, ledger, "void", paid_anyway),
        (a_held_order, states, "claim", greedy),
        (a_worker_that_was_frozen, states, "move", unfenced(states.move)),
    ],
)
@pytest.mark.chaos
def test_a_story_finds_out_when_something_is_wrong(
    world: World, told: Callable[[Story], None], room: Any, name: str, wrong: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell_it() -> None:
        story = Story()
        try:
            story.a_welcome(number=5)
            story.order(variations=1, slugs={PLACES[0]})
            told(story)
        finally:
            story.teardown()

    tell_it()
    monkeypatch.setattr(room, name, wrong)
    with pytest.raises(AssertionError):
        tell_it()
