"""What we ask of whatever paints. Frozen data crosses this port, never models or raw JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from finishing.shapes import Shape
from finishing.specs import Geometry, Stage


@dataclass(frozen=True)
class Spent:
    """What was used of a model that is paid by the token: words and pictures that were sent, and pictures that came back."""

    model: str = ""
    text: int = 0
    image: int = 0
    output: int = 0

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.text + self.image + self.output


NOTHING = Spent()


class EngineError(Exception):
    """Painting did not work. `permanent` says that another try cannot help; the message is a sentence for the marketer.

    `spent` is what was paid all the same: for an answer that is no use.
    """

    def __init__(self, message: str, *, code: str, permanent: bool = False, spent: Spent = NOTHING) -> None:
        super().__init__(message)
        self.code, self.permanent, self.spent = code, permanent, spent

    def for_staff(self) -> str:
        """The sentence, and the notes that were added to it: which server, what it said, what to do there. Marketers do not see these."""
        return " ".join([str(self), *getattr(self, "__notes__", ())])


class EngineUnavailable(EngineError):
    """Nobody can paint now: no server answers, or all are full. The picture waits until one can; that is no failed try."""

    def __init__(self, message: str, *, code: str = "engine_unavailable") -> None:
        super().__init__(message, code=code)


@dataclass(frozen=True)
class ProductShot:
    """The product to paint a scene around: the safe photograph, and its cut-out (RGBA) when it may be used."""

    photo: bytes
    cutout: bytes | None


@dataclass(frozen=True)
class PictureOrder:
    """Everything that decides how one picture looks. The same order gives the same picture.

    `needs` is what the template says this engine needs (scenes and tint for the built-in one, a workflow for ComfyUI, ...).
    `palette` maps a role (primary, accent, ink, paper) to the brand's colour; empty means: the template's own colours.
    """

    picture_id: UUID
    job_id: UUID
    shape: Shape
    seed: int
    variation: int
    stage: Stage
    product: ProductShot | None
    scene_prompt: str
    negative_prompt: str
    needs: Mapping[str, Any]
    palette: Mapping[str, str] = field(default_factory=dict)
    scene: str = ""  # of the picture that this one is to be like; the built-in engine stays in it

    @property
    def first_seed(self) -> int:
        """The seed of the order's first variation: the variations of an order take seeds that follow each other."""
        return (self.seed - self.variation + 1) % 2**53


@dataclass(frozen=True)
class Progress:
    """How far a picture is: `fraction` from 0 to 1, never falling; and how it looks so far, as a JPEG of at most 512 pixels a side."""

    fraction: float
    note: str = ""
    preview: bytes | None = None


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Painted:
    """A raw picture: an encoded PNG of the shape's pixels, where the product stands in it, and facts for the ad's recipe."""

    image: bytes
    geometry: Geometry
    facts: Mapping[str, Any] = field(default_factory=dict)
    server: str = ""
    gpu_seconds: float = 0.0
    spent: Spent = NOTHING


class Engine(Protocol):
    """Something that paints: plates on this machine, a pool of ComfyUI servers, OpenAI's image models."""

    name: str

    def paint(self, order: PictureOrder, on_progress: Report) -> Painted:
        """Paint one picture. Raises EngineError."""
        ...

    def resume(self, order: PictureOrder) -> Painted | None:
        """The picture that an earlier attempt began under this job id, or None when there is none to be found."""
        ...

    def cancel(self, job_id: UUID) -> None:
        """Stop work under this job id, if there is any."""
        ...
