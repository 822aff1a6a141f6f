"""Preview pictures for the starter shelf: every template's own sample, made by the product itself."""

from __future__ import annotations

import io
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from PIL import Image

from accounts.models import Brand
from generations import actions, pipeline
from generations.models import Ad, Generation
from keeping import store
from prompting.brief import Brief
from templates_app.models import AdTemplate
from templates_app.queries import image_placements, published
from templates_app.shelf_loader import SHELF, preview_path

PLACEMENTS = ("meta_ig_feed_square", "meta_ig_feed_portrait", "meta_ig_stories", "linkedin_single_landscape")
LONGEST, QUALITY = 720, 82
SEED = 5
SAMPLES = "shelf-samples"  # the slug of their brand
NOT_BRIEF = ("photo", "brand", "seed")


class Command(BaseCommand):
    help = "Make the preview pictures of the starter shelf anew, into templates_app/shelf/previews."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which templates; none means all."""
        parser.add_argument("slugs", nargs="*", metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        """Order each sample, make it, keep small pictures of it, and take the rows away again."""
        on_shelf = {template.slug: template for template in published() if _sample(template)}
        if unknown := sorted(set(options["slugs"]) - set(on_shelf)):
            raise CommandError(
                f"There is no published template with a sample called '{unknown[0]}'. There are: {', '.join(sorted(on_shelf))}."
            )
        for slug in options["slugs"] or on_shelf:
            self._make(on_shelf[slug], _sample(on_shelf[slug]))

    def _make(self, template: AdTemplate, sample: dict[str, Any]) -> None:
        told = sample.get("brand", {})
        looks = {"name": told.get("name", "Sample"), "wordmark": told.get("wordmark", ""), "colours": told.get("colours", {})}
        # One brand for all samples, there only while they are made: the ledger keeps what it has written of it, so it is never deleted.
        brand, _ = Brand.objects.update_or_create(slug=SAMPLES, defaults={**looks, "deleted_at": None})
        try:
            ended = pipeline.run(self._order(template, brand, sample).pk)
            for ad in Ad.objects.filter(picture__generation=ended).select_related("file", "picture"):
                if ad.file is None:
                    raise RuntimeError(f"{template.slug}: {ad.error_message}")
                self._keep(template.slug, ad.picture.shape, store.read(ad.file))
        finally:
            Generation.objects.filter(brand=brand).delete()
            brand.photos.all().delete()
            Brand.objects.filter(pk=brand.pk).update(deleted_at=timezone.now())
        self.stdout.write(template.slug)

    def _order(self, template: AdTemplate, brand: Brand, sample: dict[str, Any]) -> Generation:
        photos = []
        if name := sample.get("photo"):
            photos = [actions.add_photo(by=None, brand=brand, data=(SHELF / "products" / name).read_bytes(), name=name)]
        return actions.order_generation(
            by=None,
            brand=brand,
            template=template,
            brief=Brief.read({key: value for key, value in sample.items() if key not in NOT_BRIEF}),
            placements=list(image_placements().filter(slug__in=PLACEMENTS)),
            photos=photos,
            seed=sample.get("seed", SEED),
        )

    def _keep(self, slug: str, shape: str, data: bytes) -> None:
        with Image.open(io.BytesIO(data)) as opened:
            xmp = opened.info.get("xmp", b"")
            small = opened.convert("RGB")
        small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        small.save(preview_path(slug, shape), "WEBP", quality=QUALITY, method=6, xmp=xmp)


def _sample(template: AdTemplate) -> dict[str, Any]:
    """The brief, photo and brand that a template's preview shows; empty for a template that has none."""
    sample: dict[str, Any] = template.current.data.get("sample", {}) if template.current else {}
    return sample
