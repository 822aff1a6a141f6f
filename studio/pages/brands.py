"""Brands and the people who share them: another one with one click, a new one, who is in it, invitations, leaving, handing over, deleting."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import brands
from accounts.models import Brand, Invitation, Membership, User
from accounts.queries import brands_of
from studio import current
from studio.pages.account import INVITED

Refused = (brands.BrandRefused, brands.NotAllowed)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


@login_required
@require_POST
def switch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Work in another brand: one click, back to the page it came from where that is a list, else to the start."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    current.choose(request, brand.pk)
    goal = request.POST.get("next", "")
    return redirect(goal if url_has_allowed_host_and_scheme(goal, None) else "home")


@login_required
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """A new brand, in which its maker goes on."""
    try:
        brand = brands.make_brand(by=_person(request), name=request.POST.get("name", ""))
    except brands.BrandRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("/account/#brands")
    current.choose(request, brand.pk)
    messages.success(request, f"{brand.name} is there, and you work in it now.")
    return redirect("brand-people", pk=brand.pk)


@login_required
@never_cache
def people(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who shares a brand. An owner's form that asks for something impossible comes back with a sentence."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    return _page(request, brand)


def _page(request: HttpRequest, brand: Brand, **more: Any) -> HttpResponse:
    members = list(brands.members_of(brand))
    mine = next(member for member in members if member.user_id == _person(request).pk)
    owner = mine.role == Membership.Role.OWNER
    context = {
        "brand": brand,
        "members": members,
        "mine": mine,
        "owner": owner,
        "roles": Membership.Role.choices,
        "may": list(brands.MAY.values()),
        "invitations": list(brands.open_invitations(brand)) if owner else [],
        "role": Membership.Role.EDITOR,
        **more,
    }
    return render(request, "studio/account/people.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY if more else HTTPStatus.OK)


@login_required
@require_POST
def invite(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Invite somebody by e-mail."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    email, role = request.POST.get("email", ""), request.POST.get("role", "")
    try:
        invitation = brands.invite(by=_person(request), brand=brand, email=email, role=role)
    except brands.NotAllowed as refusal:
        return _refused(request, brand, refusal)
    except brands.BrandRefused as refusal:
        return _page(request, brand, email=email, role=role, errors={refusal.field: str(refusal)})
    messages.success(request, f"The invitation to {invitation.email} is on its way.")
    return redirect("brand-people", pk=pk)


@login_required
@require_POST
def uninvite(request: HttpRequest, pk: UUID, invitation: UUID) -> HttpResponse:
    """Take an invitation back."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    found = get_object_or_404(Invitation.objects.select_related("brand"), brand=brand, pk=invitation)
    return _tried(
        request, brand, lambda: brands.take_back(by=_person(request), invitation=found), f"{found.email} is not invited any more."
    )


@login_required
@require_POST
def member(request: HttpRequest, pk: UUID, member: int) -> HttpResponse:
    """Another role for somebody, the brand handed over to them, or out they go; oneself: leaving."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    found = get_object_or_404(brands.members_of(brand), pk=member)
    me, name = _person(request), found.user.name or found.user.email
    if "remove" in request.POST:
        leaving = found.user_id == me.pk
        done = f"You left {brand.name}." if leaving else f"{name} no longer shares {brand.name}."
        answer = _tried(request, brand, lambda: brands.remove(by=me, member=found), done)
        return redirect("account") if leaving and brands.role_in(me, brand) is None else answer
    if "hand-over" in request.POST:
        return _tried(request, brand, lambda: brands.hand_over(by=me, member=found), f"{name} owns {brand.name} now.")
    role = request.POST.get("role", "")
    return _tried(request, brand, lambda: brands.change_role(by=me, member=found, role=role), f"{name} has another role.")


@login_required
@require_POST
def rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Another name."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    return _tried(request, brand, lambda: brands.rename(by=_person(request), brand=brand, name=request.POST.get("name", "")), "Saved.")


@login_required
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a brand, which can be undone for 30 days."""
    brand = get_object_or_404(brands_of(request.user), pk=pk)
    if request.POST.get("name", "").strip() != brand.name:
        return _page(request, brand, errors={"delete": f"Type the name of the brand, {brand.name}, to delete it."})
    answer = _tried(request, brand, lambda: brands.delete(by=_person(request), brand=brand), f"{brand.name} is deleted.")
    return redirect("/account/#brands") if brands.role_in(_person(request), brand) is None else answer


@login_required
@require_POST
def restore(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Bring a deleted brand back."""
    brand = get_object_or_404(brands.deleted_brands_of(request.user), pk=pk)
    brands.restore(by=_person(request), brand=brand)
    messages.success(request, f"{brand.name} is back, with everything in it.")
    return redirect("/account/#brands")


@login_not_required
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an invitation: with an account it is accepted here; without one it leads through registering and back."""
    found = brands.invitation_of(token)
    if found is None:
        return render(request, "studio/door/invitation.html", {"found": None}, status=HTTPStatus.GONE)
    if request.method == "POST" and not request.user.is_authenticated:
        request.session[INVITED] = request.path
        return redirect("register" if "register" in request.POST else "sign-in")
    if request.method == "POST" and "other" in request.POST:
        logout(request)
        request.session[INVITED] = request.path
        return redirect("sign-in")
    if request.method == "POST":
        try:
            brands.accept(by=_person(request), invitation=found)
        except brands.BrandRefused:
            return render(request, "studio/door/invitation.html", {"found": None}, status=HTTPStatus.GONE)
        request.session.pop(INVITED, None)
        current.choose(request, found.brand_id)
        messages.success(request, f"You share {found.brand.name} now, and work in it.")
        return redirect("home")
    context = {"found": found, "may": brands.MAY[Membership.Role(found.role)], "here": request.path}
    return render(request, "studio/door/invitation.html", context)


def _tried(request: HttpRequest, brand: Brand, act: Any, done: str) -> HttpResponse:
    """Do it, and say so; or say why not."""
    try:
        act()
    except Refused as refusal:
        return _refused(request, brand, refusal)
    messages.success(request, done)
    return redirect("brand-people", pk=brand.pk)


def _refused(request: HttpRequest, brand: Brand, refusal: Exception) -> HttpResponse:
    status = HTTPStatus.FORBIDDEN if isinstance(refusal, brands.NotAllowed) else HTTPStatus.UNPROCESSABLE_ENTITY
    answer = _page(request, brand, refused=str(refusal))
    answer.status_code = status
    return answer
