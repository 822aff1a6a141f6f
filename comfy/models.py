"""What a pool of ComfyUI servers works with."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from keeping.models import StoredFile


class Lora(models.Model):
    """A small model file that gives pictures a style, known to servers by its name."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    file_name = models.CharField(max_length=200, help_text="As the server lists it, for instance styles/film_grain.safetensors.")
    family = models.CharField(max_length=20, choices=[("sd15", "SD 1.5"), ("sdxl", "SDXL"), ("flux", "Flux")])
    trigger_words = models.CharField(max_length=200, blank=True)
    weight_min = models.FloatField(default=0.0, validators=[MinValueValidator(-2), MaxValueValidator(2)])
    weight_max = models.FloatField(default=1.0, validators=[MinValueValidator(-2), MaxValueValidator(2)])
    weight_default = models.FloatField(default=0.7, validators=[MinValueValidator(-2), MaxValueValidator(2)])
    preview = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    licence = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "LoRA"
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weight_min__lte=models.F("weight_default"), weight_default__lte=models.F("weight_max")),
                name="lora_weight_default_within_range",
            )
        ]

    def __str__(self) -> str:
        return self.title
