"""What we ask of whatever writes, and how it answers. Dataclasses cross this port, never rows or raw JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, Protocol, TypeVar

from prompting.brief import Brief

# The ways to sell one thing.
ANGLES = ("benefit", "offer", "urgency", "social_proof", "curiosity")
# Characters, where nobody says otherwise: what stays readable on most placements.
COPY_LIMITS = {"headline": 40, "subline": 90, "cta": 20, "badge": 16}

# Whether people are seen in a photo. Who cannot look, or cannot tell, says unknown.
UNKNOWN, YES, NO = "unknown", "yes", "no"


class WriterError(Exception):
    """Nothing was written. The message is a sentence for the marketer; `code` is for us; `permanent`: asking again will not help."""

    def __init__(self, message: str, *, code: str, permanent: bool = False) -> None:
        super().__init__(message)
        self.code, self.permanent = code, permanent


class WriterUnavailable(WriterError):
    """Nobody writes now, through no fault of the order: it waits, at least `retry_after` seconds where they are known."""

    def __init__(self, message: str, *, code: str, retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Refused(WriterError):
    """The writer will not write this. Final, and said politely."""

    def __init__(self, message: str, *, code: str = "refused") -> None:
        super().__init__(message, code=code, permanent=True)


class OverBudget(WriterError):
    """Whoever pays has spent what may be spent for now; asking would cost money."""

    CODE = "daily_budget"

    def __init__(self, message: str) -> None:
        super().__init__(message, code=self.CODE, permanent=True)


@dataclass(frozen=True)
class TemplateWords:
    """What a template says about its scene, for the writer: what is fixed, what the brief may change, what to keep out."""

    title: str
    scene: str
    style: str
    negative: str
    mood: tuple[str, ...] = ()
    needs_photo: bool = True


@dataclass(frozen=True)
class PromptPlan:
    """What the writer gives: the scene in words, what to keep out, alt text in the ad's language, ideas for more.

    `instruction` is the SHA-256 of the master instruction that it was written by.
    """

    scene_prompt: str
    negative_prompt: str
    alt_text: str
    keywords: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    writer: str = "offline"
    instruction: str = ""

    def as_data(self) -> dict[str, Any]:
        """As JSON for a row."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> PromptPlan:
        """Back from a row."""
        lists = {name: tuple(data.get(name, ())) for name in ("keywords", "palette", "suggestions")}
        return cls(**{**data, **lists})


@dataclass(frozen=True)
class Usage:
    """What one answer used, as the server says; without a word from it, nothing is made up."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    micro_usd: int = 0

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.prompt_tokens + self.completion_tokens


class Purse(Protocol):
    """Who pays for a writer's questions, and keeps the books."""

    def may_pay(self) -> None:
        """Asked before each call that costs money. Raises OverBudget when no more may be spent."""
        ...

    def paid(self, raw: str, usage: Usage) -> None:
        """Told of each answer and what it used before anybody reads it, so that it is counted whatever becomes of it."""
        ...


class NoPurse:
    """Nobody keeps books: for questions that belong to no brand, such as staff's trials of an instruction."""

    def may_pay(self) -> None:
        """Always."""

    def paid(self, raw: str, usage: Usage) -> None:
        """Written down nowhere but in the saved answer."""


@dataclass(frozen=True)
class Written:
    """A plan, who wrote it and what it used. `instruction` is the id of the version that it was told (None: the text file).

    `fallback`: the offline writer stepped in, because of `error`. `raw` is the model's own answer; "" when there was none.
    `people_in_photo`: whether somebody saw people in the product's photo: yes, no, or unknown when nobody could look.
    """

    plan: PromptPlan
    who: str
    tokens: int = 0
    micro_usd: int = 0
    seconds: float = 0.0
    instruction: int | None = None
    fallback: bool = False
    raw: str = ""
    error: str = ""
    people_in_photo: str = UNKNOWN

    def as_data(self) -> dict[str, Any]:
        """The plan as JSON for a row."""
        return self.plan.as_data()


Value = TypeVar("Value")


@dataclass(frozen=True)
class Made(Generic[Value]):
    """Something else that was written: who wrote it, what it used, and `note`: a sentence about what it is not, where there is one."""

    value: Value
    who: str
    tokens: int = 0
    micro_usd: int = 0
    seconds: float = 0.0
    instruction: int | None = None
    fallback: bool = False
    note: str = ""


@dataclass(frozen=True)
class Suggestion:
    """One wording of an ad, along one angle. Empty parts were not wanted or had nothing true to say."""

    angle: str
    headline: str
    subline: str = ""
    cta: str = ""
    badge: str = ""


@dataclass(frozen=True)
class Seen:
    """What a photo gave: keywords for its scene, the strongest first, and whether people are in it (yes, no, unknown)."""

    keywords: tuple[str, ...]
    people: str = UNKNOWN


Keywords = Made[Seen]
Suggestions = Made[tuple[Suggestion, ...]]
Texts = Made[dict[str, str]]


class Writer(Protocol):
    """Something that writes: a language model, or plain rules on this machine. Every method raises WriterError."""

    name: str

    def plan(self, template: TemplateWords, brief: Brief, *, photo: bytes | None = None) -> Written:
        """Turn a template and a brief into a plan for the scene."""
        ...

    def keywords(self, photo: bytes, file_name: str, language: str) -> Keywords:
        """Keywords for the scene that the product in this photo should stand in, and whether people are seen in it."""
        ...

    def copy(self, brief: Brief, *, angles: Sequence[str], limits: Mapping[str, int], language: str) -> Suggestions:
        """Wordings along these angles, each text within its limit in characters."""
        ...

    def captions(self, brief: Brief, *, limits: Mapping[str, int], language: str) -> Texts:
        """The texts that a network shows beside the ad, by the names and limits of its placement."""
        ...

    def translate(self, texts: Mapping[str, str], *, limits: Mapping[str, int], language: str) -> Texts:
        """These texts in another language, each within its limit where it has one."""
        ...

    def fit(self, text: str, limit: int, *, language: str = "en", longer: bool = False) -> Made[str]:
        """The same said in at most so many characters; `longer` uses the room there is."""
        ...
