"""Before anything is spent: may this be advertised, and will a person be seen? Rules always, OpenAI's moderation where there is one."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from prompting import rests, rules
from prompting.asking import address, shrunk, wire
from prompting.brief import Brief
from prompting.models import LanguageServer, Rule
from prompting.wire import Failed
from prompting.writer import WriterError
from prompting.writers import connected

log = logging.getLogger(__name__)

SECONDS = 10.0
# OpenAI's categories, as a marketer understands them; the part before the slash is enough.
FLAGGED = {
    "sexual": "sexual content",
    "hate": "hateful content",
    "harassment": "content that attacks somebody",
    "self-harm": "self-harm",
    "violence": "violence",
    "illicit": "something illegal",
}


# Of what is judged, how the sentence of a refusal begins and ends.
JUDGED = {
    "order": ("The brief or the photo shows", "Change it, and order again."),
    "brief": ("The brief shows", "Change it, and ask again."),
    "words": ("The ad's words show", "Change them."),
    "texts": ("The texts show", "Change them, and ask again."),
    "text": ("The text shows", "Change it, and ask again."),
    "photo": ("The photo shows", "Choose another one."),
}


@dataclass(frozen=True)
class Verdict:
    """Whether an order may be made, with the reason in a sentence when not; `people`: the brief asks for people in the picture.

    `who` decided: rules, or the model's moderation as well.
    """

    ok: bool
    reason: str = ""
    people: bool = False
    who: str = "rules"


def check(brief: Brief, photo: bytes | None = None, *, judged: str = "order") -> Verdict:
    """Judge a brief and, where somebody can see it, its photo. Never raises: when the moderation is away, the rules decide alone.

    `judged` says what it is that is judged, so that a refusal speaks of that: a key of JUDGED.
    """
    text = "\n".join(str(value) if not isinstance(value, list) else ", ".join(value) for value in brief.as_data().values() if value)
    # Who the ad is for, and what is to be kept out, will not be seen.
    shown = " ".join([brief.product, brief.tone, *brief.keywords])
    people = bool(rules.found(Rule.Effect.PEOPLE, shown))
    # "No nudity" is a wish that nobody refuses.
    spoken = text.replace(brief.avoid, " ") if brief.avoid else text
    if refused := rules.found(Rule.Effect.REFUSE, spoken):
        return Verdict(False, rules.reasons(refused), people)
    flags = _flags(text, photo)
    if flags is None:
        return Verdict(True, people=people)
    if flags:
        seen = dict.fromkeys(FLAGGED.get(flag.split("/")[0], "something that may not be advertised") for flag in flags)
        begin, end = JUDGED[judged]
        return Verdict(False, f"{begin} {' and '.join(seen)}. {end}", people, "moderation")
    return Verdict(True, people=people, who="moderation")


def _flags(text: str, photo: bytes | None) -> list[str] | None:
    """What OpenAI's moderation says; None where there is none, or none now."""
    if not connected():
        return None
    # A row of its own: that a server does not moderate is known whichever model writes.
    server, _ = LanguageServer.objects.get_or_create(address=address(), model=rests.MODERATION)
    if not server.moderation:
        return None
    try:
        rests.may_ask(server)
        found = wire().flags(text, shrunk(photo) if photo else None, seconds=SECONDS)
    except WriterError:
        return None
    except Failed as failed:
        if failed.kind in ("model", "odd"):
            LanguageServer.objects.filter(pk=server.pk).update(moderation=False, rest_until=0)
        else:
            rests.failed(server, str(failed))
        log.warning("The moderation did not answer: %s (%s)", failed, failed.kind)
        return None
    rests.worked(server)
    return found
