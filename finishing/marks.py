"""Marks in a finished file: what made it, in XMP, where networks and people look for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

# IPTC NewsCodes, digital source type: https://cv.iptc.org/newscodes/digitalsourcetype/
SOURCE_TYPE_BASE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCE_TYPES = frozenset(
    {
        "algorithmicMedia",
        "compositeSynthetic",
        "compositeWithTrainedAlgorithmicMedia",
        "trainedAlgorithmicMedia",
    }
)
AI_TYPES = frozenset({"compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicMedia"})
IPTC, XMP, DC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "http://ns.adobe.com/xap/1.0/", "http://purl.org/dc/elements/1.1/"
LONGEST_XMP = 200_000  # bytes; what is longer is not read


@dataclass(frozen=True)
class MarkSpec:
    """What a file says of itself: an IPTC digital source type, what made it in which version, the ad's id, when it was made.

    `ai_system` and `ai_version` name the model that painted, where one did; `prompt` is told only where whoever runs AdsGem wants that.
    `number` is what the invisible watermark carries (below 2^64); None leaves it out.
    """

    source_type: str
    generator: str
    ad_id: str = ""
    version: str = ""
    made_at: datetime | None = None
    ai_system: str = ""
    ai_version: str = ""
    prompt: str = ""
    number: int | None = None

    def __post_init__(self) -> None:
        """Refuse a source type that IPTC does not list here."""
        if self.source_type not in SOURCE_TYPES:
            raise ValueError(f"'{self.source_type}' is no IPTC digital source type that an ad can have.")

    @property
    def made_with_ai(self) -> bool:
        """Whether a trained model painted all or part of it."""
        return self.source_type in AI_TYPES


@dataclass(frozen=True)
class XmpFound:
    """What the XMP of some file says; empty where it says nothing. Anybody can write XMP."""

    source_type: str = ""
    generator: str = ""
    ad_id: str = ""
    made_at: str = ""


def xmp(marks: MarkSpec) -> bytes:
    """The marks as an XMP packet: source type and AI system (IPTC 2025.1), creator tool, time, the ad's id."""
    told = {
        "Iptc4xmpExt:DigitalSourceType": SOURCE_TYPE_BASE + marks.source_type,
        "Iptc4xmpExt:AISystemUsed": marks.ai_system if marks.made_with_ai else "",
        "Iptc4xmpExt:AISystemVersionUsed": marks.ai_version if marks.made_with_ai else "",
        "Iptc4xmpExt:AIPromptInformation": marks.prompt if marks.made_with_ai else "",
        "xmp:CreatorTool": f"{marks.generator} {marks.version}".strip(),
        "xmp:CreateDate": marks.made_at.isoformat(timespec="seconds") if marks.made_at else "",
        "dc:identifier": marks.ad_id,
    }
    lines = "\n".join(f"<{name}>{escape(_plain(value))}</{name}>" for name, value in told.items() if value)
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{IPTC}"
 xmlns:xmp="{XMP}" xmlns:dc="{DC}">
{lines}
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def read_xmp(packet: bytes) -> XmpFound:
    """What an XMP packet of unknown origin says of how its picture was made; nothing when it cannot be read."""
    inside = re.search(rb"<(?:x:)?xmpmeta.*?</(?:x:)?xmpmeta>", packet[:LONGEST_XMP], re.DOTALL)
    text = inside[0] if inside else packet[:LONGEST_XMP]
    if b"<!" in text:  # XMP has no document type; entities that grow come in one
        return XmpFound()
    try:
        root = fromstring(text)  # noqa: S314 - see above
    except (ParseError, ValueError):
        return XmpFound()
    source_type = _said(root, IPTC, "DigitalSourceType").rpartition("/")[2]
    return XmpFound(source_type, _said(root, XMP, "CreatorTool"), _said(root, DC, "identifier"), _said(root, XMP, "CreateDate"))


def _said(root: Element, space: str, name: str) -> str:
    """The text of the first property of this name, which may be written as an element or as an attribute."""
    key = f"{{{space}}}{name}"
    for element in root.iter():
        if element.tag == key:
            return "".join(element.itertext()).strip()[:200]
        if key in element.attrib:
            return str(element.attrib[key])[:200]
    return ""


def _plain(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(letter for letter in text if letter in "\t\n" or letter >= " ")
