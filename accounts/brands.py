"""What people may do with brands and with each other in them: make, invite, leave, hand over, delete and bring back.

Owners do everything. Editors make and change ads, photos, words, webhooks. Reviewers look. A brand always has an owner.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import CASCADE, Case, QuerySet, Value, When
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from accounts import audit, outbox
from accounts.models import Brand, Invitation, Membership, Message, User
from accounts.signals import brand_deleted

Role = Membership.Role
INVITATION_LIVES = timedelta(days=7)
UNDO = timedelta(days=30)  # after that a deleted brand and all that hangs on it is purged
MOST_BRANDS = 50  # of which one person is an owner
MOST_OPEN_INVITATIONS = 50  # of one brand
INVITATION = "accounts.invitation"
KEPT_OF_A_PURGED = frozenset({"id", "event_seq", "created_at", "deleted_at"})
MAY = {
    Role.OWNER: "Owners make ads, invite people and decide about the brand.",
    Role.EDITOR: "Editors make and change ads.",
    Role.REVIEWER: "Reviewers look at ads and say what they think.",
}


class BrandRefused(Exception):
    """Something cannot be done with a brand. `field` names what is wrong; the message is a sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class NotAllowed(Exception):
    """This person may not do that in this brand. The message is a sentence."""


def role_in(user: User, brand: Brand) -> str | None:
    """What this person is in a brand; None for a stranger and in a deleted brand."""
    return Membership.objects.filter(user=user, brand=brand, brand__deleted_at=None).values_list("role", flat=True).first()


def may_edit(user: User, brand: Brand) -> bool:
    """Whether this person may make and change things of this brand; reviewers only look."""
    return role_in(user, brand) in (Role.OWNER, Role.EDITOR)


def require_owner(user: User, brand: Brand) -> None:
    """Raises NotAllowed for everybody else."""
    if role_in(user, brand) != Role.OWNER:
        raise NotAllowed("Only an owner of this brand may do that.")


def make_personal_brand(user: User) -> Brand:
    """The brand that somebody starts with."""
    first = (user.name or user.email.split("@")[0]).strip()
    return make_brand(by=user, name=first[:80])


@transaction.atomic
def make_brand(*, by: User, name: str) -> Brand:
    """A new brand with this person as its owner. Raises BrandRefused."""
    name = _checked_name(name)
    owned = Membership.objects.filter(user=by, role=Role.OWNER, brand__deleted_at=None).count()
    if owned >= MOST_BRANDS:
        raise BrandRefused("name", f"You own {MOST_BRANDS} brands already. Delete one that is not needed any more.")
    brand = Brand.objects.create(name=name, slug=_free_slug(name))
    Membership.objects.create(user=by, brand=brand, role=Role.OWNER)
    return brand


def rename(*, by: User, brand: Brand, name: str) -> Brand:
    """Another name; its address stays. Raises NotAllowed and BrandRefused."""
    require_owner(by, brand)
    brand.name = _checked_name(name)
    brand.save(update_fields=["name"])
    return brand


@transaction.atomic
def invite(*, by: User, brand: Brand, email: str, role: str) -> Invitation:
    """Offer somebody a place in a brand, by e-mail. Inviting again replaces the offer before. Raises NotAllowed and BrandRefused.

    Nothing is said about whether this address has an account.
    """
    require_owner(by, brand)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise BrandRefused("email", "Type an email address, such as max@example.com.") from None
    if role not in Role.values:
        raise BrandRefused("role", f"Choose a role: {', '.join(Role.values)}.")
    Brand.objects.select_for_update().get(pk=brand.pk)  # two who invite the same person at once do it one after the other
    if Membership.objects.filter(brand=brand, user__email=email).exists():
        raise BrandRefused("email", f"{email} shares this brand already.")
    Invitation.objects.filter(brand=brand, email=email, accepted_at=None).delete()
    if open_invitations(brand).count() >= MOST_OPEN_INVITATIONS:
        raise BrandRefused("email", f"{MOST_OPEN_INVITATIONS} invitations are open. Take some back first.")
    recent = Invitation.objects.filter(invited_by=by, created_at__gt=timezone.now() - timedelta(days=1)).count()
    if recent >= MOST_OPEN_INVITATIONS:
        raise BrandRefused("email", "You invited many people today. Wait until tomorrow.")
    invitation = Invitation.objects.create(brand=brand, email=email, role=role, invited_by=by, expires_at=timezone.now() + INVITATION_LIVES)
    outbox.write(
        Message.Kind.INVITE,
        to=email,
        brand=brand,
        sender=by.name or by.email,
        brand_name=brand.name,
        role=Role(role).label.lower(),
        may=MAY[Role(role)],
        link=outbox.address("invitation", token_of(invitation)),
    )
    audit.record("invitation.made", by=by, brand=brand.pk, subject=invitation, changes={"role": (None, role)}, personal={"email": email})
    return invitation


def open_invitations(brand: Brand) -> QuerySet[Invitation]:
    """The offers of a brand that can still be accepted."""
    return Invitation.objects.filter(brand=brand, accepted_at=None, expires_at__gt=timezone.now())


def take_back(*, by: User, invitation: Invitation) -> None:
    """An offer that is no more. Raises NotAllowed."""
    require_owner(by, invitation.brand)
    if Invitation.objects.filter(pk=invitation.pk, accepted_at=None).delete()[0]:
        audit.record("invitation.taken_back", by=by, brand=invitation.brand_id, subject=invitation, personal={"email": invitation.email})


def token_of(invitation: Invitation) -> str:
    """What stands in the link of an invitation. Signed, so that it cannot be guessed and need not be kept."""
    return signing.dumps(str(invitation.pk), salt=INVITATION)


def invitation_of(token: str) -> Invitation | None:
    """The open invitation of a link; None when it is not ours, taken back, accepted or too old."""
    try:
        pk = UUID(signing.loads(token, salt=INVITATION, max_age=INVITATION_LIVES))
    except (signing.BadSignature, ValueError, TypeError):
        return None
    found = Invitation.objects.filter(pk=pk, accepted_at=None, expires_at__gt=timezone.now(), brand__deleted_at=None)
    return found.select_related("brand", "invited_by").first()


@transaction.atomic
def accept(*, by: User, invitation: Invitation) -> Membership:
    """Take the place that was offered. Whoever has the link may, once. Raises BrandRefused when somebody was quicker."""
    won = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, expires_at__gt=timezone.now()).update(accepted_at=timezone.now())
    if not won:
        raise BrandRefused("invitation", "This invitation was used already, taken back, or ran out. Ask for a new one.")
    member, _ = Membership.objects.get_or_create(user=by, brand=invitation.brand, defaults={"role": invitation.role})
    return member


@transaction.atomic
def change_role(*, by: User, member: Membership, role: str) -> Membership:
    """Another role for somebody. Raises NotAllowed, and BrandRefused when the brand would have no owner."""
    require_owner(by, member.brand)
    if role not in Role.values:
        raise BrandRefused("role", f"Choose a role: {', '.join(Role.values)}.")
    if role != Role.OWNER:
        _keep_an_owner(member)
    before = member.role
    Membership.objects.filter(pk=member.pk).update(role=role)
    member.role = role
    audit.record("role.changed", by=by, brand=member.brand_id, subject=member, changes={"role": (before, role)})
    return member


@transaction.atomic
def hand_over(*, by: User, member: Membership) -> None:
    """Somebody else owns the brand from now on; who did becomes an editor. Raises NotAllowed."""
    require_owner(by, member.brand)
    if member.user_id == by.pk:
        raise BrandRefused("member", "You own this brand already. Choose somebody else.")
    Membership.objects.filter(pk=member.pk).update(role=Role.OWNER)
    Membership.objects.filter(user=by, brand=member.brand).update(role=Role.EDITOR)
    audit.record("brand.handed_over", by=by, brand=member.brand_id, subject=member, changes={"owner": (by.pk, member.user_id)})


@transaction.atomic
def remove(*, by: User, member: Membership) -> None:
    """Take somebody out of a brand; oneself to leave it. What they made stays. Raises NotAllowed, and BrandRefused for the last owner."""
    if member.user_id != by.pk:
        require_owner(by, member.brand)
    _keep_an_owner(member)
    member.delete()


@transaction.atomic
def delete(*, by: User, brand: Brand) -> None:
    """Nobody sees the brand any more, and its open orders stop. It can be brought back for 30 days; then it is purged. Raises NotAllowed."""
    require_owner(by, brand)
    Brand.objects.filter(pk=brand.pk, deleted_at=None).update(deleted_at=timezone.now())
    Invitation.objects.filter(brand=brand, accepted_at=None).delete()
    audit.record("brand.deleted", by=by, brand=brand.pk, subject=brand)
    brand_deleted.send(sender=Brand, brand=brand, by=by)


@transaction.atomic
def restore(*, by: User, brand: Brand) -> None:
    """Bring a deleted brand back with everything in it. Raises NotAllowed."""
    if not deleted_brands_of(by).filter(pk=brand.pk).exists():
        raise NotAllowed("Only an owner of this brand may bring it back.")
    Brand.objects.filter(pk=brand.pk).update(deleted_at=None)
    audit.record("brand.restored", by=by, brand=brand.pk, subject=brand)


def deleted_brands_of(user: User | AnonymousUser) -> QuerySet[Brand]:
    """What an owner deleted and may still bring back, the newest first."""
    if not user.is_authenticated:
        return Brand.objects.none()
    mine = Brand.objects.filter(memberships__user=user, memberships__role=Role.OWNER)
    return mine.filter(deleted_at__gt=timezone.now() - UNDO).order_by("-deleted_at")


def brands_to_purge() -> QuerySet[Brand]:
    """What was deleted longer ago than anybody may bring it back."""
    return Brand.objects.filter(deleted_at__lt=timezone.now() - UNDO, purged_at=None)


@transaction.atomic
def purge(brand: Brand) -> None:
    """Delete for good what hangs on a brand, and its name. What was paid stays in the ledger, under a name that says nothing.

    Orders and photos must be gone already: they are another room's.
    """
    for relation in Brand._meta.related_objects:
        if relation.on_delete is CASCADE:
            relation.related_model._base_manager.filter(**{relation.field.name: brand}).delete()
    empty = {field.name: field.get_default() for field in Brand._meta.concrete_fields if field.name not in KEPT_OF_A_PURGED}
    Brand.objects.filter(pk=brand.pk).update(
        **{**empty, "name": "Deleted brand", "slug": f"deleted-{brand.pk.hex}", "purged_at": timezone.now()}
    )
    audit.record("brand.purged", brand=brand.pk, subject=brand)
    audit.erase_brand(brand.pk)


def members_of(brand: Brand) -> QuerySet[Membership]:
    """The people of a brand, owners first, then by when they came."""
    order = {Role.OWNER: 0, Role.EDITOR: 1, Role.REVIEWER: 2}
    whens = [When(role=role, then=Value(place)) for role, place in order.items()]
    return Membership.objects.filter(brand=brand).select_related("user", "brand").order_by(Case(*whens, default=Value(3)), "joined_at")


def _keep_an_owner(member: Membership) -> None:
    # The brand's row makes two owners who leave at once leave one after the other.
    Brand.objects.select_for_update().get(pk=member.brand_id)
    others = Membership.objects.filter(brand=member.brand_id, role=Role.OWNER, user__is_active=True).exclude(pk=member.pk)
    now = Membership.objects.filter(pk=member.pk).values_list("role", flat=True).first()
    if now == Role.OWNER and not others.exists():
        raise BrandRefused("member", "This brand needs an owner. Hand it over first, or delete the brand.")


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise BrandRefused("name", "Give the brand a name.")
    if len(name) > 80:
        raise BrandRefused("name", "Use at most 80 characters for the name.")
    return name


def _free_slug(name: str) -> str:
    slug = slugify(name)[:60] or "brand"
    if not Brand.objects.filter(slug=slug).exists():
        return slug
    return f"{slug}-{get_random_string(8).lower()}"
