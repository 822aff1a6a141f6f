"""The library with 100,000 ads: how long a page, a search, a filter and the counts take, and how many statements.

    DATABASE_URL=postgres://… ADSGEM_DATA=… .venv/bin/python bench/library.py [--ads 100000] [--explain]

Give it a database of its own: it is filled with rows without files, for one large brand and twenty small ones. A second run takes what is there.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adsgem.settings")
django.setup()

from django.core.cache import cache  # noqa: E402  (the settings come first)
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Brand, Membership, User  # noqa: E402
from generations import library  # noqa: E402
from generations.library import Wanted  # noqa: E402
from generations.models import Ad, Copy, Generation, Picture  # noqa: E402
from keeping.models import StoredFile  # noqa: E402
from prompting.brief import Brief  # noqa: E402
from templates_app.models import AdTemplate, Placement  # noqa: E402

ADS_OF_AN_ORDER, AT_ONCE, ROUNDS, SMALL_BRANDS = 10, 500, 15, 20
WORDS = ("glow", "summer", "boots", "coffee", "serum", "light", "garden", "sale", "winter", "fresh", "linen", "candle")


def fill(ads: int) -> None:
    """Rows of finished orders over two years: half of them one brand's."""
    rng, now = random.Random(1), timezone.now()  # noqa: S311 - the same rows each time
    large = Brand.objects.create(name="Large", slug="large")
    small = [Brand.objects.create(name=f"Small {number}", slug=f"small-{number}") for number in range(SMALL_BRANDS)]
    for brand in (large, small[0]):
        user = User.objects.create_user(f"{brand.slug}@example.com", "correct horse battery")
        Membership.objects.create(user=user, brand=brand, role="owner")
    versions = [template.current for template in AdTemplate.objects.filter(published=True).select_related("current")]
    file = StoredFile.objects.first() or StoredFile.objects.create(sha256="0" * 64, bytes=1, type="image/jpeg", width=1, height=1)
    places = [p.current for p in Placement.objects.filter(kind="image").select_related("current")[:30] if p.current]
    for start in range(0, ads // ADS_OF_AN_ORDER, AT_ONCE):
        orders, pictures, copies, made = [], [], [], []
        for number in range(start, min(start + AT_ONCE, ads // ADS_OF_AN_ORDER)):
            headline = " ".join(rng.sample(WORDS, 3))
            brief = Brief.read({"headline": headline, "product": f"Product {number}", "language": rng.choice(["en", "en", "de"])})
            brand = large if number % 2 else rng.choice(small)
            version = rng.choice(versions)
            order = Generation(brand=brand, template_version=version, brief_data=brief.as_data(), seed=number, status="ready")
            picture = Picture(
                generation=order, variation=1, shape="1:1", seed=number, engine="builtin", status="ready", raw=file, progress=1
            )
            copy = Copy(generation=order, language=brief.language, words={"headline": headline, "cta": "Shop now"})
            orders.append(order)
            pictures.append(picture)
            copies.append(copy)
            for place in rng.sample(places, ADS_OF_AN_ORDER):
                made.append(Ad(picture=picture, copy=copy, placement=place, status="ready", file=file, starred=rng.random() < 0.05))
        for model, rows in ((Generation, orders), (Picture, pictures), (Copy, copies), (Ad, made)):
            model.objects.bulk_create(rows, batch_size=1000)  # type: ignore[attr-defined]
        for order, picture in zip(orders, pictures, strict=True):
            when = now - timedelta(minutes=rng.randrange(1_000_000))
            Ad.objects.filter(picture=picture).update(created_at=when)
            Generation.objects.filter(pk=order.pk).update(created_at=when)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def questions(user: User) -> Iterator[tuple[str, Callable[[], object]]]:
    """What a page asks."""
    newest = library.ads_wanted(user, Wanted())
    _, second = library.page_of(newest)
    far = f"{timezone.now() - timedelta(days=500):%Y%m%dT%H%M%S.%f}_{'0' * 32}"
    yield "the newest", lambda: library.page_of(library.ads_wanted(user, Wanted()))
    yield "the page after", lambda: library.page_of(library.ads_wanted(user, Wanted()), after=second)
    yield "500 days back", lambda: library.page_of(library.ads_wanted(user, Wanted()), after=far)
    for wanted in ({"starred": "true"}, {"language": "de"}, {"platform": "meta"}, {"q": "glow"}, {"q": "glow candle"}, {"q": "nowhere"}):
        yield (
            " ".join(f"{name}={value}" for name, value in wanted.items()),
            lambda w=wanted: library.page_of(  # type: ignore[misc]
                library.ads_wanted(user, Wanted.read(w))
            ),
        )
    yield "orders, q=glow", lambda: list(library.generations_wanted(user, Wanted(q="glow"))[:20])

    def counts() -> object:
        cache.clear()
        return library.facets_of(user)

    yield "counts, not kept", counts


def main() -> None:
    """Fill once, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--ads", type=int, default=100_000)
    parser.add_argument("--explain", action="store_true")
    chosen = parser.parse_args()
    call_command("migrate", verbosity=0)
    if not Placement.objects.exists() or not AdTemplate.objects.exists():
        call_command("load_shelf", verbosity=0)
    if not Ad.objects.exists():
        fill(chosen.ads)
    print(f"{connection.vendor}, {Ad.objects.count()} ads, {Generation.objects.count()} orders")
    for slug in ("large", "small-0"):
        user = User.objects.get(email=f"{slug}@example.com")
        print(f"{slug}: {Ad.objects.filter(picture__generation__brand__slug=slug).count()} ads")
        for name, ask in questions(user):
            ask()
            with CaptureQueriesContext(connection) as asked:
                ask()
            times = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                ask()
                times.append((time.perf_counter() - began) * 1000)
            print(f"  {name:<22} median {median(times):7.1f} ms   p95 {quantiles(times, n=20)[-1]:7.1f} ms   {len(asked)} statements")
    if chosen.explain:
        user = User.objects.get(email="large@example.com")
        print(library.ads_wanted(user, Wanted())[:61].explain(analyze=True))
        print(library.ads_wanted(user, Wanted(q="glow"))[:61].explain(analyze=True))


if __name__ == "__main__":
    main()
