"""What is written into the log of who did what (`accounts/audit.py`), in one place: rows that are watched, and what Django says of sign-ins."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Model
from django.db.models.signals import m2m_changed

from accounts.audit import record, watch
from accounts.models import ApiKey, Brand, Membership, Product, TokenChain, Transfer, User, Webhook
from accounts.models.credits import PriceVersion
from comfy.models import Lora, Server, WorkflowVersion
from prompting.models import InstructionVersion
from templates_app.models import AdTemplate, AdTemplateVersion, LayoutVersion, PlacementVersion

VERSIONS = {
    "price": PriceVersion,
    "template": AdTemplateVersion,
    "layout": LayoutVersion,
    "placement": PlacementVersion,
    "instruction": InstructionVersion,
    "workflow": WorkflowVersion,
}
BY_HAND = (Transfer.Kind.GRANT, Transfer.Kind.ADJUST, Transfer.Kind.TOPUP)  # the ledger itself is the log of all others


def begin() -> None:
    """Watch from now on."""
    watch(User, "person", ("email", "name", "password", "is_active", "is_staff", "is_superuser"), personal=("email", "name"))
    watch(Authenticator, "second_step", ("user", "type"))
    watch(TokenChain, "sign_in_by_token", ("user",))
    watch(Membership, "role", ("user", "brand", "role"), brand=lambda row: row.brand_id)
    watch(Brand, "brand", ("name", "slug", "daily_micro_usd", "deleted_at"), personal=("name", "slug"), brand=lambda row: row.pk)
    watch(Product, "product", ("name",), personal=("name",), brand=lambda row: row.brand_id)
    watch(
        Webhook,
        "webhook",
        ("url", "active", "secret", "previous_secret"),
        personal=("url",),
        brand=lambda row: row.brand_id,
    )
    watch(
        Transfer,
        "credits",
        ("kind", "brand", "credits", "reason"),
        personal=("reason",),
        brand=lambda row: row.brand_id,
        only=lambda row: row.kind in BY_HAND,
    )
    watch(ApiKey, "api_key", ("name", "prefix", "read_only", "revoked_at"), personal=("name",), brand=lambda row: row.brand_id)
    watch(Server, "server", ("name", "address", "token", "enabled", "allow_private", "slots", "custom_nodes"))
    watch(Lora, "lora", ("slug", "file_name", "weight_min", "weight_max", "weight_default"))
    watch(AdTemplate, "template", ("slug", "published"), only=lambda row: row.current_id is not None)
    for name, model in VERSIONS.items():
        # What the starter shelf brings has no author; its versions say so themselves.
        watch(model, f"{name}_version", ("number", "hash", "note"), only=lambda row: row.author_id is not None)
    user_logged_in.connect(_signed_in, dispatch_uid="audit.in")
    user_logged_out.connect(_signed_out, dispatch_uid="audit.out")
    user_login_failed.connect(_refused, dispatch_uid="audit.refused")
    for through in (User.groups.through, User.user_permissions.through, Group.permissions.through):
        m2m_changed.connect(_rights, sender=through, dispatch_uid=f"audit.{through.__name__}")


def _signed_in(sender: Any, user: User, **kwargs: Any) -> None:
    record("sign_in.done", by=user, subject=user)


def _signed_out(sender: Any, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        record("sign_in.ended", by=user, subject=user)


def _refused(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    tried = str(credentials.get("username") or credentials.get("email") or "").lower()
    person = User.objects.filter(email=tried).first()
    record("sign_in.refused", subject=person, personal={"tried": tried})


def _rights(sender: Any, instance: Model, action: str, model: type[Model], pk_set: set[Any] | None, **kwargs: Any) -> None:
    """Groups and permissions of people, permissions of groups: who gave or took which."""
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    names = sorted(str(row) for row in model._base_manager.filter(pk__in=pk_set or []))
    what = "all" if action == "pre_clear" else ", ".join(names)
    if what:
        record("rights.given" if action == "post_add" else "rights.taken", subject=instance, changes={"rights": (None, what)})
