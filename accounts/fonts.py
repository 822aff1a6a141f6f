"""A brand's own fonts: taken in, given a role, taken away; and had at hand where an ad is drawn."""

from __future__ import annotations

from django.db import transaction

from accounts.brands import BrandRefused
from accounts.kit import require_editor
from accounts.models import Brand, BrandFont, User
from finishing import fonts
from finishing.font_check import CheckedFont, FontRefused, check
from keeping import store

MOST = 12  # fonts of one brand
LICENCE_LENGTH = 300
ROLES = {"headline": "headline_font", "text": "text_font"}
TYPES = {"TTF": "font/ttf", "OTF": "font/otf", "WOFF2": "font/woff2"}


def add(*, by: User, brand: Brand, data: bytes, licence: str, may_use: bool) -> BrandFont:
    """Take a TTF, OTF or WOFF2 into the brand's kit; the same file again changes its licence note. Raises NotAllowed and BrandRefused.

    `licence` says by what right it is used; `may_use` is the tick under it.
    """
    require_editor(by, brand)
    if not may_use:
        raise BrandRefused("may_use", "Tick that you may use this font in ads. Without that we cannot keep it.")
    note = checked_licence(licence)
    try:
        checked = check(data)
    except FontRefused as refusal:
        raise BrandRefused("file", str(refusal)) from refusal
    return put(by=by, brand=brand, checked=checked, licence=note)


def checked_licence(licence: str) -> str:
    """The licence note, tidy. Raises BrandRefused."""
    note = " ".join(licence.split())
    if not note or len(note) > LICENCE_LENGTH:
        raise BrandRefused("licence", f"Say by what licence you use this font, in at most {LICENCE_LENGTH} letters.")
    return note


def put(*, by: User, brand: Brand, checked: CheckedFont, licence: str) -> BrandFont:
    """Keep a font that was looked at. Raises BrandRefused when the brand has too many."""
    file = store.keep(checked.data, type=TYPES[checked.kind])
    with transaction.atomic():
        Brand.objects.select_for_update().get(pk=brand.pk)  # two uploads at once count each other
        if brand.fonts.exclude(file=file).count() >= MOST:
            raise BrandRefused("file", f"A brand has at most {MOST} fonts. Take one away first.")
        font, _ = BrandFont.objects.update_or_create(
            brand=brand,
            file=file,
            defaults={
                "family": checked.family,
                "style": checked.style,
                "weight": checked.weight,
                "ranges": [list(run) for run in checked.ranges],
                "licence": licence,
                "uploaded_by": by,
            },
        )
    return font


def remove(*, by: User, font: BrandFont) -> None:
    """Take a font away; what it was used for is set in the template's own face again. Raises NotAllowed."""
    require_editor(by, font.brand)
    discard(font)


def discard(font: BrandFont) -> None:
    """The same for staff, who need no place in the brand."""
    with transaction.atomic():
        for field in ROLES.values():
            Brand.objects.filter(pk=font.brand_id, **{field: font.slug}).update(**{field: ""})
        font.delete()


def give_role(*, by: User, brand: Brand, role: str, slug: str) -> None:
    """Use a face for headlines (`headline`) or everything else (`text`): ours or the brand's own by its slug; empty for the template's.

    Raises NotAllowed and BrandRefused.
    """
    require_editor(by, brand)
    if role not in ROLES:
        raise BrandRefused("role", "A font is for headlines or for everything else: say headline or text.")
    if slug and slug not in {own.slug for own in brand.fonts.all()} and slug not in fonts.faces():
        raise BrandRefused(ROLES[role], f"There is no font '{slug}' in this brand. Upload it first, or pick one from the list.")
    setattr(brand, ROLES[role], slug)
    brand.save(update_fields=[ROLES[role]])


def in_use(brand: Brand) -> dict[str, BrandFont]:
    """The brand's own fonts that have a role, by role."""
    own = {font.slug: font for font in brand.fonts.select_related("file")}
    return {role: own[slug] for role, field in ROLES.items() if (slug := getattr(brand, field)) in own}


def at_hand(brand: Brand) -> dict[str, BrandFont]:
    """The same, with each lent to finishing. Raises FileNotFoundError when a file is gone."""
    used = in_use(brand)
    for font in used.values():
        if not fonts.is_at_hand(font.slug):
            fonts.lend(font.slug, store.read(font.file), family=font.family, weight=font.weight, ranges=font.ranges)
    return used
