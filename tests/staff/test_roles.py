"""The roles that staff begin with: each sees what it needs, and nothing else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from staff.roles import ROLES, make_roles

SEES = {
    "Curator": {
        "templates_app.adtemplate",
        "templates_app.layout",
        "templates_app.placement",
        "prompting.instruction",
        "comfy.lora",
        "generations.ad",
    },
    "Operator": {"comfy.server", "generations.breaker", "generations.step", "prompting.tokenprice", "accounts.price", "accounts.delivery"},
    "Support": {"accounts.user", "accounts.brand", "accounts.transfer", "generations.generation", "accounts.auditentry"},
}
NEVER = {
    "Curator": {"accounts.user", "accounts.brand", "accounts.transfer", "accounts.auditentry", "prompting.languageserver"},
    "Operator": {"accounts.user", "accounts.brand", "accounts.transfer", "accounts.auditentry"},
    "Support": {"comfy.server", "prompting.languageserver", "templates_app.adtemplate", "accounts.price"},
}


@pytest.fixture
def desks(db: None) -> dict[str, Client]:
    """One of the staff in each role, signed in."""
    found = {}
    for role in ROLES:
        person = User.objects.create_user(f"{role.lower()}@example.com", "correct horse battery", is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        found[role] = Client()
        found[role].force_login(person)
    return found


def rooms(desk: Client) -> set[str]:
    page = desk.get(reverse("admin:index"))
    return {f"{app['app_label']}.{model['object_name'].lower()}" for app in page.context["app_list"] for model in app["models"]}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_rooms_and_no_others(desks: dict[str, Client], role: str) -> None:
    seen = rooms(desks[role])
    assert seen >= SEES[role] and not seen & NEVER[role], role
    for model in SEES[role]:
        assert desks[role].get(reverse(f"admin:{model.replace('.', '_')}_changelist")).status_code == 200, model
    for model in NEVER[role]:
        assert desks[role].get(reverse(f"admin:{model.replace('.', '_')}_changelist")).status_code in (302, 403), model


def test_only_support_gives_credits_and_nobody_but_a_superuser_says_who_is_staff(desks: dict[str, Client]) -> None:
    may = {role: set(Group.objects.get(name=role).permissions.values_list("codename", flat=True)) for role in ROLES}
    assert [role for role in ROLES if "grant_credits" in may[role]] == ["Support"]
    assert not any({"change_group", "add_group", "delete_user", "add_user"} & codes for codes in may.values())


def test_what_the_house_changed_in_a_role_stays(db: None) -> None:
    curator = Group.objects.get(name="Curator")
    curator.permissions.set(Permission.objects.filter(codename="view_brand"))
    make_roles()
    assert list(curator.permissions.values_list("codename", flat=True)) == ["view_brand"]
    Group.objects.get(name="Support").delete()
    make_roles()
    assert Group.objects.get(name="Support").permissions.filter(codename="grant_credits").exists()


def test_support_cannot_make_anybody_staff_or_touch_the_accounts_of_staff(desks: dict[str, Client], sam: User, mia: User) -> None:
    desk, page = desks["Support"], "admin:accounts_user_change"
    assert desk.get(reverse(page, args=[mia.pk])).status_code == 200
    desk.post(reverse(page, args=[mia.pk]), {"email": mia.email, "name": "Mia", "is_active": "on", "is_staff": "on", "is_superuser": "on"})
    mia.refresh_from_db()
    assert not mia.is_staff and not mia.is_superuser
    for path in (reverse(page, args=[sam.pk]), reverse("admin:auth_user_password_change", args=[sam.pk])):
        answer = desk.post(
            path, {"name": "Hacked", "password1": "correct horse 2", "password2": "correct horse 2", "usable_password": "true"}
        )
        assert answer.status_code == 403
    sam.refresh_from_db()
    assert sam.name == "Sam Staff" and sam.check_password("correct horse battery")
