"""Copy by patterns, for the writer that needs no key: the brief's own words in another order, and nothing that they do not say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from prompting.brief import Brief
from prompting.writer import Suggestion

# By language: how a product is introduced, asked about, and what the button says. Other languages get the brief's own words alone.
MEET = {
    "en": "Meet {product}",
    "de": "Das ist {product}",
    "fr": "Voici {product}",
    "es": "Te presentamos {product}",
    "it": "Ecco {product}",
}
ASK = {
    "en": "Have you met {product}?",
    "de": "Kennst du schon {product}?",
    "fr": "Vous connaissez {product} ?",
    "es": "¿Ya conoces {product}?",
    "it": "Conosci già {product}?",
}
BUTTON = {"en": "See more", "de": "Mehr ansehen", "fr": "Voir plus", "es": "Ver más", "it": "Scopri di più"}
# What makes a text an offer, a date or a proof. A text that has none of it is not dressed up as one.
OFFER = re.compile(
    r"\d+\s*%|[€$£]\s*\d|\d\s*[€$£]|\b(?:free|sale|off|save|gratis|sparen|rabatt|solde|offert|oferta|rebaja|sconto)\b", re.IGNORECASE
)
DATE = re.compile(r"\b(?:until|till|today|tonight|ends|only|bis|heute|nur|jusqu|hasta|hoy|fino|oggi|\d{1,2}[./]\d{1,2})\b", re.IGNORECASE)
PROOF = re.compile(
    r"\d[\d.,]*\s*(?:reviews|customers|stars|ratings|people|kunden|bewertungen|sterne|clients|avis|clientes|clienti)|★", re.IGNORECASE
)


def suggestions(brief: Brief, angles: Sequence[str], limits: Mapping[str, int], language: str) -> tuple[Suggestion, ...]:
    """A wording for each angle that the brief has the words for, as far as they fit."""
    tongue = language.split("-")[0].lower()
    found = []
    for angle in angles:
        for headline, subline in PATTERNS[angle](brief, tongue):
            if headline and len(headline) <= limits.get("headline", 0):
                parts = {"subline": subline, "cta": brief.cta or BUTTON.get(tongue, ""), "badge": brief.badge}
                fitting = {name: text if len(text) <= limits.get(name, 0) else "" for name, text in parts.items()}
                found.append(Suggestion(angle, headline, **fitting))
                break
    return tuple(found)


def _benefit(brief: Brief, tongue: str) -> list[tuple[str, str]]:
    return [(brief.subline, brief.headline), (brief.headline, brief.subline)]


def _offer(brief: Brief, tongue: str) -> list[tuple[str, str]]:
    return [(text, _other(text, brief)) for text in _having(OFFER, brief)]


def _urgency(brief: Brief, tongue: str) -> list[tuple[str, str]]:
    return [(text, _other(text, brief)) for text in _having(DATE, brief)]


def _social_proof(brief: Brief, tongue: str) -> list[tuple[str, str]]:
    return [(text, _other(text, brief)) for text in _having(PROOF, brief)]


def _curiosity(brief: Brief, tongue: str) -> list[tuple[str, str]]:
    told = [table[tongue].format(product="\0").replace("\0", brief.product) for table in (ASK, MEET) if brief.product and tongue in table]
    return [(text, brief.headline) for text in told]


PATTERNS: dict[str, Callable[[Brief, str], list[tuple[str, str]]]] = {
    "benefit": _benefit,
    "offer": _offer,
    "urgency": _urgency,
    "social_proof": _social_proof,
    "curiosity": _curiosity,
}


def _having(mark: re.Pattern[str], brief: Brief) -> list[str]:
    """The brief's texts that have such a mark; with the product, where a badge alone would say too little."""
    badge = f"{brief.badge}: {brief.product}" if brief.badge and brief.product else brief.badge
    return [text for text in (brief.headline, brief.subline, badge) if mark.search(text)]


def _other(text: str, brief: Brief) -> str:
    return brief.subline if text == brief.headline else brief.headline


def within(text: str, limit: int) -> str:
    """The text in at most so many characters: whole sentences if they say enough, else whole words."""
    if len(text) <= limit:
        return text
    kept = ""
    for sentence in re.findall(r"[^.!?。！？]+[.!?。！？]*\s*", text):
        if len((kept + sentence).rstrip()) > limit:
            break
        kept += sentence
    if len(kept) * 2 >= limit:
        return kept.rstrip()
    words = text[: limit + 1].rsplit(" ", 1)[0] if " " in text[: limit + 1] else text[:limit]
    return words[:limit].rstrip(" ,;:–—-")
