"""Asking somebody without an account what they think of an order, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from generations import queries, states
from generations.models import Ad, Generation, ReviewLink, Verdict

SALT = "generations.review"
DAYS, MOST_DAYS = 7, 60
MOST_LINKS = 20  # open at a time for one order
MOST_VERDICTS = 500  # by one link: whoever has it could go on for ever
NAME_LENGTH, COMMENT_LENGTH, NOTE_LENGTH = 80, 500, 300


class ReviewRefused(ValueError):
    """What somebody asked or said cannot be taken. `errors` maps a field to one sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class Said(NamedTuple):
    """What somebody says of one variation: a word of Verdict.Word and a sentence; both empty for no opinion."""

    word: str
    comment: str


def ask_for_review(*, by: User | None, generation: Generation, note: str = "", days: int = DAYS) -> ReviewLink:
    """Make a link. Raises ReviewRefused."""
    if not 1 <= days <= MOST_DAYS:
        raise ReviewRefused({"days": f"A link can be open for 1 to {MOST_DAYS} days."})
    if len(note) > NOTE_LENGTH:
        raise ReviewRefused({"note": f"That is too long. {NOTE_LENGTH} characters are the most."})
    if not any(ad.status == Ad.Status.READY for ad in queries.current_ads(generation)):
        raise ReviewRefused({"generation": "Nothing of this order is ready yet, so there is nothing to show."})
    if queries.open_links(generation).count() >= MOST_LINKS:
        raise ReviewRefused({"generation": f"{MOST_LINKS} links of this order are open. Take some back first."})
    expires = timezone.now() + timedelta(days=days)
    link = ReviewLink.objects.create(generation=generation, created_by=by, note=note.strip(), expires_at=expires)
    audit.record("review.asked", by=by, brand=generation.brand_id, subject=link)
    return link


def take_link_back(*, by: User | None, link: ReviewLink) -> bool:
    """Let a link open nothing any more; what was said by it stays. False when it opened nothing already."""
    if not ReviewLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return False
    audit.record("review.taken_back", by=by, brand=link.generation.brand_id, subject=link)
    return True


def token_of(link: ReviewLink) -> str:
    """What stands in the link. Signed, so that it cannot be guessed and need not be kept."""
    return signing.dumps(link.pk.hex, salt=SALT)


def link_of(token: str) -> ReviewLink | None:
    """The open link of a token; None when it is not ours, taken back, run out, or its order is gone."""
    try:
        pk = UUID(signing.loads(token, salt=SALT))
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None
    return queries.links_that_open().filter(pk=pk).select_related("created_by", "generation__brand").first()


def give_verdicts(*, link: ReviewLink, who: str, said: Mapping[int, Said]) -> list[Verdict]:
    """Write down what somebody says of variations, by their number. Approving one keeps the hashes of its files as they are now.

    Raises ReviewRefused with a sentence for each wrong field, and nothing is written.
    """
    who, generation = who.strip(), queries.with_pictures(Generation.objects.filter(pk=link.generation_id)).get()
    files = _files(generation)
    errors = {} if who else {"who": "Say who you are, so that it is known who said it."}
    if len(who) > NAME_LENGTH:
        errors["who"] = f"That name is too long. {NAME_LENGTH} characters are the most."
    told = {variation: each for variation, each in said.items() if each.word or each.comment.strip()}
    if not told:
        errors["said"] = "Choose what you think of one variation at least."
    for variation, each in told.items():
        if problem := _problem(each, files.get(variation)):
            errors[f"said-{variation}"] = problem
    if link.verdicts.count() + len(told) > MOST_VERDICTS:
        errors["said"] = "Very much was said by this link already. Ask for a new one."
    if errors:
        raise ReviewRefused(errors)
    with transaction.atomic():
        verdicts = Verdict.objects.bulk_create(
            Verdict(
                link=link,
                variation=variation,
                word=each.word,
                comment=each.comment.strip(),
                who=who,
                files={str(ad.pk): ad.file_id for ad in files[variation]} if each.word == Verdict.Word.RUN else {},
            )
            for variation, each in told.items()
        )
        states.note(generation, [("review.given", link.pk)])
    return verdicts


def _problem(said: Said, ads: list[Ad] | None) -> str:
    """What is wrong with this, as a sentence; empty when nothing is."""
    if not ads:
        return "There is no such variation."
    if said.word not in Verdict.Word.values:
        return "Choose what you think, beside what you wrote."
    if len(said.comment) > COMMENT_LENGTH:
        return f"That is too long. {COMMENT_LENGTH} characters are the most."
    if said.word == Verdict.Word.CHANGE and not said.comment.strip():
        return "Say what should change."
    if said.word == Verdict.Word.RUN and not all(ad.can_be_approved for ad in ads):
        return "This variation does not show the product truly enough to be run. Say what should change."
    return ""


def _files(generation: Generation) -> dict[int, list[Ad]]:
    """The ready ads of each variation as they stand."""
    found: dict[int, list[Ad]] = {}
    for ad in queries.current_ads(generation):
        if ad.status == Ad.Status.READY and ad.file_id:
            found.setdefault(ad.picture.variation, []).append(ad)
    return found
