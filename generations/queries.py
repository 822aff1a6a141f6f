"""Reads about the making, with their joins. Everything starts from the caller's brands: somebody else's row is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, Count, IntegerField, Max, Prefetch, Q, QuerySet, When
from django.db.models.functions import Coalesce, Now

from accounts.models import Brand, User
from accounts.queries import brands_of
from finishing.preflight import FileFacts, Finding, Fix, worst
from finishing.preflight import preflight as preflight_of
from finishing.specs import CopySpec
from generations.models import Ad, Breaker, Collection, Copy, Event, Generation, Photo, Picture, ReviewLink, SavedSearch, Step, Verdict
from keeping import room
from keeping.claims import DbNow, in_nobodys_hands
from keeping.models import StoredFile
from painting.builtin import Builtin
from painting.engine import EngineError
from painting.engines import choose
from prompting.writers import paused
from templates_app.models import Placement, PlacementVersion

STORE = "files"  # the store of files has a breaker, too
DRAIN = "drain"  # and so has the work as a whole: `manage.py drain` opens it
# How long a step takes until some have been measured here, in seconds: painting by its engine, and finishing.
FIRST_GUESS = {"builtin": 2.0, "comfyui": 20.0, "openai": 40.0}
FIRST_GUESS_OF_FINISHING = 0.5
MEASURED = 20  # the newest steps that an estimate looks at
OPEN_GENERATIONS = (Generation.Status.WAITING, Generation.Status.WRITING, Generation.Status.MAKING)
OPEN_PICTURES = (Picture.Status.WAITING, Picture.Status.PAINTING, Picture.Status.FINISHING)
OPEN_ADS = (Ad.Status.WAITING, Ad.Status.FINISHING)
AD_JOINS = ("file", "copy", "placement__placement", "picture__generation__template_version__template", "picture__generation__brand")


def photos_of(user: User | AnonymousUser) -> QuerySet[Photo]:
    """The photos of this person's brands."""
    return Photo.objects.filter(brand__in=brands_of(user), deleted_at=None).select_related("file", "cutout", "brand")


def first_photo(generation: Generation) -> Photo | None:
    """The photo of the product that is painted, with its files."""
    return generation.photos.select_related("file", "cutout").order_by("generationphoto__position").first()


def generations_of(user: User | AnonymousUser) -> QuerySet[Generation]:
    """The orders of this person's brands, with all that a page or the API shows of them."""
    return with_pictures(Generation.objects.filter(brand__in=brands_of(user), deleted_at=None))


def with_pictures(generations: QuerySet[Generation]) -> QuerySet[Generation]:
    """These orders joined with template, photos, words, pictures and ads, in a constant number of queries."""
    ads = Ad.objects.filter(deleted_at=None).select_related("file", "copy", "placement__placement", "picture")
    return generations.select_related(
        "brand", "template_version__template", "template_version__layout__layout", "created_by", "parent"
    ).prefetch_related(
        "copies",
        Prefetch("photos", Photo.objects.select_related("file", "cutout").order_by("generationphoto__position")),
        Prefetch("pictures", Picture.objects.select_related("raw").prefetch_related(Prefetch("ads", ads))),
    )


def ads_of(user: User | AnonymousUser) -> QuerySet[Ad]:
    """The ads of this person's brands."""
    return Ad.objects.filter(
        picture__generation__brand__in=brands_of(user), picture__generation__deleted_at=None, deleted_at=None
    ).select_related(*AD_JOINS)


def deleted_photos_of(user: User | AnonymousUser) -> QuerySet[Photo]:
    """The photos that were taken away, and may still be brought back."""
    return Photo.objects.filter(brand__in=brands_of(user)).exclude(deleted_at=None).select_related("file", "cutout", "brand")


def deleted_generations_of(user: User | AnonymousUser) -> QuerySet[Generation]:
    """The orders that were taken away."""
    return with_pictures(Generation.objects.filter(brand__in=brands_of(user)).exclude(deleted_at=None))


def deleted_ads_of(user: User | AnonymousUser) -> QuerySet[Ad]:
    """The single ads that were taken away, of orders that are there."""
    mine = Ad.objects.filter(picture__generation__brand__in=brands_of(user), picture__generation__deleted_at=None)
    return mine.exclude(deleted_at=None).select_related(*AD_JOINS)


def collections_of(user: User | AnonymousUser) -> QuerySet[Collection]:
    """The collections of this person's brands, each with the number of its ads as `size`."""
    there = Q(ads__deleted_at=None, ads__picture__generation__deleted_at=None)
    return Collection.objects.filter(brand__in=brands_of(user)).select_related("brand").annotate(size=Count("ads", filter=there))


def searches_of(user: User | AnonymousUser) -> QuerySet[SavedSearch]:
    """The searches that this person's brands have kept."""
    return SavedSearch.objects.filter(brand__in=brands_of(user)).select_related("brand")


def links_that_open() -> QuerySet[ReviewLink]:
    """Review links that are neither taken back nor run out, of orders that are there."""
    there = ReviewLink.objects.filter(generation__deleted_at=None, generation__brand__deleted_at=None, revoked_at=None)
    return there.filter(expires_at__gt=Now())


def open_links(generation: Generation) -> QuerySet[ReviewLink]:
    """Those of one order, the newest first."""
    return links_that_open().filter(generation=generation)


def review_links_of(user: User | AnonymousUser) -> QuerySet[ReviewLink]:
    """All links of the orders of this person's brands, with what was said by them."""
    own = ReviewLink.objects.filter(generation__brand__in=brands_of(user), generation__deleted_at=None)
    return own.select_related("created_by", "generation__brand").prefetch_related("verdicts")


def verdicts_of(generation: Generation) -> list[Verdict]:
    """What was said of an order, the newest first."""
    return list(Verdict.objects.filter(link__generation=generation).order_by("-created_at", "-id"))


def approvals_of(ad: Ad) -> list[Verdict]:
    """Who approved just this file of an ad: the approval is for its hash, so it ends where the file is another one."""
    given = Verdict.objects.filter(link__generation=ad.picture.generation_id, variation=ad.picture.variation, word=Verdict.Word.RUN)
    return [verdict for verdict in given if ad.file_id and verdict.files.get(str(ad.pk)) == ad.file_id]


def current_ads(generation: Generation) -> list[Ad]:
    """The ads as they stand: for each picture and placement the newest wording of each language and angle that was not undone.

    By variation, shape and placement; what was worded first comes first.
    """
    newest: dict[tuple[object, int, str, str], Ad] = {}
    for picture in generation.pictures.all():
        for ad in picture.ads.all():
            place = (picture.pk, ad.placement_id, ad.copy.language, ad.copy.angle)
            if ad.deleted_at or ad.copy.undone_at:
                continue
            if place not in newest or _made(newest[place].copy) < _made(ad.copy):
                newest[place] = ad
    return sorted(
        newest.values(),
        key=lambda ad: (
            ad.picture.variation,
            ad.picture.shape_spec.ratio,
            -ad.placement.width,
            ad.placement.placement.position,
            ad.copy.language != generation.brief.language,
            ad.copy.language,
            ad.copy.angle,
        ),
    )


def current_copy(generation: Generation) -> Copy:
    """The newest wording that was not undone, in whatever language."""
    return max((copy for copy in generation.copies.all() if not copy.undone_at), key=_made)


def current_copies(generation: Generation) -> list[Copy]:
    """The newest wording of each language and angle that was not undone; the order's own language first."""
    newest: dict[tuple[str, str], Copy] = {}
    for copy in sorted(generation.copies.all(), key=_made):
        if not copy.undone_at:
            newest[copy.language, copy.angle] = copy
    return sorted(newest.values(), key=lambda copy: (copy.language != generation.brief.language, copy.language, copy.angle))


@dataclass(frozen=True)
class Preflight:
    """What one placement says of an ad; `result` is the worst of its findings."""

    placement: Placement
    findings: tuple[Finding, ...]

    @property
    def result(self) -> str:
        """pass, warn or fail."""
        return worst(self.findings)

    @property
    def open(self) -> list[Finding]:
        """What did not simply pass."""
        return [finding for finding in self.findings if finding.result != "pass"]


def preflight(
    *,
    brand: Brand,
    placements: Iterable[PlacementVersion],
    words: Mapping[str, str],
    photo: Photo | None = None,
    captions: Mapping[str, Mapping[str, str]] | None = None,
    files: Mapping[int, StoredFile] | None = None,
) -> list[Preflight]:
    """What each placement says of these words on this brand's product, and of captions (by slug) and files (by version) where they are there.

    `words` are those of a Copy; what is missing is empty.

    The form asks it, whoever changes words, the API, and the ZIP. Nothing is written and no other machine is asked.
    """
    has_logo = bool(brand.logo_id or brand.logo_on_dark_id or brand.wordmark)
    copy = CopySpec(**{name: words.get(name, "") for name in Copy.WORDS})
    found = []
    for version in placements:
        spec, file = version.spec(), (files or {}).get(version.pk)
        if version.placement.kind == Placement.Kind.IMAGE:
            facts = FileFacts(file.type, file.width or 0, file.height or 0, file.bytes) if file else None
            told = preflight_of(
                spec,
                copy,
                has_logo=has_logo,
                photo=_product_size(photo),
                captions=(captions or {}).get(version.placement.slug),
                file=facts,
            )
        else:
            told = _of_what_goes_along(version, brand)
        found.append(Preflight(version.placement, told))
    return found


def preflight_of_order(generation: Generation) -> list[tuple[Ad, Preflight]]:
    """The same, of each current ad of an order as it is exported."""
    photo, told = first_photo(generation), []
    for ad in current_ads(generation):
        files = {ad.placement_id: ad.file} if ad.file else {}
        asked = preflight(
            brand=generation.brand, placements=[ad.placement], words=ad.copy.words, photo=photo, captions=ad.copy.captions, files=files
        )
        told.append((ad, asked[0]))
    return told


def _of_what_goes_along(version: PlacementVersion, brand: Brand) -> tuple[Finding, ...]:
    """A logo file needs a logo; a text needs nothing."""
    slug, source = version.placement.slug, version.data.get("source") or ""
    if version.placement.kind == Placement.Kind.LOGO and not (brand.logo_id or brand.logo_on_dark_id):
        fix = Fix("Add a logo", logo=True)
        return (Finding(slug, "logo", "fail", "The brand has no logo yet; this file is made from it.", source, version.read, fix),)
    made = "from the brand's logo" if version.placement.kind == Placement.Kind.LOGO else "with the captions"
    return (Finding(slug, "file", "pass", f"This is made {made}.", source, version.read),)


def _product_size(photo: Photo | None) -> tuple[int, int] | None:
    """The pixels of the product in a photo: of its cut-out where there is one."""
    if photo is None:
        return None
    file = photo.cutout if photo.cutout_usable and photo.cutout else photo.file
    return (file.width or 0, file.height or 0)


def _made(copy: Copy) -> tuple[object, str]:
    return copy.created_at, str(copy.pk)


def progress(generation: Generation) -> float:
    """How far the whole order is, 0 to 1: a picture counts by its painting and by its finished ads."""
    if generation.is_final:
        return 1.0
    pictures = list(generation.pictures.all())
    done = sum(_picture_progress(picture) for picture in pictures)
    return round(min(0.99, 0.02 + 0.98 * done / len(pictures)), 3) if pictures else 0.0


def _picture_progress(picture: Picture) -> float:
    if picture.status in Picture.FINAL:
        return 1.0
    ads = list(picture.ads.all())
    finished = sum(ad.status in Ad.FINAL for ad in ads) / len(ads) if ads else 0.0
    return 0.7 * picture.progress + 0.3 * finished


def queue_place(generation: Generation) -> int:
    """How many waiting pictures of others come before the next one of this order; 0 when it is being made or done."""
    pictures = list(generation.pictures.all())
    if generation.is_final or not pictures or any(picture.status != Picture.Status.WAITING for picture in pictures):
        return 0
    first = min(picture.created_at for picture in pictures)
    return Picture.objects.filter(status=Picture.Status.WAITING, created_at__lt=first).exclude(generation=generation).count()


def estimate_seconds(generation: Generation) -> float:
    """Seconds until this order is ready, from measured steps and everything that is before it in the queue; 0 when it is done."""
    if generation.is_final:
        return 0.0
    pictures = [picture for picture in generation.pictures.all() if picture.status not in Picture.FINAL]
    ads = sum(ad.status not in Ad.FINAL for picture in pictures for ad in picture.ads.all())
    # A server's GPU and this machine are not alike: each engine is measured by its own pictures.
    paint = {
        engine: _measured(Step.Kind.PAINT, engine, FIRST_GUESS.get(engine, 2.0)) for engine in {picture.engine for picture in pictures}
    }
    finish = _measured(Step.Kind.FINISH, "finishing", FIRST_GUESS_OF_FINISHING)
    own = sum((1 - picture.progress) * paint[picture.engine] for picture in pictures) + ads * finish
    return round(own + queue_place(generation) * (max(paint.values(), default=0.0) + finish), 1)


def can_be_raised(generation: Generation) -> bool:
    """Whether this is a draft, and another engine than the built-in one could paint it now."""
    if any(picture.engine != Builtin.name for picture in generation.pictures.all()):
        return False
    try:
        return choose("auto", generation.template_version.engines()) != Builtin.name
    except EngineError:
        return False


def waits_for(generation: Generation) -> str:
    """Why nothing of this order moves just now, as a sentence for the marketer; empty when it moves, or has ended."""
    waiting = {picture.engine for picture in generation.pictures.all() if picture.status not in Picture.FINAL}
    if generation.is_final or not waiting:
        return ""
    unwritten = generation.plan_data is None
    names = {STORE, DRAIN} if unwritten else {*waiting, STORE, DRAIN}
    if not room.enough_room():
        return "There is no room left for new pictures on this machine. Your order waits and goes on by itself once there is."
    left_alone = set(Breaker.objects.filter(name__in=names, open_until__gt=DbNow()).values_list("name", flat=True))
    if DRAIN in left_alone:
        return "AdsGem is being brought up to date. Your order waits and goes on by itself; nothing is lost."
    if STORE in left_alone:
        return "Files cannot be written at the moment. Your order waits and goes on by itself; nothing is lost."
    if unwritten and paused():
        return "The service that writes does not answer at the moment. Your order waits and goes on by itself; nothing is lost."
    if left_alone:
        return "The machine that paints does not answer at the moment. Your order waits and goes on by itself; nothing is lost."
    return ""


def _measured(kind: Step.Kind, who: str, first_guess: float) -> float:
    done = Step.objects.filter(kind=kind, who=who, error="").order_by("-created_at")
    seconds = list(done.values_list("seconds", flat=True)[:MEASURED])
    return median(seconds) if seconds else first_guess


def version_of(generation: Generation) -> str:
    """Changes whenever something that a page shows of this order has changed: for an ETag."""
    newest = Event.objects.filter(generation=generation).aggregate(newest=Max("seq"))["newest"] or 0
    painted = sum(round(picture.progress * 100) for picture in generation.pictures.all())
    return f"{generation.pk.hex[:8]}-{newest}-{painted}"


def overdue_generations(now: int) -> QuerySet[Generation]:
    """Orders that are open beyond their deadline."""
    return Generation.objects.filter(status__in=OPEN_GENERATIONS, deadline__lt=now)


def overdue_ads(seconds: float) -> QuerySet[Ad]:
    """New words over finished pictures that have been open for longer than this."""
    old = Now() - timedelta(seconds=seconds)
    return Ad.objects.filter(status__in=OPEN_ADS, picture__status=Picture.Status.READY, created_at__lt=old).select_related(
        "picture__generation"
    )


def next_pictures(now: int) -> QuerySet[Picture]:
    """Pictures that may be begun, in fair order: the brand with the fewest now painting first, then the oldest.

    Those whose engine is left in peace for a while (its breaker is open) are left out.

    `now` is the database's time in epoch milliseconds.
    """
    # Counted once: asked for each waiting picture anew, it took half a second with two thousand of them.
    painting = Picture.objects.filter(status__in=[Picture.Status.PAINTING, Picture.Status.FINISHING])
    busy = painting.order_by().values_list("generation__brand").annotate(Count("pk"))
    by_brand = [When(generation__brand=brand, then=number) for brand, number in busy]
    # Coalesce, since a bare 0 is no expression to order by: PostgreSQL takes it for the number of a column.
    painting_now = Coalesce(Case(*by_brand, output_field=IntegerField()), 0)
    return (
        Picture.objects.filter(in_nobodys_hands(now), generation__status=Generation.Status.MAKING, status__in=OPEN_PICTURES)
        .exclude(engine__in=Breaker.objects.filter(open_until__gt=now).values("name"))
        .annotate(painting_now=painting_now)
        .order_by("painting_now", "created_at", "variation", "id")
    )


def open_generations(now: int) -> QuerySet[Generation]:
    """Orders that still have to be written and are in nobody's hands."""
    return Generation.objects.filter(in_nobodys_hands(now), status__in=[Generation.Status.WAITING, Generation.Status.WRITING])


def open_ads(now: int) -> QuerySet[Ad]:
    """Ads in nobody's hands whose picture is done: new words wait here."""
    return Ad.objects.filter(in_nobodys_hands(now), status__in=OPEN_ADS, picture__status=Picture.Status.READY)


def unsettled_generations() -> QuerySet[Generation]:
    """Orders that are being made although nothing of them is open any more: a worker died between the last picture and the sum."""
    return Generation.objects.filter(status=Generation.Status.MAKING).exclude(pictures__status__in=OPEN_PICTURES)
