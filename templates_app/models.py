"""What an ad can look like and where it can run: curated recipes, layouts, placements, fonts.

Whatever staff edit has a head row with a slug and immutable Version rows; orders and ads point at versions.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import models

from comfy.models import Lora
from comfy.needs import with_loras
from finishing.layout import LayoutSpec
from finishing.policy import read_rules
from finishing.shapes import Shape, is_banner, shape_for
from finishing.specs import PlacementSpec, SafeZone, StyleSpec
from keeping.models import StoredFile
from keeping.versions import Version
from prompting.writer import TemplateWords

RULES = Path(__file__).parent / "shelf" / "placement_rules.json"
A_DATE = re.compile(r"\b20[12]\d(?:-[01]\d(?:-[0-3]\d)?)?\b")


class Category(models.Model):
    """A shelf in the gallery."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=60)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["position", "title"]

    def __str__(self) -> str:
        return self.title


class Font(models.Model):
    """A typeface that ads may be set in. Its file lies in `finishing/fonts`."""

    slug = models.SlugField(max_length=60, unique=True)
    family = models.CharField(max_length=80)
    weight = models.PositiveIntegerField(default=400)
    scripts = models.JSONField(default=list, blank=True)
    licence = models.CharField(max_length=60, default="OFL-1.1")

    class Meta:
        ordering = ["family", "weight"]

    def __str__(self) -> str:
        return f"{self.family} {self.weight}"


class Layout(models.Model):
    """Where headline, sub-line, button, badge, logo and legal line go, per shape."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=80)
    current = models.ForeignKey("LayoutVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class LayoutVersion(Version):
    """One state of a layout."""

    layout = models.ForeignKey(Layout, on_delete=models.CASCADE, related_name="versions")

    class Meta(Version.Meta):
        constraints = [models.UniqueConstraint(fields=["layout", "number"], name="one_layout_version_per_number")]

    def __str__(self) -> str:
        return f"{self.layout} v{self.number}"

    def spec(self) -> LayoutSpec:
        """As finishing takes it."""
        return LayoutSpec.from_data(self.data)


class AdTemplate(models.Model):
    """A curated recipe for a look. Its current version says scene, prompts, engine settings, style; staff edits are new versions."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=80)
    summary = models.CharField(max_length=200, blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="templates")
    current = models.ForeignKey("AdTemplateVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    needs_photo = models.BooleanField(default=True)
    published = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=0)
    shelf_hash = models.CharField(max_length=64, blank=True, editable=False, help_text="What the starter shelf last wrote here.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "template"
        ordering = ["position", "title"]

    def __str__(self) -> str:
        return self.title


class AdTemplateVersion(Version):
    """One state of a template: scene, words for the writer, style, what each engine needs."""

    template = models.ForeignKey(AdTemplate, on_delete=models.CASCADE, related_name="versions")
    layout = models.ForeignKey(LayoutVersion, on_delete=models.PROTECT, related_name="+")

    class Meta(Version.Meta):
        verbose_name = "template version"
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="one_template_version_per_number")]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"

    def words(self) -> TemplateWords:
        """As the writer takes it."""
        told = self.data["words"]
        return TemplateWords(
            title=self.template.title,
            scene=told["scene"],
            style=told.get("style", ""),
            negative=told.get("negative", ""),
            mood=tuple(told.get("mood", ())),
            needs_photo=self.template.needs_photo,
        )

    def style(self) -> StyleSpec:
        """As finishing takes it."""
        return StyleSpec.from_data(self.data["style"])

    def needs(self, engine: str, *, lora_strength: float | None = None) -> dict[str, Any]:
        """What this template says that `engine` needs; empty when it says nothing.

        LoRAs that staff gave the template as rows belong to it whichever version an order names. `lora_strength` is the order's own: it takes
        the place of every LoRA's weight, and is held to each LoRA's range.
        """
        needs: dict[str, Any] = self.data.get("engines", {}).get(engine, {})
        if engine == "comfyui" and needs:
            rows = self.template.loras.order_by("position", "pk").values_list("lora__slug", "weight")
            return with_loras(needs, rows, strength=lora_strength)
        return needs

    def engines(self) -> dict[str, dict[str, Any]]:
        """What it says that each engine needs, by the engine's name."""
        return {engine: self.needs(engine) for engine in self.data.get("engines", {})}


class TemplateLora(models.Model):
    """A LoRA in a template's recipe."""

    template = models.ForeignKey(AdTemplate, on_delete=models.CASCADE, related_name="loras")
    lora = models.ForeignKey(Lora, on_delete=models.PROTECT, related_name="templates")
    weight = models.FloatField(default=0.7)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "template LoRA"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["template", "lora"], name="one_lora_once_in_a_template")]

    def __str__(self) -> str:
        return f"{self.lora} at {self.weight}"


class TemplatePreview(models.Model):
    """What a template makes, in one shape: a finished ad of the template's own sample."""

    template = models.ForeignKey(AdTemplate, on_delete=models.CASCADE, related_name="previews")
    shape = models.CharField(max_length=8)
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    alt = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["template", "shape"], name="one_preview_per_template_and_shape")]

    def __str__(self) -> str:
        return f"{self.template} {self.shape}"


class Placement(models.Model):
    """One place an ad can run."""

    class Kind(models.TextChoices):
        IMAGE = "image", "Image"
        LOGO = "logo", "Logo"
        TEXT = "text", "Text"

    slug = models.SlugField(max_length=60, unique=True)
    platform = models.CharField(max_length=30)
    title = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.IMAGE)
    current = models.ForeignKey("PlacementVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.title


class PlacementVersion(Version):
    """One state of a placement: pixels, file types, byte limit, safe zone, text limits, rules, and where that was read."""

    placement = models.ForeignKey(Placement, on_delete=models.CASCADE, related_name="versions")

    class Meta(Version.Meta):
        verbose_name = "placement version"
        constraints = [models.UniqueConstraint(fields=["placement", "number"], name="one_placement_version_per_number")]

    def __str__(self) -> str:
        return f"{self.placement} v{self.number}"

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.data["width"])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.data["height"])

    @property
    def shape(self) -> Shape:
        """The shape whose picture this placement takes."""
        return shape_for(self.width, self.height)

    @property
    def is_banner(self) -> bool:
        """Laid out with the product as a block."""
        return is_banner(self.width, self.height)

    @property
    def rules(self) -> list[dict[str, Any]]:
        """Its rules as rows: its own where staff wrote some (an empty list says there are none), else those of the shelf."""
        own: list[dict[str, Any]] | None = self.data.get("rules")
        return own if own is not None else shelf_rules().get(self.placement.slug, [])

    @property
    def read(self) -> str:
        """When its numbers were read: the newest date that its source names; else when this version was written."""
        dates: list[str] = A_DATE.findall(self.data.get("source") or "")
        return self.data.get("read") or max(dates, default="") or (f"{self.created_at:%Y-%m-%d}" if self.created_at else "")

    def spec(self) -> PlacementSpec:
        """As finishing takes it. A text placement has no pixels: 0 x 0."""
        data = self.data
        zone = data.get("safe_zone") or {}

        def pair(kind: str) -> tuple[int, int] | None:
            width, height = data.get(f"{kind}_width"), data.get(f"{kind}_height")
            return (width, height) if width and height else None

        return PlacementSpec(
            slug=self.placement.slug,
            title=self.placement.title,
            platform=self.placement.platform,
            width=int(data.get("width") or 0),
            height=int(data.get("height") or 0),
            file_types=tuple(data.get("file_types") or ("jpg", "png")),
            max_bytes=data.get("max_bytes"),
            safe_zone=SafeZone(**{side: zone.get(side) or 0.0 for side in ("left", "top", "right", "bottom")}),
            deliver=pair("deliver"),
            text_in_image=data.get("text_in_image") or "allowed",
            hires=pair("hires"),
            rules=tuple(replace(rule, read=rule.read or self.read) for rule in read_rules(self.rules)),
            text_limits=data.get("text_limits") or {},
            source=data.get("source") or "",
            read=self.read,
        )


@lru_cache(maxsize=1)
def shelf_rules() -> dict[str, list[dict[str, Any]]]:
    """The rules that the shelf knows, by placement: what holds until staff write their own."""
    groups: list[dict[str, Any]] = json.loads(RULES.read_text())
    return {slug: group["rules"] for group in groups for slug in group["placements"]}
