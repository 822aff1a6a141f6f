"""Who may do what, and how often. Reads start from the caller's own brands, so somebody else's row is a 404 before this is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, UserRateThrottle

from accounts.brands import may_edit
from accounts.models import ApiKey, Brand, User

if TYPE_CHECKING:  # `rest_framework.views` loads this module itself, by the settings
    from rest_framework.views import APIView

LOOK_ONLY = "You may look at this brand's ads, but not change them or make new ones."


def caller(request: Request) -> User:
    """The person who calls. Raises NotAuthenticated when nobody signed in."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def require_editor(user: User, brand: Brand) -> None:
    """Raises PermissionDenied for somebody who may only look."""
    if not may_edit(user, brand):
        raise PermissionDenied(LOOK_ONLY)


class EditorsWrite(BasePermission):
    """Everyone in the brand may look; reviewers may do no more. For rows with a `brand`."""

    message = LOOK_ONLY

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """Whether this row may be read or changed by the caller."""
        return request.method in SAFE_METHODS or may_edit(caller(request), obj.brand)


class StaffWithRight(BasePermission):
    """Staff who have the right to the view's model that admin asks for: to view, add, change or delete it."""

    message = "This is for staff who look after it."
    rights: ClassVar[dict[str, str]] = {"GET": "view", "HEAD": "view", "OPTIONS": "view", "PATCH": "change", "DELETE": "delete"}

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this caller may do this here. Buttons of a row (POST beside `create`) change it."""
        if isinstance(request.auth, ApiKey):
            return False  # a key makes ads; whoever looks after this signs in
        user, meta = caller(request), view.queryset.model._meta
        right = self.rights.get(request.method or "", "add" if view.action == "create" else "change")
        return user.is_staff and user.has_perm(f"{meta.app_label}.{right}_{meta.model_name}")


class ReadOrStaff(BasePermission):
    """Everybody reads; staff with the right write."""

    message = StaffWithRight.message

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this caller may do this here."""
        return request.method in SAFE_METHODS or StaffWithRight().has_permission(request, view)


# Manners, not security: guessing of passwords is stopped by accounts.tries, spending by the credits.
class PersonOrKey(UserRateThrottle):
    """Counts a key apart from its owner."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        """By what it is counted."""
        if isinstance(request.auth, ApiKey):
            return f"throttle_{self.scope}_key_{request.auth.pk}"
        return super().get_cache_key(request, view)


class Everyone(PersonOrKey):
    """Ten calls a second for a signed-in person, or a key."""

    scope = "everyone"
    rate = "600/min"


class Strangers(AnonRateThrottle):
    """One call a second for an address that did not sign in."""

    scope = "strangers"
    rate = "60/min"


class SignIns(AnonRateThrottle):
    """Twenty sign-ins a minute from one address."""

    scope = "sign-ins"
    rate = "20/min"


class Creates(PersonOrKey):
    """One order or photo a second."""

    scope = "creates"
    rate = "60/min"
