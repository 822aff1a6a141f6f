"""What a picture from OpenAI cost, from the tokens that its answer counts. OPENAI_IMAGE_PRICES holds what is newer than the prices here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

# Micro-dollars for 1,000 tokens, as published in 2026: words in, pictures in, pictures out. Dated names of a model cost the same.
PRICES: Mapping[str, Mapping[str, int]] = {
    "gpt-image-2": {"text": 5_000, "image": 8_000, "output": 30_000},
    "gpt-image-1.5": {"text": 5_000, "image": 8_000, "output": 32_000},
    "gpt-image-1-mini": {"text": 2_000, "image": 2_500, "output": 8_000},
}


@dataclass(frozen=True)
class Tokens:
    """What one answer used: words and pictures that were sent, and the picture that came back."""

    text: int = 0
    image: int = 0
    output: int = 0

    @classmethod
    def of(cls, usage: object) -> Tokens:
        """Read an answer's `usage`. Other servers leave parts of it out, or all: what is not told counts as words, or as nothing."""
        told = usage if isinstance(usage, Mapping) else {}
        details = told.get("input_tokens_details")
        image = _number(details.get("image_tokens")) if isinstance(details, Mapping) else 0
        return cls(max(_number(told.get("input_tokens")) - image, 0), image, _number(told.get("output_tokens")))

    def as_data(self) -> dict[str, int]:
        """For the ad's recipe."""
        return {"text": self.text, "image": self.image, "output": self.output}

    def micro_usd(self, model: str) -> int | None:
        """What they cost with this model, rounded up; None when nobody said what it costs."""
        price = _price(model)
        if price is None:
            return None
        thousandths = sum(count * price.get(name, 0) for name, count in self.as_data().items())
        return -(-thousandths // 1000)


def _price(model: str) -> Mapping[str, int] | None:
    table = {**PRICES, **getattr(settings, "OPENAI_IMAGE_PRICES", {})}
    names = [name for name in table if model == name or model.startswith(f"{name}-")]
    return table[max(names, key=len)] if names else None


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
