"""Closing one's account: nobody gets in at once, and after thirty days nothing is left that tells of the person."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.utils import timezone

from accounts import audit, brands, sessions
from accounts.models import Invitation, Membership, Message, User

KEPT = timedelta(days=30)  # so long staff can open it again, by making it active


class ClosingRefused(Exception):
    """An account cannot be closed now. The message says what to do first."""


@transaction.atomic
def close_account(user: User) -> None:
    """Close this person's account: brands that only they share are deleted, others are left. Raises ClosingRefused."""
    if user.is_superuser and not User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk).exists():
        raise ClosingRefused("You are the only one who may do everything in admin. Let somebody else do so first.")
    for member in Membership.objects.filter(user=user, brand__deleted_at=None).select_related("brand"):
        others = Membership.objects.filter(brand=member.brand, user__is_active=True).exclude(pk=member.pk)
        if not others.exists():
            brands.delete(by=user, brand=member.brand)
        elif member.role == Membership.Role.OWNER and not others.filter(role=Membership.Role.OWNER).exists():
            raise ClosingRefused(f"{member.brand.name} is shared with others. Hand it over, or delete it, first.")
        else:
            member.delete()
    user.is_active, user.closed_at = False, timezone.now()
    user.save(update_fields=["is_active", "closed_at"])
    sessions.end_everywhere(user)
    audit.record("person.closed", by=user, subject=user)


def purge_people() -> int:
    """Delete for good whose account was closed thirty days ago and was not opened again. Gives how many."""
    due = list(User.objects.filter(is_active=False, closed_at__lt=timezone.now() - KEPT))
    for user in due:
        _purge(user)
    return len(due)


@transaction.atomic
def _purge(user: User) -> None:
    Invitation.objects.filter(email__iexact=user.email).delete()
    Message.objects.filter(to__iexact=user.email).delete()
    LogEntry.objects.filter(object_repr__icontains=user.email).delete()  # admin's own history calls rows by their names
    pk = user.pk
    user.delete()
    user.pk = pk  # to find what the log has of them; that they were deleted stays in it
    audit.erase_person(user)
