"""What was done for a row: a step that went well is remembered by what went in, so that it is not done or paid twice (RELIABILITY: R-7)."""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from typing import Any
from uuid import UUID

from generations.models import Ad, Generation, Picture, Step
from keeping.versions import hash_of


def hash_of_inputs(*inputs: object) -> str:
    """SHA-256 of whatever goes into a step: dataclasses, JSON values, and bytes by their own hash."""
    return hash_of([_plain(each) for each in inputs])


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def remembered(kind: str, subject: UUID, input_hash: str) -> Step | None:
    """The step that did this already for this row, with what came out of it."""
    return Step.objects.filter(kind=kind, subject=subject, input_hash=input_hash, error="").select_related("output").first()


def record(kind: str, *, subject: UUID, **facts: Any) -> Step | None:
    """Write a step down. None when the same step stands there already: somebody was quicker, and theirs is as good."""
    step = Step(kind=kind, subject=subject, **facts)
    # Written by hand for the sake of ON CONFLICT DO NOTHING: a second writer must not break the transaction it is in.
    Step.objects.bulk_create([step], ignore_conflicts=True)
    return step if Step.objects.filter(pk=step.pk).exists() else None


def record_of(kind: str, row: Generation | Picture | Ad, **facts: Any) -> Step | None:
    """A step of this row, with the order and the picture that it belongs to; None as in `record`."""
    picture = row.picture if isinstance(row, Ad) else row if isinstance(row, Picture) else None
    belongs = {"picture": picture, "ad": row if isinstance(row, Ad) else None}
    generation = picture.generation if picture else row
    return record(kind, subject=row.pk, attempt=row.attempt, generation=generation, **belongs, **facts)
