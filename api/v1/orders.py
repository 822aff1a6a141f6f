"""What an order says when it comes in: a template, a brief, photos, placements."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from generations import queries
from generations.actions import PLACEMENTS_AT_MOST, VARIATIONS_AT_MOST
from generations.models import SEED_MAX, Generation, Photo
from prompting.brief import Brief, BriefError
from templates_app import queries as shelf
from templates_app.models import AdTemplate, Placement

MOST_PHOTOS = 8
ENGINES = ("auto", "draft", "builtin", "comfyui", "openai")
BRAND_HELP = "The brand's id or slug. Left out: the brand of the photo, or else the caller's first."


class BriefIn(serializers.Serializer[Any]):
    """What the marketer says; only the headline must be there."""

    product = serializers.CharField(required=False)
    headline = serializers.CharField()
    subline = serializers.CharField(required=False)
    cta = serializers.CharField(required=False)
    badge = serializers.CharField(required=False)
    legal = serializers.CharField(required=False)
    audience = serializers.CharField(required=False)
    tone = serializers.CharField(required=False)
    language = serializers.CharField(required=False)
    keywords = serializers.ListField(child=serializers.CharField(), required=False)
    avoid = serializers.CharField(required=False)
    markets = serializers.ListField(child=serializers.CharField(), required=False)


@extend_schema_field(BriefIn)
class BriefField(serializers.Field[Brief, Any, Any, Any]):
    """A brief, checked where all briefs are checked."""

    def to_internal_value(self, data: Any) -> Brief:
        """Raises ValidationError with a sentence for each wrong field."""
        if not isinstance(data, dict):
            raise ValidationError("The brief must be an object with a headline.")
        try:
            return Brief.read(data)
        except BriefError as error:
            raise ValidationError(error.errors) from error


class OrderPlaces(serializers.Serializer[Any]):
    """Where ads run, and what they show."""

    photos = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=MOST_PHOTOS)
    photo = serializers.UUIDField(required=False, allow_null=True, help_text="In place of `photos`, for one.")
    placements = serializers.ListField(child=serializers.CharField(max_length=60), help_text=f"1 to {PLACEMENTS_AT_MOST} ids.")

    def validate_placements(self, slugs: list[str]) -> list[Placement]:
        """The placements of these ids, in this order, each once."""
        slugs = list(dict.fromkeys(slugs))
        if len(slugs) > PLACEMENTS_AT_MOST:
            raise ValidationError(f"{len(slugs)} placements are too many for one order. Choose at most {PLACEMENTS_AT_MOST}.")
        found = {placement.slug: placement for placement in shelf.placements().filter(slug__in=slugs)}
        if unknown := [slug for slug in slugs if slug not in found]:
            raise ValidationError(f"There is no placement '{unknown[0]}'.")
        return [found[slug] for slug in slugs]

    def validate_photos(self, ids: list[UUID]) -> list[Photo]:
        """The caller's photos of these ids. A stranger's photo is as unknown as one that never was."""
        own = {photo.pk: photo for photo in queries.photos_of(self.context["request"].user).filter(pk__in=ids)}
        if unknown := [each for each in ids if each not in own]:
            raise ValidationError(f"No photo with this id: {unknown[0]}.")
        return [own[each] for each in dict.fromkeys(ids)]

    def validate_photo(self, one: UUID | None) -> list[Photo]:
        """The same for one."""
        return self.validate_photos([one] if one else [])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`photo` is another way to say `photos`."""
        one = attrs.pop("photo", [])
        if one and attrs.get("photos"):
            raise ValidationError({"photo": "Give `photos` or `photo`, not both."})
        return {**attrs, "photos": attrs.get("photos") or one}


class GenerationIn(OrderPlaces):
    """An order: a template, a brief, placements; photos when the template needs one."""

    template = serializers.CharField(max_length=80, help_text="The template's id.")
    brand = serializers.CharField(max_length=80, required=False, help_text=BRAND_HELP)
    brief = BriefField()
    variations = serializers.IntegerField(required=False, help_text=f"1 to {VARIATIONS_AT_MOST} different pictures of each shape.")
    engine = serializers.ChoiceField(choices=ENGINES, required=False)
    seed = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=SEED_MAX)
    lora_strength = serializers.FloatField(required=False, allow_null=True, min_value=-2.0, max_value=2.0)
    use_cutout = serializers.BooleanField(required=False, help_text="Off: the photograph itself stands in the template's frame.")
    label = serializers.ChoiceField(  # type: ignore[assignment] # the field of this name, not the label of a field
        choices=Generation.Label.choices, required=False, help_text="Whether a visible label says how the pictures were made."
    )
    client_ref = serializers.CharField(required=False, allow_blank=True, max_length=100, help_text="Your own number for this order.")

    def validate_template(self, slug: str) -> AdTemplate:
        """The published template of this id."""
        template = shelf.published().filter(slug=slug).first()
        if template is None:
            raise ValidationError(f"There is no published template '{slug}'.")
        return template
