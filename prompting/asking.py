"""Asking a language model, with patience and a budget: what it may be asked in which way, what is tried again, and when to stop.

One question is a step. It makes at most three calls, takes at most two minutes (or twice the time of a call, where calls may take
longer) and a bounded number of tokens (RELIABILITY: R-13); a server's first question may be refused a few times more, unpaid, until we
know how to ask it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from PIL import Image, ImageOps, UnidentifiedImageError

from keeping.versions import hash_of
from prompting import rests, sentences
from prompting.answers import Form, Misread, read, refuses, schema
from prompting.instructions import Told
from prompting.models import LanguageServer, SavedAnswer
from prompting.prices import costs, micro_usd
from prompting.wire import Failed, Reply, Wire
from prompting.writer import NoPurse, Purse, Refused, Usage, WriterError, WriterUnavailable

log = logging.getLogger(__name__)

CALLS_AT_MOST, LEARNING_AT_MOST = 3, 5
STEP_SECONDS = 120.0
STEP_TOKENS = 24_000
ANSWER_TOKENS = 4_000  # models that think before they write spend most of it on that
PATIENCE = 20.0  # seconds that we wait on the spot because a server asks for it
FIRST_PAUSE = 1.0  # doubled each time, and then a random part of it
QUOTA_REST, WRONG_REST = 600.0, 300.0  # seconds: nothing changes there until somebody pays, or corrects the settings
KEEP_DAYS = 30
PICTURE_SIDE, PICTURE_TOKENS = 1024, 1_500
ECHO = 4_000  # characters of a wrong answer that its repair gets to see
RAW = 200_000  # characters of an answer that are kept
DEFAULT_ADDRESS = "https://api.openai.com/v1"

pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Question:
    """What is asked: the instruction, the job in one sentence, the material, and the form of the answer.

    `check` looks at the fields once more and raises Misread. `needs_photo`: without eyes there is no answer.
    """

    job: str
    told: Told
    task: str
    material: dict[str, Any]
    form: Form
    photo: bytes | None = None
    needs_photo: bool = False
    check: Callable[[dict[str, Any]], None] = lambda fields: None


@dataclass(frozen=True)
class Asked:
    """The answer's fields, who gave it, and what it used. `saved`: it had been given before, and cost nothing now. `saw`: its model was
    shown the photo."""

    fields: dict[str, Any]
    model: str
    raw: str
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    calls: int = 0
    saved: bool = False
    saw: bool = False


def ask(question: Question, purse: Purse | None = None) -> Asked:
    """Answer a question, from the saved answers or by asking the model, which `purse` pays for. Raises WriterError."""
    model = _model(sentences.JOBS[question.job])
    server, _ = LanguageServer.objects.get_or_create(address=address(), model=model)
    picture = shrunk(question.photo) if question.photo and server.vision else None
    key = _key(question, server, picture)
    if saved := SavedAnswer.objects.filter(key=key, created_at__gt=timezone.now() - timedelta(days=KEEP_DAYS)).first():
        return Asked(_from_json(saved.answer), model, saved.raw, saved=True, saw=picture is not None)
    step = _Step(question, server, picture, purse or NoPurse())
    step.begin()
    rests.may_ask(server)
    try:
        fields = step.answer()
    except WriterUnavailable:
        raise
    except WriterError:
        rests.worked(server)  # it answers; what it says is another matter
        raise
    rests.worked(server)
    _save(_key(question, server, step.picture), step, fields)  # a server without eyes has answered without the picture
    usage = Usage(step.prompt, step.completion, step.money)
    return Asked(fields, model, step.raw, usage, step.seconds, step.calls, saw=step.picture is not None)


def messages(question: Question, *, schema_in_words: bool, picture: str = "") -> list[dict[str, Any]]:
    """What is sent: the instruction and the form from us; beside it, marked, the material."""
    ours = f"{question.told.text}\n# This answer\n{question.task}\nGive one JSON object and nothing else."
    if schema_in_words:
        ours += f" It fits this schema:\n{json.dumps(schema(question.form))}"
    # Without a "<" of its own the material cannot close its mark.
    told = json.dumps(question.material, ensure_ascii=False, indent=1).replace("<", "\\u003c")
    marked = f"<material>\n{told}\n</material>"
    if not picture:
        return [{"role": "system", "content": ours}, {"role": "user", "content": marked}]
    parts = [{"type": "text", "text": marked}, {"type": "image_url", "image_url": {"url": picture}}]
    return [{"role": "system", "content": ours}, {"role": "user", "content": parts}]


def address() -> str:
    """Where the model is asked."""
    return str(settings.OPENAI_BASE_URL or DEFAULT_ADDRESS).rstrip("/")


def wire() -> Wire:
    """The way there."""
    # Here and not above: the library takes most of a second to load, and a machine without a model never needs it.
    from prompting.llm import OpenAIWire

    return OpenAIWire(address(), settings.OPENAI_API_KEY)


def shrunk(photo: bytes) -> bytes:
    """A picture as a model gets it: a JPEG of at most 1024 pixels a side, without anything that was written into its file."""
    try:
        with Image.open(io.BytesIO(photo)) as opened:
            opened.draft("RGB", (PICTURE_SIDE, PICTURE_SIDE))
            whole = ImageOps.exif_transpose(opened).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise WriterError("This photo cannot be read. Upload it again.", code="photo", permanent=True) from error
    whole.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    flat = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
    buffer = io.BytesIO()
    flat.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


class _Step:
    """One question on its way to an answer: what it used so far, and what has been learned about the server."""

    def __init__(self, question: Question, server: LanguageServer, picture: bytes | None, purse: Purse) -> None:
        self.question, self.server, self.picture, self.purse = question, server, picture, purse
        self.said = sentences.JOBS[question.job]
        self.calls = self.learned = self.prompt = self.completion = self.money = self.spent = 0
        self.raw, self.misread, self.room = "", "", ANSWER_TOKENS
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    def begin(self) -> None:
        """Raises OverBudget when a question costs money and whoever pays has none left."""
        if costs(self.server.model):
            self.purse.may_pay()

    def answer(self) -> dict[str, Any]:
        """The fields of a good answer. Raises WriterError."""
        while True:
            reply = self._reply()
            self._heard(reply)
            if reply.refused or refuses(reply.text):
                raise Refused(self.said.refused)
            try:
                fields = read(self.question.form, reply.text)
                self.question.check(fields)
            except Misread as misread:
                self._unlearn(reply, misread)
                if self.misread or self.calls >= CALLS_AT_MOST:
                    log.warning("The writer's answer to %s could not be used twice: %s", self.question.job, misread)
                    raise WriterError(sentences.NO_SENSE, code="bad_answer") from misread
                self.misread = "It was cut off. Be shorter." if reply.cut_off else str(misread)
                self.room = ANSWER_TOKENS * 2 if reply.cut_off else ANSWER_TOKENS  # a model that thinks may have used it all for that
            else:
                return fields

    def _reply(self) -> Reply:
        """One answer, whatever it says: tried again while that may help."""
        while True:
            body = self._body()
            self._afford(body)
            try:
                reply = wire().ask(body, seconds=min(settings.WRITER_SECONDS, _step_seconds() - self.seconds))
            except Failed as failed:
                self._after(failed)
                continue
            self.calls += 1
            if self.learned:
                self.server.save(update_fields=["structured", "token_limit", "vision", "learned_at"])
            return reply

    def _body(self) -> dict[str, Any]:
        server, form = self.server, self.question.form
        if self.picture and not server.vision:
            self.picture = None
        if self.question.needs_photo and self.picture is None:
            raise WriterError("The model that writes here cannot see pictures.", code="no_vision", permanent=True)
        picture = f"data:image/jpeg;base64,{base64.b64encode(self.picture).decode()}" if self.picture else ""
        strict = server.structured == LanguageServer.Structured.STRICT
        talk = messages(self.question, schema_in_words=not strict, picture=picture)
        if self.misread:
            talk += [{"role": "assistant", "content": self.raw[:ECHO]}] if self.raw.strip() else []
            again = f"This answer cannot be used: {self.misread} Answer again with one JSON object of this schema and nothing else:"
            talk.append({"role": "user", "content": f"{again}\n{json.dumps(schema(form))}"})
        body: dict[str, Any] = {"model": server.model, "messages": talk, server.token_limit: self.room}
        if strict:
            told = {"name": self.question.job, "strict": True, "schema": schema(form)}
            body["response_format"] = {"type": "json_schema", "json_schema": told}
        elif server.structured == LanguageServer.Structured.JSON_OBJECT:
            body["response_format"] = {"type": "json_object"}
        return body

    def _afford(self, body: dict[str, Any]) -> None:
        """Raises WriterError when another call would go beyond what a step, or whoever pays for it, may use."""
        if self.calls:
            self.begin()
        words = sum(len(part) for each in body["messages"] for part in _texts(each["content"]))
        likely = words // 3 + (PICTURE_TOKENS if self.picture else 0) + self.room
        if self.spent + likely > STEP_TOKENS:
            raise WriterError(self.said.too_long, code="budget")
        if self.calls >= CALLS_AT_MOST or self.seconds >= _step_seconds():
            raise WriterUnavailable(f"{sentences.AWAY} {self.said.later}", code="outage")

    def _heard(self, reply: Reply) -> None:
        """Count an answer, and let it be kept before anybody tries to understand it."""
        cost = micro_usd(self.server.model, prompt=reply.prompt_tokens, cached=reply.cached_tokens, completion=reply.completion_tokens)
        self.prompt += reply.prompt_tokens
        self.completion += reply.completion_tokens
        self.money += cost
        self.spent += reply.prompt_tokens + reply.completion_tokens or self.room
        self.raw = _storable(reply.text)[:RAW]
        self.purse.paid(self.raw, Usage(reply.prompt_tokens, reply.completion_tokens, cost))

    def _after(self, failed: Failed) -> None:
        """Wait, or ask in another way; raises WriterError when neither will help."""
        log.warning("The writer did not answer %s: %s (%s)", self.question.job, failed, failed.kind)
        match failed.kind:
            case "odd":
                self._learn(str(failed))
                return
            case "refused":
                raise Refused(self.said.refused)
            case "long":
                raise WriterError(self.said.too_long, code="too_long", permanent=True)
            case "quota":
                log.error("The budget of %s is used up.", self.server)
                rests.rest(self.server, str(failed), seconds=QUOTA_REST)
                raise WriterUnavailable(f"{sentences.NO_QUOTA} {self.said.after_staff}", code="quota", retry_after=QUOTA_REST)
            case "key" | "model":
                log.error("%s refuses us: %s", self.server, failed)
                rests.rest(self.server, str(failed), seconds=WRONG_REST)
                raise WriterUnavailable(f"{sentences.MISSET} {self.said.after_staff}", code=failed.kind, retry_after=WRONG_REST)
        self.calls += 1
        trouble, code = (sentences.BUSY, "rate_limit") if failed.kind == "limited" else (sentences.AWAY, "outage")
        sentence = f"{trouble} {self.said.later}"
        wait = failed.retry_after
        if wait is not None and wait > PATIENCE:
            rests.rest(self.server, str(failed), seconds=wait)
            raise WriterUnavailable(sentence, code=code, retry_after=wait)
        if wait is None:
            wait = random.uniform(0, FIRST_PAUSE * 2 ** (self.calls - 1))  # noqa: S311  # so that not all come back at once
        if self.calls >= CALLS_AT_MOST or self.seconds + wait >= _step_seconds():
            rests.failed(self.server, str(failed))
            raise WriterUnavailable(sentence, code=code, retry_after=failed.retry_after)
        pause(wait)

    def _learn(self, complaint: str) -> None:
        """The server did not understand the request: find out what it minds, and ask it without that."""
        self.learned += 1
        server, said = self.server, complaint.lower()
        levels = LanguageServer.Structured.values
        if self.learned <= LEARNING_AT_MOST:
            if "max_completion_tokens" in said and server.token_limit != LanguageServer.TokenLimit.OLD:
                server.token_limit = LanguageServer.TokenLimit.OLD
                return
            if "max_tokens" in said and server.token_limit != LanguageServer.TokenLimit.NEW:
                server.token_limit = LanguageServer.TokenLimit.NEW
                return
            if self.picture and any(word in said for word in ("image", "vision", "multimodal", "mmproj")):
                server.vision = False
                return
            if server.structured != levels[-1]:
                server.structured = levels[levels.index(server.structured) + 1]
                return
        log.error("%s does not understand what it is asked: %s", server, complaint)
        rests.rest(server, complaint, seconds=WRONG_REST)
        raise WriterUnavailable(f"{sentences.MISSET} {self.said.after_staff}", code="not_understood", retry_after=WRONG_REST)

    def _unlearn(self, reply: Reply, misread: Misread) -> None:
        """A strict server that says anything but JSON, and says it to the end, only pretended: tell it the schema in words from now on."""
        if (
            self.server.structured == LanguageServer.Structured.STRICT
            and not misread.json_at_all
            and reply.text.strip()
            and not reply.cut_off
        ):
            self.server.structured = LanguageServer.Structured.JSON_OBJECT
            self.server.save(update_fields=["structured", "learned_at"])


def _step_seconds() -> float:
    return max(STEP_SECONDS, 2 * float(settings.WRITER_SECONDS))


def _texts(content: str | list[dict[str, Any]]) -> list[str]:
    return [content] if isinstance(content, str) else [part["text"] for part in content if part["type"] == "text"]


_only_model: dict[str, str] = {}


def _model(said: sentences.Job) -> str:
    """The model of the settings; without one, the only one that the server has. Raises WriterUnavailable."""
    if settings.OPENAI_MODEL:
        return str(settings.OPENAI_MODEL)
    if address() not in _only_model:
        # A row of its own, without a model: a server that cannot even list its models is left in peace, too.
        server, _ = LanguageServer.objects.get_or_create(address=address(), model="")
        rests.may_ask(server)
        try:
            found = wire().models(seconds=10.0)
        except Failed as failed:
            log.warning("The writer's models cannot be listed: %s", failed)
            rests.failed(server, str(failed))
            raise WriterUnavailable(f"{sentences.AWAY} {said.later}", code="outage") from failed
        if len(found) != 1:
            complaint = f"OPENAI_MODEL must name one of the {len(found)} models of the writer."
            log.error(complaint)
            rests.rest(server, complaint, seconds=WRONG_REST)
            raise WriterUnavailable(f"{sentences.MISSET} {said.after_staff}", code="model", retry_after=WRONG_REST)
        rests.worked(server)
        _only_model[address()] = found[0]
    return _only_model[address()]


def _key(question: Question, server: LanguageServer, picture: bytes | None) -> str:
    """SHA-256 of everything that decides the answer."""
    seen = hashlib.sha256(picture).hexdigest() if picture else ""
    asked = [question.job, question.task, question.told.hash, question.told.version, question.material, schema(question.form)]
    return hash_of([*asked, server.address, server.model, seen])


def _save(key: str, step: _Step, fields: dict[str, Any]) -> None:
    """Keep an answer for whoever asks the same within a month; forget those that are older."""
    forget_old_answers()
    facts = {
        "job": step.question.job,
        "model": step.server.model,
        "instruction_id": step.question.told.version,
        "answer": fields,
        "raw": step.raw,
        "calls": step.calls,
        "tokens": step.prompt + step.completion,
        "micro_usd": step.money,
        "seconds": step.seconds,
    }
    SavedAnswer.objects.bulk_create([SavedAnswer(key=key, **facts)], ignore_conflicts=True)  # somebody else's is as good


def forget_old_answers() -> int:
    """Delete the answers that are not used any more; gives how many there were. They hold what briefs said, so they do not stay for ever."""
    return SavedAnswer.objects.filter(created_at__lt=timezone.now() - timedelta(days=KEEP_DAYS)).delete()[0]


def _from_json(answer: dict[str, Any]) -> dict[str, Any]:
    """Fields as they were read: lists come back as tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in answer.items()}


def _storable(text: str) -> str:
    """Without the characters that no database takes."""
    return "".join(letter for letter in text if letter != "\0" and not "\ud800" <= letter <= "\udfff")
