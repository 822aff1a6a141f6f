"""The writing of one order: it is judged, a writer makes the plan for its pictures, and the plan is saved before anything is painted."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from django.db import transaction
from django.db.models import F

from generations import queries, states, steps, tries
from generations.models import Generation, Step
from generations.spending import BrandPurse
from generations.voice import in_the_voice_of
from keeping import claims, store
from keeping.crashpoints import crashpoint
from prompting import moderation
from prompting.writer import YES, Refused, WriterError, WriterUnavailable
from prompting.writers import paused, writer

log = logging.getLogger(__name__)

LOOK_AGAIN = 30.0  # seconds at most until an order that nobody could write is looked at again


def write(generation_id: UUID) -> list[UUID]:
    """Ask the writer for a plan and save it. Gives the ids of the pictures that may now be painted."""
    generation = Generation.objects.select_related("template_version__template", "brand").get(pk=generation_id)
    if generation.status not in states.UNWRITTEN or paused() or not states.claim(generation):
        return []
    crashpoint("K1")
    if tries.given_up(generation):
        states.fail(generation, code="gave_up", sentence="This order could not be begun after several tries. No credit used. Order again.")
        return []
    if generation.status == Generation.Status.WAITING and not states.move(generation, Generation.Status.WRITING):
        return []
    with states.held(generation, at_most_seconds=tries.STEP_SECONDS):
        try:
            return _write(generation)
        except Refused as refusal:
            states.refuse(generation, code=refusal.code, sentence=str(refusal))
        except WriterUnavailable as outage:
            # How long the server is left in peace stands in its own row, and ends when staff end it: here it is looked at again soon.
            states.release(generation, after_seconds=min(outage.retry_after or tries.PAUSE, LOOK_AGAIN), pauses=F("pauses") + 1)
        except store.StoreUnavailable as trouble:
            tries.wait_for_the_store(generation, trouble)
        except claims.AWAY:
            raise  # no try of ours: `held` puts the row down
        except WriterError as error:
            _after_no_plan(generation, error.code, str(error), permanent=error.permanent)
        except Exception as error:
            log.exception("Order %s could not be written", generation.pk)
            steps.record_of(Step.Kind.WRITE, generation, who="writer", error=f"{type(error).__name__}: {error}"[:400])
            _after_no_plan(generation, "internal", "Something went wrong on our side while writing. No credit used. Order again.")
    return []


def _after_no_plan(generation: Generation, code: str, sentence: str, *, permanent: bool = False) -> None:
    """Try again later, or say why the order cannot be begun."""
    if permanent or generation.tries >= tries.TRIES_AT_MOST:
        states.fail(generation, code=code, sentence=sentence)
    else:
        states.release(generation, after_seconds=tries.PAUSE * 2 ** (generation.tries - 1), error_code=code)


def _write(generation: Generation) -> list[UUID]:
    """Look whether the order may be made, have it written, and let its pictures begin. Raises WriterError."""
    started = time.monotonic()
    author, words = writer(BrandPurse.of_order(generation)), generation.template_version.words()
    brief = in_the_voice_of(generation.brand, generation.brief)
    photo = queries.first_photo(generation)
    seen = store.read(photo.file) if photo else None
    input_hash = steps.hash_of_inputs(author.name, words, brief.as_data(), photo.file_id if photo else "")
    verdict = moderation.check(brief, seen)
    if not verdict.ok:
        raise Refused(verdict.reason, code="moderation")
    crashpoint("K2")
    written = author.plan(words, brief, photo=seen)
    crashpoint("K3")
    how = {"writer": written.who, "fallback": written.fallback, "reason": written.error}
    how |= {"people": verdict.people or written.people_in_photo == YES, "people_in_photo": written.people_in_photo}
    how |= {"moderation": verdict.who, "instruction_version": written.instruction}
    with transaction.atomic():
        if not states.move(
            generation, Generation.Status.MAKING, plan_data=written.as_data(), facts={**generation.facts, **how}, lease_until=None
        ):
            return []
        # What the answers used stands in their own steps: the purse wrote them down as they came.
        facts = {"input_hash": input_hash, "output_data": written.as_data(), "seconds": time.monotonic() - started}
        steps.record_of(Step.Kind.WRITE, generation, who=written.who, **facts)
    crashpoint("K4")
    return list(generation.pictures.values_list("pk", flat=True))
