"""The API describes itself, completely and truly."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.urls import get_resolver
from rest_framework.test import APIClient

from tests.people import ROOT

EXPECTED = {
    "/api/v1/": {"get"},
    "/api/v1/auth/token": {"post"},
    "/api/v1/auth/token/refresh": {"post"},
    "/api/v1/auth/logout": {"post"},
    "/api/v1/auth/register": {"post"},
    "/api/v1/auth/email/verify": {"post"},
    "/api/v1/auth/email/resend": {"post"},
    "/api/v1/auth/email/change": {"post"},
    "/api/v1/auth/password/forgot": {"post"},
    "/api/v1/auth/password/reset": {"post"},
    "/api/v1/auth/password/change": {"post"},
    "/api/v1/me": {"get", "patch", "delete"},
    "/api/v1/me/sessions": {"get", "delete"},
    "/api/v1/me/sessions/{device}": {"delete"},
    "/api/v1/brands": {"get", "post"},
    "/api/v1/brands/{id}": {"get", "patch", "delete"},
    "/api/v1/brands/{id}/restore": {"post"},
    "/api/v1/brands/{id}/members": {"get"},
    "/api/v1/brands/{id}/members/{member}": {"patch", "delete"},
    "/api/v1/brands/{id}/members/{member}/hand-over": {"post"},
    "/api/v1/brands/{id}/invitations": {"get", "post"},
    "/api/v1/brands/{id}/invitations/{invitation}": {"delete"},
    "/api/v1/invitations/accept": {"post"},
    "/api/v1/templates": {"get", "post"},
    "/api/v1/templates/{slug}": {"get", "patch", "delete"},
    "/api/v1/api-keys": {"get", "post"},
    "/api/v1/api-keys/{id}": {"get", "delete"},
    "/api/v1/reviews": {"get", "post"},
    "/api/v1/reviews/{id}": {"get", "delete"},
    "/api/v1/loras": {"get", "post"},
    "/api/v1/loras/{slug}": {"get", "patch", "delete"},
    "/api/v1/servers": {"get", "post"},
    "/api/v1/servers/{id}": {"get", "patch", "delete"},
    "/api/v1/servers/{id}/probe": {"post"},
    "/api/v1/users": {"get", "post"},
    "/api/v1/users/{id}": {"get", "patch", "delete"},
    "/api/v1/test": {"get", "post"},
    "/api/v1/placements": {"get"},
    "/api/v1/placements/{slug}": {"get"},
    "/api/v1/photos": {"get", "post"},
    "/api/v1/photos/{id}": {"get", "delete"},
    "/api/v1/photos/{id}/restore": {"post"},
    "/api/v1/photos/{id}/mark": {"post"},
    "/api/v1/photos/{id}/keywords": {"post"},
    "/api/v1/copy/suggest": {"post"},
    "/api/v1/copy/translate": {"post"},
    "/api/v1/copy/fit": {"post"},
    "/api/v1/generations": {"get", "post"},
    "/api/v1/generations/{id}": {"get", "delete"},
    "/api/v1/generations/{id}/restore": {"post"},
    "/api/v1/generations/{id}/cancel": {"post"},
    "/api/v1/generations/{id}/retry": {"post"},
    "/api/v1/generations/{id}/more": {"post"},
    "/api/v1/generations/{id}/raise": {"post"},
    "/api/v1/generations/{id}/events": {"get"},
    "/api/v1/generations/{id}/zip": {"get"},
    "/api/v1/ads": {"get"},
    "/api/v1/ads/{id}": {"get", "delete"},
    "/api/v1/ads/{id}/restore": {"post"},
    "/api/v1/ads/{id}/file": {"get"},
    "/api/v1/ads/{id}/star": {"post", "delete"},
    "/api/v1/me/credits": {"get"},
    "/api/v1/webhooks": {"get", "post"},
    "/api/v1/webhooks/{id}": {"get", "patch", "delete"},
    "/api/v1/webhooks/{id}/deliveries": {"get"},
    "/api/v1/webhooks/{id}/deliveries/{delivery}/replay": {"post"},
    "/api/v1/webhooks/{id}/rotate": {"post"},
    "/api/v1/webhooks/{id}/test": {"post"},
    "/api/v1/preflight": {"post"},
    "/api/v1/check": {"post"},
    "/api/v1/me/export": {"get"},
    "/api/v1/ads/{id}/copy": {"post", "delete"},
    "/api/v1/brands/{id}/fonts": {"get", "post"},
    "/api/v1/ads/facets": {"get"},
    "/api/v1/ads/zip": {"get"},
    "/api/v1/collections": {"get", "post"},
    "/api/v1/collections/{id}": {"get", "patch", "delete"},
    "/api/v1/collections/{id}/add": {"post"},
    "/api/v1/collections/{id}/remove": {"post"},
    "/api/v1/searches": {"get", "post"},
    "/api/v1/searches/{id}": {"get", "delete"},
    "/api/v1/brands/{id}/fonts/{font}": {"delete"},
    "/api/v1/brands/{id}/logo": {"post", "delete"},
}


@pytest.fixture
def schema(db: None) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    """What /schema/ serves."""
    response = APIClient().get("/api/v1/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json")
    assert response.status_code == 200
    return response.json()  # type: ignore[no-any-return]


def test_the_schema_is_made_without_a_warning(db: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path_factory.mktemp("schema") / "schema.yml"))


def test_the_schema_has_every_address_and_method(schema: dict[str, dict[str, dict[str, dict[str, object]]]]) -> None:
    assert {path: set(methods) for path, methods in schema["paths"].items()} == EXPECTED


def test_every_operation_documents_the_same_refusals(schema: dict[str, dict[str, dict[str, dict[str, object]]]]) -> None:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert {"401", "404", "422", "429"} <= set(operation["responses"]), (path, method)
            assert "$ref" in operation["responses"]["422"], (path, method)  # type: ignore[index]


def test_only_sign_in_and_the_front_door_need_no_token(schema: dict[str, dict[str, dict[str, dict[str, object]]]]) -> None:
    open_doors = {path for path, methods in schema["paths"].items() for operation in methods.values() if not operation.get("security")}
    ways = ("token", "token/refresh", "logout", "register", "email/verify", "email/resend", "password/forgot", "password/reset")
    assert open_doors == {"/api/v1/", *(f"/api/v1/auth/{way}" for way in ways)}


def test_the_documentation_page_loads_nothing_from_elsewhere(db: None) -> None:
    page = APIClient().get("/api/v1/docs/", HTTP_ACCEPT="text/html")
    assert page.status_code == 200
    text = page.content.decode()
    assert "swagger-ui" in text and "https://" not in text and "http://" not in text


def test_no_route_of_the_api_is_missing_here() -> None:
    api = next(each for each in get_resolver().url_patterns if "api/v1" in str(each.pattern))
    names = {pattern.name for pattern in api.url_patterns}
    assert names - {"root", "nowhere", "schema", "docs", "token", "refresh", "logout", "me", "me-credits"} == {
        *("register", "email-verify", "email-resend", "email-change", "password-forgot", "password-reset", "password-change"),
        *("me-sessions", "me-session", "invitations-accept"),
        *(f"{kind}-restore" for kind in ("ads", "generations", "photos")),
        *("ads-star", "generations-more", "generations-raise"),
        *(f"brands-{what}" for what in ("restore", "members", "member", "hand-over", "invitations", "invitation")),
        *(
            f"{name}-{kind}"
            for name in (
                "brands",
                "templates",
                "placements",
                "photos",
                "generations",
                "ads",
                "reviews",
                "api-keys",
                "webhooks",
                "loras",
                "servers",
                "users",
            )
            for kind in ("list", "detail")
        ),
        "photos-mark",
        "photos-keywords",
        "copy-suggest",
        "copy-translate",
        "copy-fit",
        "generations-cancel",
        "generations-retry",
        "generations-events",
        "generations-zip",
        "ads-file",
        "ads-copy",
        "brands-font",
        "brands-fonts",
        "ads-facets",
        "ads-zip",
        "collections-list",
        "collections-detail",
        "collections-add",
        "collections-remove",
        "searches-list",
        "searches-detail",
        "brands-logo",
        "preflight",
        "servers-probe",
        "test",
        "check",
        "me-export",
        "webhooks-deliveries",
        "webhooks-replay",
        "webhooks-rotate",
        "webhooks-test",
    }


def test_the_description_in_the_docs_is_the_one_that_is_served(db: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A change of the API is seen in the change: write it anew with `manage.py spectacular --file docs/openapi.yaml`."""
    now = tmp_path_factory.mktemp("schema") / "openapi.yaml"
    call_command("spectacular", "--file", str(now))
    assert now.read_text() == (ROOT / "docs" / "openapi.yaml").read_text()
