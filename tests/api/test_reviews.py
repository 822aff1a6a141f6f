"""Review links by API."""

from __future__ import annotations

import uuid

from django.test import Client
from rest_framework.test import APIClient

from generations import pipeline
from generations.models import Generation
from tests.api.conftest import is_problem

REVIEWS = "/api/v1/reviews"


def test_mia_asks_for_a_review_reads_what_was_said_and_takes_it_back(as_mia: APIClient, as_eve: APIClient, order: Generation) -> None:
    early = is_problem(as_mia.post(REVIEWS, {"generation": str(order.pk)}, format="json"), 422)
    assert "Nothing of this order is ready yet" in early["detail"]
    pipeline.run(order.pk)
    made = as_mia.post(REVIEWS, {"generation": str(order.pk), "note": "For June?", "days": 2}, format="json")
    assert made.status_code == 201 and "/review/" in made.json()["url"]
    link = made.json()
    path = link["url"].partition("/review/")[2]
    assert Client().post(f"/review/{path}", {"who": "Jonas", "said-1": "run"}).status_code == 200
    told = as_mia.get(f"{REVIEWS}?generation={order.pk}").json()["results"]
    assert [(verdict["who"], verdict["word"]) for verdict in told[0]["verdicts"]] == [("Jonas", "run")]
    is_problem(as_eve.get(f"{REVIEWS}/{link['id']}"), 404)
    is_problem(as_eve.delete(f"{REVIEWS}/{link['id']}"), 404)
    assert as_mia.delete(f"{REVIEWS}/{link['id']}").status_code == 204
    assert as_mia.get(f"{REVIEWS}/{link['id']}").json()["url"] is None
    assert Client().get(f"/review/{path}").status_code == 404


def test_a_strangers_order_cannot_be_shown_around(as_eve: APIClient, order: Generation) -> None:
    pipeline.run(order.pk)
    for pk in (order.pk, uuid.uuid4()):
        told = is_problem(as_eve.post(REVIEWS, {"generation": str(pk)}, format="json"), 422)
        assert told["errors"] == {"generation": ["No generation with this id."]}
