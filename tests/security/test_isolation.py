"""Every address of AdsGem, asked by everybody: who is let in stands in `routes.toml`, and an address that does not stand there fails."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.contrib import admin
from django.core import signing
from django.core.cache import cache
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts import brands, keys
from accounts.models import Brand, BrandFont, Delivery, Invitation, Membership, User, Webhook
from api.v1 import tokens
from comfy.models import Lora, Server
from generations import actions, pipeline
from generations.models import Ad, Generation, Photo, ReviewLink
from keeping import links
from keeping.models import StoredFile
from tests.people import PASSWORD, stored_square

FULL = os.environ.get("ISOLATION") == "full"  # everybody, everywhere, which takes a minute; else those on whom it turns
TABLE = Path(__file__).with_name("routes.toml")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PEOPLE = ("anonymous", "owner", "editor", "reviewer", "stranger", "disabled", "clerk", "superuser")  # a clerk is staff without any right
TOKENS = ("expired", "refresh")  # for addresses that take tokens: one that ran out, and one that only gets another
IN, DOOR, NONE, NO = "let in", "sent to the door", "told there is no such thing", "told they may not"
NOT_DONE = "told that this is not done here"

# What each kind of row in the table means, for everybody in PEOPLE and TOKENS. Somebody who is let in may still be told that what they sent is
# wrong. Nobody is staff in somebody else's brand: they look at it in admin.
KINDS: dict[str, dict[str, str]] = {
    "open": dict.fromkeys((*PEOPLE, *TOKENS), IN),
    "nowhere": dict.fromkeys((*PEOPLE, *TOKENS), NONE),
    "person": {**dict.fromkeys(PEOPLE, IN), **dict.fromkeys(("anonymous", "disabled", *TOKENS), DOOR)},
}
KINDS["look"] = {**KINDS["person"], **dict.fromkeys(("stranger", "clerk", "superuser"), NONE)}
KINDS["edit"] = {**KINDS["look"], "reviewer": NO}
KINDS["own"] = {**KINDS["edit"], "editor": NO}
KINDS["hidden"] = {**KINDS["look"], "reviewer": NONE}  # to somebody who may only look, there are none
KINDS["owners"] = {**KINDS["hidden"], "editor": NONE}
KINDS["make"] = {**KINDS["person"], "reviewer": NO}
KINDS["named"] = {**KINDS["open"], **dict.fromkeys(("disabled", *TOKENS), DOOR)}
KINDS["inside"] = {**KINDS["person"], "anonymous": NOT_DONE, "disabled": NOT_DONE}
KINDS["clerks"] = {**KINDS["person"], **dict.fromkeys(("owner", "editor", "reviewer", "stranger"), NO)}
KINDS["right"] = {**KINDS["clerks"], "clerk": NO}
KINDS["absent"] = {**KINDS["person"], **dict.fromkeys(("owner", "editor", "reviewer", "stranger", "clerk", "superuser"), NONE)}


# What is sent where an empty body is refused before it is asked who sends it.
BODIES: dict[str, dict[str, str]] = {
    "brand-delete POST": {"name": "Miravel"},
    "api:brands-invitations POST": {"email": "new2@example.com", "role": "editor"},
    "api:brands-member PATCH": {"role": "editor"},
}


@dataclass(frozen=True)
class Route:
    """One address, by its name, with an example of it."""

    name: str
    address: str


def routes(samples: dict[str, dict[str, Any]]) -> list[Route]:
    """Every named address, but for admin's, which has its own test."""
    found = {}
    for name, pattern in _leaves(get_resolver(), ""):
        kwargs = samples.get(name) or {key: samples[""][key] for key in pattern.pattern.regex.groupindex if key in samples[""]}
        try:
            found.setdefault(name, Route(name, reverse(name, kwargs=kwargs)))
        except Exception:
            pytest.fail(
                f"The address '{name}' takes {list(pattern.pattern.regex.groupindex)}: say in `samples` which row of Mia's it is asked with."
            )
    return list(found.values())


def _leaves(resolver: URLResolver, namespace: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            if not inner.startswith("admin:"):
                yield from _leaves(pattern, inner)
        else:
            yield f"{namespace}{pattern.name or pattern.pattern}", pattern


@pytest.fixture
def samples(order: Generation, brand: Brand, mia: User, photo: Photo) -> dict[str, dict[str, Any]]:
    """What stands in each address: rows of Mia's brand. Under "" what an address of any other name takes."""
    pipeline.run(order.pk)
    ad = Ad.objects.filter(picture__generation=order).first()
    assert ad is not None
    webhook = Webhook.objects.create(brand=brand, url="https://example.com/hook")
    delivery = Delivery.objects.create(webhook=webhook, kind="ping", object_id=webhook.pk, body={})
    invitation = Invitation.objects.create(
        brand=brand, email="new@example.com", invited_by=mia, expires_at=timezone.now() + timedelta(days=1)
    )
    nils = User.objects.create_user("nils@example.com", PASSWORD)
    member = Membership.objects.create(user=nils, brand=brand, role="reviewer")
    file = StoredFile.objects.first()
    font = BrandFont.objects.create(brand=brand, file=file, family="Miravel Sans", licence="Bought from its maker")
    template = order.template_version.template
    by_name: dict[str, dict[str, Any]] = {
        "": {
            "slug": template.slug,
            "token": "made-up",
            "key": "made-up",
            "size": "full",
            "device": "made-up",
            "uidb36": "1",
            "sha256": "0" * 64,
        },
        "preview": {"pk": 1, "size": "thumb"},
        "picture-preview": {"pk": ad.picture_id},
        "file": {"pk": ad.pk, "size": "full"},
        "invitation": {"token": brands.token_of(invitation)},
        "brand-member": {"pk": brand.pk, "member": member.pk},
        "brand-uninvite": {"pk": brand.pk, "invitation": invitation.pk},
        "api:brands-font": {"pk": brand.pk, "font": font.pk},
        "api:webhooks-replay": {"pk": webhook.pk, "delivery": delivery.pk},
        "api:templates-detail": {"slug": template.slug},
        "mfa_remove_webauthn": {"pk": 1},
        "api:loras-detail": {"slug": Lora.objects.create(slug="grain", title="Grain", file_name="grain.safetensors", family="sdxl").slug},
    }
    server = Server.objects.create(name="gpu-1", address="http://127.0.0.1:9", allow_private=True)
    link = ReviewLink.objects.create(generation=order, expires_at=timezone.now() + timedelta(days=1))
    by_name |= {
        "review": {"token": actions.token_of(link)},
        "review-picture": {"token": actions.token_of(link), "pk": ad.pk, "size": "thumb"},
        "review-take-back": {"pk": link.pk},
        "api:reviews-detail": {"pk": link.pk},
        "api:api-keys-detail": {"pk": keys.make_key(by=mia, brand=brand, name="Shop")[0].pk},
        "api-key-take-back": {"pk": keys.make_key(by=mia, brand=brand, name="Till")[0].pk},
    }
    rows = {"photo": photo.pk, "generation": order.pk, "ad": ad.pk, "brand": brand.pk, "api:photos": photo.pk, "api:generations": order.pk}
    rows |= {"api:ads": ad.pk, "api:brands": brand.pk, "api:webhooks": webhook.pk, "api:servers": server.pk, "api:users": nils.pk}
    rows["api:collections"] = actions.make_collection(by=mia, brand=brand, name="Summer").pk
    rows["api:searches"] = actions.save_search(by=mia, brand=brand, name="Glow", wanted={"q": "glow"}).pk
    by_name |= {"collection-forget": {"pk": rows["api:collections"]}, "search-forget": {"pk": rows["api:searches"]}}
    for name, pattern in _leaves(get_resolver(), ""):
        named = pattern.pattern.regex.groupindex
        room = next((room for room in rows if name == room or name.startswith(f"{room}-")), None)
        if room and "pk" in named:
            by_name.setdefault(name, {**{key: by_name[""][key] for key in named if key in by_name[""]}, "pk": rows[room]})
    more = {"member": member.pk, "member_id": member.pk, "invitation": invitation.pk, "user": nils.pk, "user_id": nils.pk}
    by_name[""] |= more
    for name, pattern in _leaves(get_resolver(), ""):
        if name in by_name:
            by_name[name] |= {key: more[key] for key in pattern.pattern.regex.groupindex if key in more and key not in by_name[name]}
    return by_name


@pytest.fixture
def callers(mia: User, max: User, eve: User, sam: User, brand: Brand) -> dict[str, dict[str, str]]:
    """Everybody, by how they show who they are: a cookie for pages and a token for the API."""

    def person(email: str, **fields: Any) -> User:
        return User.objects.create_user(email, PASSWORD, **fields)

    rita, clerk, dora = person("rita@example.com"), person("clerk@example.com", is_staff=True), person("dora@example.com")
    for user, role in ((rita, "reviewer"), (dora, "owner")):
        Membership.objects.create(user=user, brand=brand, role=role)
    people = {"owner": mia, "editor": max, "reviewer": rita, "stranger": eve, "disabled": dora, "clerk": clerk, "superuser": sam}
    shown = {name: {"cookie": session_of(user), "token": access_of(user)} for name, user in people.items()}
    User.objects.filter(pk=dora.pk).update(is_active=False)
    return {
        "anonymous": {},
        **shown,
        "expired": {"token": access_of(mia, old=True)},
        "refresh": {"token": refresh_of(mia)},
    }


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def access_of(user: User, *, old: bool = False) -> str:
    token = AccessToken(tokens.tokens_for(user, RequestFactory().post("/"))["access"])
    if old:
        token.set_exp(from_time=timezone.now() - timedelta(hours=1))
    return str(token)


def refresh_of(user: User) -> str:
    return tokens.tokens_for(user, RequestFactory().post("/"))["refresh"]


def answer(route: Route, method: str, shown: dict[str, str]) -> str:
    """What somebody gets, in the words above; what they did is undone."""
    client = Client(raise_request_exception=False)
    headers = {}
    by_token = route.name.startswith("api:")
    if by_token and "token" in shown:
        headers["Authorization"] = f"Bearer {shown['token']}"
    elif "cookie" in shown:
        client.cookies[settings.SESSION_COOKIE_NAME] = shown["cookie"]
    cache.clear()  # no throttle of one caller is in the way of the next
    with transaction.atomic():
        body = BODIES.get(f"{route.name} {method}", {})
        if by_token:
            response = client.generic(
                method, route.address, json.dumps(body) if body else "", headers=headers, content_type="application/json"
            )
        else:
            response = client.generic(method, route.address, urlencode(body), content_type="application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    status = response.status_code
    if status >= 500 and status != 503:
        return f"an error {status}"
    there = response.headers.get("Location", "")
    if status == 401 or there.startswith((settings.LOGIN_URL, reverse("admin:login"))):
        return DOOR
    if there == reverse("admin:index"):
        return NONE  # what admin does with a row that is not there
    return {403: NO, 404: NONE, 405: NOT_DONE}.get(status, IN)


def test_everybody_gets_only_what_the_table_says(samples: dict[str, dict[str, Any]], callers: dict[str, dict[str, str]]) -> None:
    if not FULL:
        callers = {name: callers[name] for name in ("anonymous", "owner", "stranger")}
    table: dict[str, str] = tomllib.loads(TABLE.read_text())["routes"]
    wrong, unused = [], set(table)
    for route in routes(samples):
        rest = f"{route.name} *"
        unused.discard(rest)
        for method in METHODS:
            key = f"{route.name} {method}"
            if key not in table and method not in ("GET", "POST") and not FULL:
                continue
            unused.discard(key)
            if key not in table and rest in table:
                if method not in ("GET", "POST"):
                    continue  # done by the same code
                key = rest
            if key not in table:
                # Not done here: its owner would be let in first.
                if (got := answer(route, method, callers["owner"])) == IN or "error" in got:
                    wrong.append(
                        f'{key} has no line in {TABLE.name}. If it should be as it is, add:   "{key}" = "{proposed(route, method, callers)}"'
                    )
                continue
            kind = KINDS[table[key]]
            for name, shown in callers.items():
                if name in TOKENS and not route.name.startswith("api:"):
                    continue
                if (got := answer(route, method, shown)) != kind[name]:
                    wrong.append(f"{route.name} {method}: {name} is {got}, and should be {kind[name]} ({table[key]}).")
    wrong += [f"{key} stands in {TABLE.name}, and there is no such address any more: take the line out." for key in sorted(unused)]
    assert not wrong, "\n".join(["", *wrong])


def proposed(route: Route, method: str, callers: dict[str, dict[str, str]]) -> str:
    """The kind in the table that fits what everybody gets now; `?` when none does."""
    asked = [name for name in callers if name not in TOKENS or route.name.startswith("api:")]
    got = {name: answer(route, method, callers[name]) for name in asked}
    fits = [kind for kind, expected in KINDS.items() if all(expected[name] == got[name] for name in asked)]
    return fits[0] if fits else "? " + ", ".join(f"{name} is {said}" for name, said in got.items())


def test_only_staff_with_the_right_are_let_into_admin(callers: dict[str, dict[str, str]]) -> None:
    """Each page of each model. That staff with all rights get each of them is tested where admin is (tests/staff)."""
    wrong = []
    for model, page in admin.site._registry.items():
        for url in page.get_urls():
            keys = url.pattern.regex.groupindex
            if not url.name or not (FULL or url.name.endswith("_changelist")):
                continue
            address = example_of(f"admin:{url.name}", list(keys))
            for name in ("anonymous", "owner", "clerk") if FULL else ("clerk",):
                for method in ("GET", "POST") if name == "clerk" else ("GET",):
                    got = answer(Route(f"admin:{url.name}", address), method, callers[name])
                    if got not in {"anonymous": (DOOR,), "owner": (NO, DOOR), "clerk": (NO, NONE, NOT_DONE)}[name]:
                        wrong.append(f"{method} {address} ({model.__name__}): {name} is {got}.")
    assert not wrong, "\n".join(["", *wrong])


def example_of(name: str, keys: list[str]) -> str:
    for value in ("1", "00000000-0000-0000-0000-000000000000"):
        with suppress(NoReverseMatch):
            return reverse(name, kwargs=dict.fromkeys(keys, value))
    raise AssertionError(f"Say here what stands in the address of {name}.")


def test_no_link_to_a_file_can_be_guessed_or_kept(mia: User, eve: User, samples: dict[str, dict[str, Any]], client: Client) -> None:
    """S-6: a stranger, a link that was changed, and one that is too old get no byte."""
    stored = stored_square()
    good = links.link(stored)  # type: ignore[arg-type]
    assert client.get(good).status_code == 200
    token = good.rsplit("/", 1)[1]
    for bad in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[1:], signing.dumps([stored.pk, ""]), stored.pk):  # type: ignore[attr-defined]
        assert client.get(reverse("signed-file", args=[bad])).status_code == 404
    with patch("django.core.signing.time.time", return_value=timezone.now().timestamp() + links.SECONDS + 5):
        assert client.get(good).status_code == 404
    for size in ("full", "thumb", "large"):
        address = reverse("file", kwargs={**samples["file"], "size": size})
        client.force_login(eve)
        assert client.get(address).status_code == 404
        client.logout()
        assert client.get(address).status_code == 302
