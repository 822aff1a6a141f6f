"""What a picture costs: the first prices, and how they change."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from accounts import actions
from accounts.models import Price, PriceVersion, User
from accounts.prices import price_of
from finishing.shapes import SHAPES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("engine", "credits"), [("builtin", 0), ("comfyui", 1), ("openai", 4)])
def test_every_shape_of_an_engine_has_its_first_price(engine: str, credits: int) -> None:
    price = price_of(engine)
    assert {price.credits(shape) for shape in SHAPES} == {credits}
    assert price.number == 1


def test_an_engine_without_a_price_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="There is no price for the engine 'magic'. Choose another engine"):
        price_of("magic")
    Price.objects.create(slug="magic", title="Magic")
    with pytest.raises(ValueError, match="no price"):
        price_of("magic")


def test_a_shape_that_there_is_not_has_no_price() -> None:
    with pytest.raises(ValueError, match="There is no shape '3:1'"):
        price_of("builtin").credits("3:1")


def test_a_new_price_is_a_new_version_and_the_old_one_stays(sam: User) -> None:
    old = price_of("openai")
    new = actions.publish_price(by=sam, price=old.price, data={"credits": dict.fromkeys(SHAPES, 5) | {"1:1": 3}}, note="Dearer")
    assert price_of("openai") == new
    assert (new.number, new.author, new.note, new.credits("1:1"), new.credits("4:5")) == (2, sam, "Dearer", 3, 5)
    assert PriceVersion.objects.get(pk=old.pk).credits("1:1") == 4
    with pytest.raises(ValueError, match="never changed"):
        old.save()


WRONG: list[tuple[Any, str]] = [
    ({}, "by shape"),
    ([], "by shape"),
    ({"credits": 4}, "by shape"),
    ({"credits": {"1:1": 1}}, "missing for 4:5"),
    ({"credits": dict.fromkeys(SHAPES, 1) | {"3:1": 1}}, "no shape 3:1"),
    ({"credits": dict.fromkeys(SHAPES, 1) | {"1:1": -1}}, "whole number"),
    ({"credits": dict.fromkeys(SHAPES, 1) | {"1:1": 1.5}}, "whole number"),
    ({"credits": dict.fromkeys(SHAPES, 1) | {"1:1": True}}, "whole number"),
    ({"credits": dict.fromkeys(SHAPES, 1) | {"1:1": "1"}}, "whole number"),
    ({"credits": dict.fromkeys(SHAPES, 1) | {"1:1": 10_001}}, "whole number"),
]


@pytest.mark.parametrize(("data", "sentence"), WRONG)
def test_what_is_no_price_is_refused_with_a_sentence_and_not_kept(data: Any, sentence: str) -> None:
    price = Price.objects.get(slug="comfyui")
    with pytest.raises(ValueError, match=sentence):
        actions.publish_price(by=None, price=price, data=data)
    assert price_of("comfyui").number == 1


def test_filling_the_prices_again_keeps_what_staff_changed(sam: User) -> None:
    changed = actions.publish_price(by=sam, price=price_of("comfyui").price, data={"credits": dict.fromkeys(SHAPES, 2)})
    Price.objects.create(slug="magic", title="Magic")
    import_module("accounts.migrations.0003_first_prices").fill(apps, None)
    assert price_of("comfyui") == changed
    assert PriceVersion.objects.count() == 4
