"""How long an order is said to take."""

from __future__ import annotations

from uuid import uuid4

import pytest

from generations import queries, steps
from generations.models import Generation, Picture, Step

pytestmark = pytest.mark.django_db


def measured(kind: str, who: str, *seconds: float) -> None:
    for each in seconds:
        steps.record(kind, subject=uuid4(), who=who, seconds=each)


def test_each_engine_is_estimated_by_its_own_pictures(order: Generation) -> None:
    measured(Step.Kind.PAINT, "builtin", 0.2, 0.4, 9.0)
    measured(Step.Kind.PAINT, "comfyui", 30.0, 50.0, 31.0)
    measured(Step.Kind.FINISH, "finishing", 0.1)
    pictures, ads = order.pictures.count(), sum(picture.ads.count() for picture in order.pictures.all())
    for engine, seconds in (("builtin", 0.4), ("comfyui", 31.0)):
        Picture.objects.update(engine=engine)
        fresh = queries.with_pictures(Generation.objects.filter(pk=order.pk)).get()
        assert queries.estimate_seconds(fresh) == pytest.approx(pictures * seconds + ads * 0.1, abs=0.06)
    Step.objects.filter(who="comfyui").delete()
    assert queries.estimate_seconds(fresh) >= pictures * 20, "a guess of its own until some were painted"
