"""Marks in a finished file: what made it, in XMP, where networks and people look for it."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class MarkSpec:
    """What a file says of itself: an IPTC digital source type, what made it in which version, and the ad's id."""

    source_type: str
    generator: str
    ad_id: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        """Refuse a source type that IPTC does not list here."""
        if self.source_type not in SOURCE_TYPES:
            raise ValueError(f"'{self.source_type}' is no IPTC digital source type that an ad can have.")


def xmp(marks: MarkSpec) -> bytes:
    """The marks as an XMP packet: Iptc4xmpExt:DigitalSourceType, xmp:CreatorTool, dc:identifier."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE_BASE}{marks.source_type}</Iptc4xmpExt:DigitalSourceType>
<xmp:CreatorTool>{escape(f"{marks.generator} {marks.version}".strip())}</xmp:CreatorTool>
<dc:identifier>{escape(marks.ad_id)}</dc:identifier>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()
