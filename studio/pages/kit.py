"""The brand kit: logo, colours, fonts, tone and words that every new ad starts from."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import brands, fonts, kit
from accounts.models import Brand, User
from accounts.queries import brands_of

ROLES = (("primary", "Button"), ("accent", "Badge"), ("ink", "Words on light"), ("paper", "Words on dark"))


@login_required
@never_cache
def page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The kit, and its one form of colours, fonts, tone and words."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    if request.method != "POST":
        return _shown(request, brand)
    return _tried(request, brand, lambda: _save(request, brand), "The kit is saved. New ads follow it; finished ones stay as they are.")


@login_required
@require_POST
def logo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Another logo, for light or for dark grounds; or none."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    on_dark, sent = "on_dark" in request.POST, request.FILES.get("file")
    if "remove" in request.POST:
        return _tried(request, brand, lambda: kit.remove_logo(by=_person(request), brand=brand, on_dark=on_dark), "The logo is taken away.")
    data = sent.read() if sent else b""
    return _tried(request, brand, lambda: kit.set_logo(by=_person(request), brand=brand, data=data, on_dark=on_dark), "The logo is there.")


@login_required
@require_POST
def font(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One more font of the brand's own, or one less."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    if gone := request.POST.get("remove"):
        own = next((each for each in brand.fonts.all() if str(each.pk) == gone), None)
        if own is None:
            return redirect("brand-kit", pk=brand.pk)  # somebody else was quicker
        return _tried(request, brand, lambda: fonts.remove(by=_person(request), font=own), "The font is taken away.")
    sent = request.FILES.get("file")
    told: dict[str, Any] = {"licence": request.POST.get("licence", ""), "may_use": "may_use" in request.POST}

    def add() -> object:
        return fonts.add(by=_person(request), brand=brand, data=sent.read() if sent else b"", **told)

    return _tried(request, brand, add, "The font is there. Choose what it is for, and save.")


def _save(request: HttpRequest, brand: Brand) -> None:
    sent = request.POST
    colours = {role: colour for role, colour in brand.colours.items() if role not in dict(ROLES)}
    colours |= {role: given for role, _ in ROLES if (given := sent.get(f"colour_{role}", "").strip())}
    words: dict[str, Any] = {name: sent.get(name, "").split(",") for name in ("words_to_use", "words_to_avoid")}
    with transaction.atomic():
        for role, field in fonts.ROLES.items():
            fonts.give_role(by=_person(request), brand=brand, role=role, slug=sent.get(field, ""))
        kit.change(by=_person(request), brand=brand, colours=colours, tone=sent.get("tone", ""), **words)


def _tried(request: HttpRequest, brand: Brand, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
    except brands.NotAllowed as refusal:
        return _shown(request, brand, HTTPStatus.FORBIDDEN, refused=str(refusal))
    except brands.BrandRefused as refusal:
        return _shown(request, brand, HTTPStatus.UNPROCESSABLE_ENTITY, refused=str(refusal), field=refusal.field)
    messages.success(request, done)
    return redirect("brand-kit", pk=brand.pk)


def _shown(request: HttpRequest, brand: Brand, status: HTTPStatus = HTTPStatus.OK, **more: Any) -> HttpResponse:
    """The page; after a refusal with what was typed."""
    typed = request.POST if "tone" in request.POST else None

    def given(name: str, kept: str) -> str:
        return kept if typed is None else typed.get(name, "")

    own = list(brand.fonts.all())
    context = {
        "brand": brand,
        "editor": brands.may_edit(_person(request), brand),
        "colours": [(role, title, given(f"colour_{role}", brand.colours.get(role, ""))) for role, title in ROLES],
        "contrasts": kit.contrasts(brand.colours),
        "own_fonts": own,
        "faces": [(each.slug, str(each)) for each in own] + kit.faces(),
        "headline_font": given("headline_font", brand.headline_font),
        "text_font": given("text_font", brand.text_font),
        "tone": given("tone", brand.tone),
        "words_to_use": given("words_to_use", ", ".join(brand.words_to_use)),
        "words_to_avoid": given("words_to_avoid", ", ".join(brand.words_to_avoid)),
        **more,
    }
    return render(request, "studio/account/kit.html", context, status=status)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
