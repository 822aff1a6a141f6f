"""What staff may do with the instructions: write a version, publish one, roll back."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max

from prompting.instructions import check, instruction
from prompting.models import Instruction, InstructionVersion


@transaction.atomic
def write_version(*, by: Any, head: Instruction, text: str, note: str) -> InstructionVersion:
    """Keep a wording as a new version; it holds once it is published. Raises ValueError with a sentence for one that cannot be used."""
    text = text.replace("\r\n", "\n").strip() + "\n"
    check(head.slug, text)
    if not note.strip():
        raise ValueError("Say in the note what you changed and why.")
    newest = head.versions.aggregate(number=Max("number"))["number"] or 0
    return InstructionVersion.objects.create(instruction=head, number=newest + 1, data={"text": text}, author=by, note=note[:200])


def publish(*, head: Instruction, version: InstructionVersion | None, instead_of: int | None) -> bool:
    """Let this version hold from now on; None is the text file. Rolling back is publishing an earlier one.

    `instead_of` is the id of the version that was in force when it was decided; False when another one is by now.
    """
    assert version is None or version.instruction_id == head.pk, "A version of another instruction."
    done = Instruction.objects.filter(pk=head.pk, current=instead_of).update(current=version)
    head.refresh_from_db()
    return bool(done)


def text_in_force(head: Instruction) -> str:
    """What is told now: the published version's text, else the file's."""
    return head.current.text if head.current else instruction(head.slug).text
