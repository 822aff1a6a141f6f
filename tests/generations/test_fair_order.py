"""Whose picture comes next costs the same with few waiting or with thousands."""

from __future__ import annotations

from typing import Any

from django.db import connection

from generations import queries, states
from generations.models import Generation, Picture


def test_what_is_being_painted_is_counted_once_however_many_wait(order: Generation, django_assert_num_queries: Any) -> None:
    Generation.objects.update(status=Generation.Status.MAKING)
    busy = order.pictures.first()
    assert busy is not None
    Picture.objects.filter(pk=busy.pk).update(status=Picture.Status.PAINTING, lease_until=states.db_now() + 60_000)
    Picture.objects.bulk_create(
        Picture(generation=Generation.objects.create(**_like(order)), variation=1, shape="1:1", seed=number, engine="builtin")
        for number in range(30)
    )
    now = states.db_now()
    with django_assert_num_queries(2):
        first = list(queries.next_pictures(now)[:8])
    assert len(first) == 8 and {picture.painting_now for picture in first} == {1}  # type: ignore[attr-defined]
    if connection.vendor == "sqlite":  # which says so; PostgreSQL calls every subquery alike
        assert "CORRELATED" not in queries.next_pictures(now).explain(), "what is being painted is counted once, not for each row"


def _like(order: Generation) -> dict[str, Any]:
    same = ("brand", "template_version", "brief_data", "seed", "engine", "price", "deadline")
    return {name: getattr(order, name) for name in same} | {"status": Generation.Status.MAKING}
