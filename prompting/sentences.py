"""What a marketer is told when a question finds no answer: an order waits by itself, whoever asked by hand is told what to do."""

from __future__ import annotations

from dataclasses import dataclass

AWAY = "The writer cannot be reached at the moment."
BUSY = "The writer has too much to do at the moment."
NO_QUOTA = "The writer's budget is used up."
MISSET = "The writer is not set up correctly."
NO_SENSE = "The writer gave no usable answer. Try again, or say it in other words."


@dataclass(frozen=True)
class Job:
    """How one job speaks of itself: what will not be written, what is too long, how it goes on later, and once staff have acted."""

    refused: str
    too_long: str
    later: str = "Try again in a little while."
    after_staff: str = "Write it yourself, or ask staff to look after it."


JOBS = {
    "plan": Job(
        refused="The writer will not write about this. Change the brief, and order again.",
        too_long="This is too long for the writer. Shorten the brief, and order again.",
        later="The order waits and goes on by itself.",
        after_staff="The order waits until staff have looked after it.",
    ),
    "keywords": Job(
        refused="The writer will not describe this photo. Choose another photo, or type the keywords yourself.",
        too_long="This photo is too much for the writer. Choose a smaller one, or type the keywords yourself.",
    ),
    "copy": Job(
        refused="The writer will not write about this. Change the brief, and ask again.",
        too_long="This is too long for the writer. Shorten the brief, and ask again.",
    ),
    "captions": Job(
        refused="The writer will not write captions for this. Change the ad's words, or write the captions yourself.",
        too_long="This is too long for the writer. Shorten the ad's words, or write the captions yourself.",
    ),
    "translate": Job(
        refused="The writer will not translate this. Change the texts, or translate them yourself.",
        too_long="These texts are too long for the writer. Send fewer or shorter ones.",
    ),
    "fit": Job(
        refused="The writer will not rewrite this. Change the text, or shorten it yourself.",
        too_long="This text is too long for the writer. Send it in parts.",
    ),
}
