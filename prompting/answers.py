"""The form of an answer: as a JSON schema for those who can keep to one, and as a tolerant reader for everybody's answers.

What a model wrote is treated like what a stranger typed: only known fields, within limits, without unseen characters, links or markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prompting.brief import clean

LONGEST = 200_000  # characters of an answer that are looked at
# What a model says when it will not: a short answer that begins so, and is no JSON.
SORRY = re.compile(
    r"\W*(?:i'?m (?:really )?sorry|i am sorry|sorry,|i can(?:'|no)?t (?:help|assist|create|do|write|fulfil)|i (?:am|'m) unable to)",
    re.IGNORECASE,
)
LINK = re.compile(r"https?:|www\.|\bjavascript:|<\s*/?\s*[a-z!]", re.IGNORECASE)
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Misread(Exception):
    """An answer that does not fit its form. The message is for the model that gave it; `json_at_all`: it was JSON, of another form."""

    def __init__(self, message: str, *, json_at_all: bool = True) -> None:
        super().__init__(message)
        self.json_at_all = json_at_all


@dataclass(frozen=True)
class Text:
    """One text of at most so many characters. `one_of`: it is one of these words. `needed`: it may not be empty.

    `otherwise`: what it is taken for when it is none of the words, or is missing: not worth asking again.
    """

    limit: int
    needed: bool = True
    one_of: tuple[str, ...] = ()
    otherwise: str = ""


@dataclass(frozen=True)
class List:
    """Texts, the first of them the most important. What is too much is left off."""

    limit: int
    most: int
    least: int = 0
    colours: bool = False


@dataclass(frozen=True)
class Rows:
    """Objects with texts. Rows that do not fit are left off; one must remain."""

    fields: Mapping[str, Text]
    most: int


Form = Mapping[str, Text | List | Rows]


def schema(form: Form) -> dict[str, Any]:
    """The form as a JSON schema of the kind that strict servers take: every field required, no other allowed, no further rules."""
    return _object({name: _part(part) for name, part in form.items()})


def _part(part: Text | List | Rows) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "string", "enum": list(part.one_of)} if part.one_of else {"type": "string"}
        case List():
            return {"type": "array", "items": {"type": "string"}}
        case Rows():
            return {"type": "array", "items": _object({name: _part(each) for name, each in part.fields.items()})}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def refuses(raw: str) -> bool:
    """Whether a model says in words that it will not write this."""
    return len(raw) < 600 and "{" not in raw and SORRY.match(raw.replace("’", "'")) is not None


def read(form: Form, raw: str) -> dict[str, Any]:
    """The fields of an answer. Raises Misread with a sentence that helps the model to answer better."""
    if not raw.strip():
        raise Misread("The answer was empty.", json_at_all=False)
    found = _json_in(raw)
    told: dict[str, Any] = {}
    for name, part in form.items():
        if isinstance(part, Text) and part.otherwise:
            told[name] = _read_choice(part, found.get(name))
            continue
        if name not in found:
            raise Misread(f"The field '{name}' is missing.")
        told[name] = _read_part(name, part, found[name])
    return told


def _json_in(raw: str) -> dict[str, Any]:
    """The first object in a text: what stands around it (fences, a greeting, thoughts) is passed over."""
    text = raw[:LONGEST].rpartition("</think>")[2]
    decoder = json.JSONDecoder()
    place, tries = text.find("{"), 0
    while place >= 0 and tries < 8:
        try:
            found, _ = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            place, tries = text.find("{", place + 1), tries + 1
            continue
        return dict(found)
    raise Misread("The answer was not one complete JSON object.", json_at_all=False)


def _read_part(name: str, part: Text | List | Rows, value: Any) -> Any:
    match part:
        case Text():
            return _read_text(name, part, value)
        case List():
            return _read_list(name, part, value)
        case Rows():
            return _read_rows(name, part, value)


def _read_text(name: str, part: Text, value: Any) -> str:
    text = _safe(name, value)
    if not text and part.needed:
        raise Misread(f"The field '{name}' is empty.")
    if part.one_of and text not in part.one_of:
        raise Misread(f"The field '{name}' must be one of {', '.join(part.one_of)}.")
    if len(text) > part.limit:
        raise Misread(f"The field '{name}' has {len(text)} characters; it may have {part.limit}.")
    return text


def _read_choice(part: Text, value: Any) -> str:
    said = value.strip(" .").lower() if isinstance(value, str) else ""
    return said if said in part.one_of else part.otherwise


def _read_list(name: str, part: List, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Misread(f"The field '{name}' must be a list.")
    texts = dict.fromkeys(_safe(name, each) for each in value[:100])
    fitting = [text for text in texts if text and len(text) <= part.limit and (not part.colours or COLOUR.fullmatch(text))]
    if len(fitting) < part.least:
        raise Misread(f"The field '{name}' needs at least {part.least} entries of up to {part.limit} characters.")
    return tuple(fitting[: part.most])


def _read_rows(name: str, part: Rows, value: Any) -> tuple[dict[str, str], ...]:
    if not isinstance(value, list):
        raise Misread(f"The field '{name}' must be a list.")
    rows, wrong = [], f"The field '{name}' has no entries."
    for each in value[:100]:
        try:
            if not isinstance(each, dict):
                raise Misread(f"The entries of '{name}' must be objects.")
            rows.append({field: _read_text(field, text, each.get(field, "")) for field, text in part.fields.items()})
        except Misread as misread:
            wrong = str(misread)
    if not rows:
        raise Misread(wrong)
    return tuple(rows[: part.most])


def _safe(name: str, value: Any) -> str:
    """A text as it may stand on an ad or in a prompt."""
    if not isinstance(value, str):
        raise Misread(f"The field '{name}' must be text.")
    text = clean("".join(letter for letter in value if not "\ud800" <= letter <= "\udfff"))
    if LINK.search(text):
        raise Misread(f"The field '{name}' must have no links and no markup.")
    return text
