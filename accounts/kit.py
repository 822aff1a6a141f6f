"""A brand's kit: its logo in two versions, its colours by role, and what an ad must keep of the product."""

from __future__ import annotations

import re
from typing import Any

from accounts.brands import BrandRefused, NotAllowed, role_in
from accounts.models import Brand, Membership, User
from finishing.fidelity import BOUNDS
from finishing.logo import Logo, LogoRefused, take_in
from keeping import store
from keeping.models import StoredFile

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
CLEAR_AT_MOST = 2.0


def set_logo(*, by: User, brand: Brand, data: bytes, on_dark: bool = False) -> Brand:
    """Take a PNG or WebP as the brand's logo, or as its version for dark grounds. Raises NotAllowed and BrandRefused."""
    _require_editor(by, brand)
    try:
        logo = take_in(data)
    except LogoRefused as refusal:
        raise BrandRefused("file", str(refusal)) from refusal
    return _put(brand, kept(logo), on_dark)


def remove_logo(*, by: User, brand: Brand, on_dark: bool = False) -> Brand:
    """A brand without this version of its logo. Raises NotAllowed."""
    _require_editor(by, brand)
    return _put(brand, None, on_dark)


def change(*, by: User, brand: Brand, colours: Any = None, clear_space: float | None = None, truth: Any = None) -> Brand:
    """Other colours, clear space, or bounds of product truth; None leaves each as it is. Raises NotAllowed and BrandRefused."""
    _require_editor(by, brand)
    if colours is not None:
        brand.colours = checked_colours(colours)
    if clear_space is not None:
        if not 0 <= clear_space <= CLEAR_AT_MOST:
            raise BrandRefused("clear_space", f"The clear space must be from 0 to {CLEAR_AT_MOST:g} heights of the logo.")
        brand.clear_space = clear_space
    if truth is not None:
        brand.truth = checked_truth(truth)
    brand.save(update_fields=["colours", "clear_space", "truth"])
    return brand


def kept(logo: Logo) -> StoredFile:
    """A logo that was taken in, as a kept file."""
    return store.keep(logo.data, type="image/png", width=logo.width, height=logo.height)


def checked_colours(colours: Any) -> dict[str, str]:
    """Roles to #rrggbb. Raises BrandRefused.

    Roles that ads know: primary (button), accent (badge), ink and paper (words on light and on dark); others colour scenes.
    """
    if not isinstance(colours, dict) or not all(isinstance(each, str) and COLOUR.fullmatch(each) for each in colours.values()):
        raise BrandRefused("colours", 'Give roles with colours as #rrggbb, for instance {"primary": "#006746"}.')
    return {str(role): colour for role, colour in colours.items()}


def checked_truth(truth: Any) -> dict[str, float]:
    """Bounds of what is measured. Raises BrandRefused."""
    if not isinstance(truth, dict) or set(truth) - set(BOUNDS):
        raise BrandRefused("truth", f"Give bounds for some of these: {', '.join(BOUNDS)}.")
    for name, bound in truth.items():
        most = 100 if name.startswith("delta_e") else 1
        if type(bound) not in (int, float) or not 0 <= bound <= most:
            raise BrandRefused("truth", f"The bound of {name} must be a number from 0 to {most}.")
    return {name: float(bound) for name, bound in truth.items()}


def _put(brand: Brand, file: StoredFile | None, on_dark: bool) -> Brand:
    name = "logo_on_dark" if on_dark else "logo"
    setattr(brand, name, file)
    brand.save(update_fields=[name])
    return brand


def _require_editor(user: User, brand: Brand) -> None:
    if role_in(user, brand) not in (Membership.Role.OWNER, Membership.Role.EDITOR):
        raise NotAllowed("Only owners and editors of this brand may do that.")
