"""How ComfyUI's rows look in admin, where more than one page shows it so."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from datetime import UTC, datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from PIL import Image

from comfy.loras import Found
from comfy.models import Server
from keeping.showing import NONE

LARGEST = 1024  # pixels of a picture within a page
STATES = {"present": "pass", "missing": "fail", "ambiguous": "warn"}


def moment(milliseconds: int) -> datetime | SafeString:
    """A time of the database's clock; 0 is none."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else NONE


def badge(colour: str, text: object) -> SafeString:
    """A word in the colour of its meaning: pass, warn, fail, or none."""
    return format_html('<span class="state {}">{}</span>', colour, text)


def health(server: Server, now: int) -> SafeString:
    """How a server is, as far as is known."""
    if not server.enabled:
        taken = getattr(server, "taken", 0)
        return badge("warn", f"drained, {taken} still there") if taken else badge("", "drained and empty")
    if server.open_until > now:
        return badge("fail", "left alone")
    if server.open_until or not server.last_seen:
        return badge("fail", "not seen")
    return badge("warn", "failed lately") if server.last_error else badge("pass", "works")


def memory(server: Server) -> str | SafeString:
    """Of its first device."""
    return f"{server.vram / 2**30:.0f}\N{NO-BREAK SPACE}GB" if server.vram else NONE


def where(found: Iterable[Found]) -> SafeString:
    """On which servers a LoRA is, each with what that server calls it where that is not plain."""
    rows = (
        (STATES[one.state], one.state, one.server.name, f": {', '.join(one.files)}" if one.state == "ambiguous" else "") for one in found
    )
    drawn = format_html_join("", '<li><span class="state {}">{}</span> {}{}</li>', rows)
    return format_html('<ul class="where">{}</ul>', drawn) if drawn else NONE


def within_page(picture: Image.Image) -> str:
    """A picture as an address that holds it whole: what staff try out is kept nowhere."""
    small = picture.copy()
    small.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=88)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
