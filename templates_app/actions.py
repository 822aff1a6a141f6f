"""What staff may do with templates, layouts and placements: an edit is a new version."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from finishing.layout import LayoutSpec
from finishing.specs import StyleSpec
from painting.builtin_needs import BuiltinNeeds
from painting.engine import EngineError
from templates_app.models import AdTemplate, AdTemplateVersion, Layout, LayoutVersion, Placement, PlacementVersion, Version

Head = AdTemplate | Layout | Placement


@transaction.atomic
def publish_version(*, by: User | None, head: Head, data: dict[str, Any], note: str = "", layout: LayoutVersion | None = None) -> Version:
    """Write what a head row says from now on as a new version. Orders and ads that exist keep pointing at the one before.

    `layout` is the layout version of a template; without it the template keeps the one it has. Raises ValueError with a sentence.
    """
    version: Version
    if isinstance(head, AdTemplate):
        check_template(data)
        layout = layout or (head.current.layout if head.current else None)
        if layout is None:
            raise ValueError("A template needs a layout.")
        version = AdTemplateVersion(template=head, layout=layout)
    elif isinstance(head, Layout):
        LayoutSpec.from_data(data)
        version = LayoutVersion(layout=head)
    else:
        check_placement(data)
        version = PlacementVersion(placement=head)
    newest = head.versions.aggregate(number=Max("number"))["number"] or 0
    version.number, version.data, version.author, version.note = newest + 1, data, by, note[:200]
    version.save()
    type(head)._default_manager.filter(pk=head.pk).update(current=version)
    head.refresh_from_db()
    return version


def check_template(data: dict[str, Any]) -> None:
    """Read a template's data as its makers will. Raises ValueError with a sentence that names what is wrong."""
    words = data.get("words")
    if not isinstance(words, dict) or not words.get("scene"):
        raise ValueError("The template's words need a scene: what is to be seen in the picture.")
    if not isinstance(data.get("style"), dict):
        raise ValueError("The template needs a style: its fonts, inks and button.")
    try:
        StyleSpec.from_data(data["style"])
        BuiltinNeeds.from_data(data.get("engines", {}).get("builtin", {}))
    except (TypeError, KeyError) as error:
        raise ValueError(f"The template's style cannot be used: {error}.") from error
    except EngineError as error:
        raise ValueError(str(error)) from error


def check_placement(data: dict[str, Any]) -> None:
    """Read a placement's data as its makers will. Raises ValueError with a sentence that names what is wrong."""
    for side in ("width", "height"):
        value = data.get(side)
        if value is not None and (not isinstance(value, int) or not 16 <= value <= 8000):
            raise ValueError(f"The {side} must be a number of pixels from 16 to 8000.")
    for side, share in (data.get("safe_zone") or {}).items():
        if share is not None and not 0 <= share < 0.5:
            raise ValueError(f"The safe zone's {side} must be a fraction from 0 to 0.5.")
