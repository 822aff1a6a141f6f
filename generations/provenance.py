"""What goes along with finished files about how they were made: `provenance.json` for machines, `labels.md` for whoever books the ads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from finishing.labels import words_for
from finishing.marks import AI_TYPES
from generations.marks import EUROPE, GENERATOR, SYSTEMS, people_appear, wants_label
from generations.models import Ad, Generation

AS_OF = "26 November 2026"
# AdCP's names (adcontextprotocol/adcp, schemas/core/provenance.json and enums/digital-source-type.json) of IPTC's source types.
ADCP_TYPES = {
    "trainedAlgorithmicMedia": "trained_algorithmic_media",
    "compositeWithTrainedAlgorithmicMedia": "composite_with_trained_algorithmic_media",
    "compositeSynthetic": "composite_synthetic",
    "algorithmicMedia": "algorithmic_media",
}
STATES_OF_RULES = (
    (EUROPE, "EU", "eu_ai_act_article_50"),
    (frozenset({"us", "usa", "united states", "california"}), "US", "ca_sb_942"),
    (frozenset({"in", "india"}), "IN", "in_it_rules_2026"),
)
# What to tick where, by platform; with AI in the picture, and without. Sources and dates stand in docs/ai-marking.md.
TICK = {
    "google": (
        "Google Ads, Display & Video 360: set the synthetic content attestation to IS_SYNTHETIC. "
        "Merchant Center: leave the metadata in the file; it asks for the IPTC source type."
    ),
    "youtube": "YouTube: it is booked in Google Ads; set the synthetic content attestation to IS_SYNTHETIC.",
    "tiktok": "TikTok Ads Manager: switch on the AI-generated content disclosure. It is mandatory for pictures that AI made or changed much.",
    "meta": "Meta Ads Manager: leave the metadata in the file. In ads on social issues, elections or politics, disclose digital creation.",
    "pinterest": "Pinterest: leave the metadata in the file; Pinterest reads it and puts its own note.",
    "taboola": "Taboola: set ai_disclosure.status.",
}
OTHERS = "{name}: look for a switch that says AI-generated, and leave the metadata in the file."


def provenance_of(generation: Generation, ads: Mapping[str, Ad]) -> str:
    """JSON: for each file by its path in the ZIP a provenance object in AdCP's shape."""
    told = {path: _provenance(ad, generation) for path, ad in ads.items()}
    return json.dumps({"about": "Provenance of each file, as AdCP 3.1 writes it.", "assets": told}, indent=2, ensure_ascii=False)


def _provenance(ad: Ad, generation: Generation) -> dict[str, Any]:
    marks = ad.recipe.get("marks", {})
    made = (ad.finished_at or ad.created_at).isoformat(timespec="seconds")
    origin = str(marks.get("source_type", ""))
    with_ai = origin in AI_TYPES
    told: dict[str, Any] = {
        "digital_source_type": ADCP_TYPES.get(origin),
        "human_oversight": "directed",
        "declared_by": {"role": "tool", "agent_url": settings.PUBLIC_URL},
        "declared_at": made,
        "created_time": made,
    }
    if with_ai:
        model = str(ad.picture.facts.get("model") or ad.picture.facts.get("checkpoint") or "")
        told["ai_tool"] = {"name": SYSTEMS.get(ad.picture.engine, ad.picture.engine)} | ({"version": model} if model else {})
    if marks.get("c2pa"):
        embedded = {"method": "manifest_wrapper", "standard": "c2pa", "provider": GENERATOR, "embedded_at": made}
        told["embedded_provenance"] = [embedded | {"on_trust_list": not marks.get("own"), "time_stamped": bool(marks.get("stamped"))}]
    if marks.get("watermark"):
        mark = {"media_type": "image", "provider": GENERATOR, "c2pa_action": "c2pa.watermarked.unbound", "embedded_at": made}
        told["watermarks"] = [mark | {"number": marks["number"]}]
    states = _states(generation) if with_ai else []
    told["disclosure"] = {"required": bool(states)} | ({"jurisdictions": [_state(*each, ad, origin) for each in states]} if states else {})
    return {name: value for name, value in told.items() if value is not None} | {
        "ext": {"ad": str(ad.pk), "sha256": ad.file_id, "synthetic_depiction": with_ai, "people_appear": people_appear(generation)}
    }


def _states(generation: Generation) -> list[tuple[str, str]]:
    """Country codes and rules of those markets of the order whose rule we know."""
    markets = {market.lower() for market in generation.brief.markets}
    return [(country, rule) for names, country, rule in STATES_OF_RULES if markets & names]


def _state(country: str, rule: str, ad: Ad, origin: str) -> dict[str, str]:
    told = {"country": country, "regulation": rule, "label_text": words_for(origin, ad.copy.language)}
    return told | ({"region": "CA"} if rule == "ca_sb_942" else {})


def labels_of(generation: Generation, ads: Mapping[str, Ad]) -> str:
    """Markdown: what to tick on each platform, what else to mind, and what the files bear."""
    origins = {str(ad.recipe.get("marks", {}).get("source_type", "")) for ad in ads.values()}
    with_ai, people = bool(origins & AI_TYPES), people_appear(generation)
    platforms = sorted({ad.placement.placement.platform for ad in ads.values()})
    lines = [f"# How these ads were made, and what to tick (as of {AS_OF}, not legal advice)", "", *_origin(origins), ""]
    if with_ai:
        lines += ["## What to tick", "", *(f"- {TICK.get(name, OTHERS.format(name=name.title()))}" for name in platforms), ""]
    else:
        lines += ["## What to tick", "", "- Nothing that says AI: no model painted these pictures. Leave the metadata in the files.", ""]
    lines += ["## What else to mind", "", *_reminders(generation, with_ai=with_ai, people=people, origins=origins), ""]
    lines += ["## What the files bear", "", *(f"- `{path}`: {_borne(ad)}" for path, ad in ads.items()), ""]
    lines += [f"Anybody can check a file at {settings.PUBLIC_URL}/check/. Do not remove the marks: some networks and laws ask for them."]
    return "\n".join(lines) + "\n"


def _origin(origins: set[str]) -> list[str]:
    said = {
        "trainedAlgorithmicMedia": "A model painted the pictures (IPTC: trainedAlgorithmicMedia).",
        "compositeWithTrainedAlgorithmicMedia": "A model painted the scenes around a real photograph of the product "
        "(IPTC: compositeWithTrainedAlgorithmicMedia).",
        "compositeSynthetic": "No AI is in the pictures: a program composed drawn or rendered scenery and a real photograph "
        "(IPTC: compositeSynthetic).",
        "algorithmicMedia": "No AI is in the pictures: a program drew them (IPTC: algorithmicMedia).",
    }
    return [said[origin] for origin in sorted(origins) if origin in said]


def _reminders(generation: Generation, *, with_ai: bool, people: bool, origins: set[str]) -> list[str]:
    lines = []
    markets = {market.lower() for market in generation.brief.markets}
    labelled = any(wants_label(generation, origin) for origin in origins if origin)
    if with_ai and (not markets or markets & EUROPE):
        drawn = (
            "These files bear the visible label."
            if labelled
            else "These files bear no visible label: order them with one, or say it beside the ad."
        )
        lines.append(f"- EU (AI Act, Article 50): pictures that could be taken for real must say so where they are first seen. {drawn}")
    if people:
        lines += [
            "- New York (General Business Law 396-b): an ad with a synthetic performer must say so conspicuously.",
            "- TikTok and Meta: people in AI pictures are what the disclosure is asked for first. Switch it on.",
            "- Nobody real may be shown without consent, and nobody undressed.",
        ]
    elif with_ai:
        lines.append(
            "- No person was asked for. If one is seen all the same: New York asks for a notice, TikTok and Meta for their disclosure."
        )
    if with_ai and markets & {"in", "india"}:
        lines.append("- India (IT Rules): a visible label and permanent metadata are asked for.")
    lines.append("- Alt text counts as disclosure for those who cannot see the picture; it is in ads.csv.")
    return lines


def _borne(ad: Ad) -> str:
    marks = ad.recipe.get("marks", {})
    signed = "signed content credentials" + (", signer not on the C2PA trust list" if marks.get("own") else "") if marks.get("c2pa") else ""
    parts = [signed, "XMP source type" if marks else "", "invisible mark" if marks.get("watermark") else ""]
    label = f"label “{marks['label']}”" if marks.get("label") else ""
    return "; ".join(part for part in (*parts, label) if part) or "no marks (made before there were any)"
