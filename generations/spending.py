"""What models may cost a brand in a day, and where each answer that was paid for is written down, whatever became of it.

Asked before every question and picture that costs money. What is under way when the budget ends is still paid: a budget may be
exceeded by what the workers have in hand at that moment, and by no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, Sum
from django.utils import timezone

from accounts.models import Brand
from generations import steps
from generations.models import Copy, Generation, Photo, Picture, Step
from painting.engine import EngineError, Spent
from painting.engines import model_of
from prompting import prices
from prompting.openai_writer import OpenAIWriter
from prompting.writer import OverBudget, Usage

RAW_KEPT = 20_000  # characters of a writer's answer that its step keeps
USED_UP = "What this brand may spend on models today is used up."


def used_up(brand: Brand) -> bool:
    """Whether a brand has spent its budget of this day."""
    return spent_today(brand) >= budget_of(brand)


def budget_of(brand: Brand) -> int:
    """What models may cost this brand in a day, in micro-USD."""
    return int(settings.DAILY_MICRO_USD if brand.daily_micro_usd is None else brand.daily_micro_usd)


def spent_today(brand: Brand) -> int:
    """What models have cost this brand since midnight UTC, in micro-USD: for its orders, its photos, and what it asked without either."""
    whose = Q(generation__brand=brand) | Q(photo__brand=brand) | Q(subject=brand.pk)
    paid = Step.objects.filter(whose, created_at__gte=_midnight(), micro_usd__gt=0)
    return int(paid.aggregate(sum=Sum("micro_usd"))["sum"] or 0)


def costs_too_much(brand: Brand, engine_name: str) -> bool:
    """Whether pictures of this engine cost money that a brand has not got any more today."""
    return prices.costs(model_of(engine_name)) and used_up(brand)


def may_buy(picture: Picture) -> None:
    """Raises EngineError when this picture costs money and its brand has spent its day's budget."""
    if costs_too_much(picture.generation.brand, picture.engine):
        sentence = f"{USED_UP} Choose Draft, which costs nothing, or order again tomorrow. No credit used."
        raise EngineError(sentence, code=OverBudget.CODE, permanent=True)


def money(spent: Spent) -> dict[str, int]:
    """The columns of a step that say what was used of a model that paints."""
    used = {"prompt": spent.text + spent.image, "pictures": spent.image, "completion": spent.output}
    return {"tokens": spent.tokens, "micro_usd": prices.micro_usd(spent.model, **used)}


def _midnight() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class BrandPurse:
    """A brand's money, for one thing that is written; each answer becomes a step of `subject`. `facts` are the step's other columns.

    `advice` says what to do when the money is gone.
    """

    brand: Brand
    subject: UUID
    advice: str
    keeps_raw: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_order(cls, order: Generation) -> BrandPurse:
        """For an order's plan. Its steps keep the answers themselves."""
        advice = "Order again tomorrow, or ask staff to raise it. No credit used."
        return cls(order.brand, order.pk, advice, keeps_raw=True, facts={"generation": order, "attempt": order.attempt})

    @classmethod
    def of_copy(cls, copy: Copy) -> BrandPurse:
        """For the captions beside one wording."""
        return cls(copy.generation.brand, copy.pk, "", keeps_raw=True, facts={"generation": copy.generation})

    @classmethod
    def of_photo(cls, photo: Photo) -> BrandPurse:
        """For what is asked about a photo."""
        return cls(photo.brand, photo.pk, "Type the keywords yourself, or ask staff to raise it.", facts={"photo": photo})

    @classmethod
    def of_brand(cls, brand: Brand) -> BrandPurse:
        """For words that belong to no order yet."""
        return cls(brand, brand.pk, "Write the words yourself, try again tomorrow, or ask staff to raise it.")

    def may_pay(self) -> None:
        """Raises OverBudget once the day's budget is spent."""
        if used_up(self.brand):
            raise OverBudget(f"{USED_UP} {self.advice}".strip())

    def paid(self, raw: str, usage: Usage) -> None:
        """Write an answer down with what it used."""
        told = {"output_data": {"raw": raw[:RAW_KEPT]} if self.keeps_raw else {}, "tokens": usage.tokens, "micro_usd": usage.micro_usd}
        steps.record(Step.Kind.WRITE, subject=self.subject, who=OpenAIWriter.name, **told, **self.facts)
