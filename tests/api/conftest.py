"""Clients of the API: each person with a token of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    """Throttles count in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def anyone() -> APIClient:
    """Somebody without a token."""
    return APIClient()


def client_of(user: User) -> APIClient:
    """This person with a fresh token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
    return client


@pytest.fixture
def as_mia(mia: User) -> APIClient:
    """Mia's phone."""
    return client_of(mia)


@pytest.fixture
def as_max(max: User) -> APIClient:
    """Her team mate's phone."""
    return client_of(max)


@pytest.fixture
def as_eve(eve: User) -> APIClient:
    """A stranger's phone."""
    return client_of(eve)


def is_problem(response: Any, status: int) -> dict[str, Any]:
    """The body of a refusal, which must have the shape of all refusals."""
    assert response.status_code == status, response.content[:500]
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status and body["title"] and body["detail"]
    assert all(isinstance(sentences, list) and sentences for sentences in body["errors"].values())
    return body
