"""What staff may do with templates, layouts and placements: an edit is a new version."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from comfy.needs import Needs, NeedsRefused
from finishing import grounds
from finishing.colour import parse_hex
from finishing.fonts import faces
from finishing.grounds import GroundError
from finishing.layout import LayoutSpec
from finishing.plates import PlateError, facts_of
from finishing.policy import read_rules
from finishing.specs import StyleSpec
from keeping.versions import Version
from painting.builtin import SCENES
from painting.builtin_needs import GROUND, BuiltinNeeds
from painting.engine import EngineError
from painting.openai_needs import OpenAINeeds
from templates_app.models import AdTemplate, AdTemplateVersion, Layout, LayoutVersion, Placement, PlacementVersion

Head = AdTemplate | Layout | Placement
TYPES = {"jpg", "jpeg", "png", "png8", "webp"}  # what finishing can write
TEXT_IN_IMAGE = ("allowed", "required", "limited", "forbidden")


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
        check_placement(data, head.kind)
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
    if not isinstance(words, dict) or not isinstance(words.get("scene"), str) or not words["scene"].strip():
        raise ValueError("The template's words need a scene: what is to be seen in the picture.")
    if not isinstance(data.get("style"), dict):
        raise ValueError("The template needs a style: its fonts, inks and button.")
    _check_style(data["style"])
    engines = data.get("engines", {})
    if not isinstance(engines, dict) or not all(isinstance(needs, dict) for needs in engines.values()):
        raise ValueError("The template's engines must say, by the name of an engine, what it needs.")
    try:
        _check_scenes(BuiltinNeeds.from_data(engines.get("builtin", {})))
        if "openai" in engines:
            OpenAINeeds.from_data(engines["openai"])
        if "comfyui" in engines:
            Needs.from_data(engines["comfyui"])
    except NeedsRefused as error:
        raise ValueError(f"The template's settings for ComfyUI are wrong: {error}.") from error
    except (EngineError, PlateError, GroundError) as error:
        raise ValueError(str(error)) from error


def _check_style(told: dict[str, Any]) -> None:
    try:
        style = StyleSpec.from_data(told)
    except KeyError as missing:
        raise ValueError(f"The template's style needs {missing}.") from missing
    except TypeError as error:
        raise ValueError(f"The template's style cannot be used: {error}.") from error
    for slug in (style.headline_font, style.text_font, style.button_font):
        if slug not in faces():
            raise ValueError(f"There is no font '{slug}'.")
    if not style.inks:
        raise ValueError("The template's style needs at least one ink.")
    for colour in (*style.inks, style.button_fill, *filter(None, (style.button_ink, style.badge_fill, style.badge_ink))):
        parse_hex(colour)


def _check_scenes(needs: BuiltinNeeds) -> None:
    for scene in (*needs.scenes, needs.frame_scene):
        if scene.startswith(GROUND):
            grounds.check(scene.removeprefix(GROUND))
        else:
            facts_of(SCENES, scene)


def check_placement(data: dict[str, Any], kind: str = Placement.Kind.IMAGE) -> None:
    """Read a placement's data as its makers will. Raises ValueError with a sentence that names what is wrong.

    `kind` says whether it takes a picture: only what is made of words may be without pixels.
    """
    for side in ("width", "height", "deliver_width", "deliver_height", "hires_width", "hires_height"):
        value = data.get(side)
        needed = kind != Placement.Kind.TEXT and side in ("width", "height")
        if (needed or value is not None) and (type(value) is not int or not 16 <= value <= 8000):
            raise ValueError(f"The {side.replace('_', ' ')} must be a number of pixels from 16 to 8000.")
    most = data.get("max_bytes")
    if most is not None and (type(most) is not int or most < 1):
        raise ValueError("The largest file must be a number of bytes, or null where the network names none.")
    zone = data.get("safe_zone") or {}
    if not isinstance(zone, dict):
        raise ValueError("The safe zone must say left, top, right and bottom.")
    for side, share in zone.items():
        if share is not None and (type(share) not in (int, float) or not 0 <= share < 0.5):
            raise ValueError(f"The safe zone's {side} must be a fraction from 0 to 0.5.")
    if data.get("text_in_image") not in (None, *TEXT_IN_IMAGE):
        raise ValueError(f"Text in the image must be one of {', '.join(TEXT_IN_IMAGE)}, or null where the network says nothing.")
    read_rules(data.get("rules") or ())
    if kind == Placement.Kind.IMAGE and not set(data.get("file_types") or ("jpg",)) & TYPES:
        raise ValueError(f"The placement must take one of the files that are made here: {', '.join(sorted(TYPES))}.")
