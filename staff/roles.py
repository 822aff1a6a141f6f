"""The roles that staff begin with, as Django's groups: what each may see and do in admin and by API.

They are made when the tables are, and left alone after that: whoever runs the house changes them in admin. A superuser may do everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

ALL = ("view", "add", "change", "delete")
LOOK = ("view",)
EDIT = ("view", "change")

# A role, and by room or row what it may do there.
ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    "Curator": {
        "templates_app": ALL,
        "prompting.instruction": ALL,
        "prompting.rule": ALL,
        "comfy.lora": ALL,
        "comfy.workflow": ALL,
        "comfy.server": LOOK,
        "generations.photo": LOOK,
        "generations.generation": LOOK,
        "generations.picture": LOOK,
        "generations.ad": LOOK,
        "keeping.storedfile": LOOK,
    },
    "Operator": {
        "comfy": ALL,
        "generations": LOOK,
        "generations.breaker": EDIT,
        "prompting.languageserver": ALL,
        "prompting.tokenprice": ALL,
        "accounts.price": ALL,
        "accounts.delivery": LOOK,
        "accounts.message": LOOK,
        "templates_app": LOOK,
        "keeping.storedfile": LOOK,
        "django_celery_results": LOOK,
    },
    "Support": {
        "accounts.user": EDIT,
        "accounts.brand": EDIT,
        "accounts.membership": EDIT,
        "accounts.invitation": LOOK,
        "accounts.transfer": ("view", "grant_credits"),
        "accounts.message": LOOK,
        "accounts.delivery": LOOK,
        "accounts.webhook": LOOK,
        "accounts.apikey": EDIT,
        "accounts.auditentry": LOOK,
        "generations": LOOK,
        "keeping.storedfile": LOOK,
    },
}


def make_roles(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Make the groups that are missing, with their rights. Sent by `post_migrate`, room by room: the first one makes the rights of all."""
    if Group.objects.filter(name__in=ROLES).count() == len(ROLES):
        return
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=using)
    for name, may in ROLES.items():
        group, made = Group.objects.get_or_create(name=name)
        if made:
            # Row by row and not by `set`: the log of who did what is for people, and nobody did this.
            rows = Group.permissions.through
            rights = Permission.objects.filter(_rights(may)).values_list("pk", flat=True)
            rows.objects.bulk_create(rows(group_id=group.pk, permission_id=right) for right in rights)


def _rights(may: dict[str, tuple[str, ...]]) -> Q:
    found = Q(pk=None)
    for app, model, right in _each(may):
        # Django calls a right `view_brand`; ours of our own, such as `grant_credits`, stand as they are.
        codename = f"{right}_{model}" if right in ALL else right
        found |= (
            Q(content_type__app_label=app, codename=codename) if model else Q(content_type__app_label=app, codename__startswith=f"{right}_")
        )
    return found


def _each(may: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str, str]]:
    for where, rights in may.items():
        app, _, model = where.partition(".")
        yield from ((app, model, right) for right in rights)
