"""What is looked at on every finished ad, before a marketer does."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
from numpy.typing import NDArray

from finishing.contrast import Frame
from finishing.encode import Encoded, weight
from finishing.page import Page, overlap
from finishing.policy import dropped, words_for, words_of
from finishing.shapes import is_banner
from finishing.specs import Check, CopySpec, PlacementSpec

FEW, MUCH = 0.04, 0.45  # of the area: a product that is lost, or leaves no room
FEW_OF_BANNER = 0.35  # of a banner's short side
BLURRED = 60.0  # variance of the Laplacian at 512 px: blurred pictures stay below
EMPTY, BLANK = 2.0, 0.1  # bits of entropy over 64 greys: a picture with nothing in it; a drawn ground may be nearly plain
SMALLEST_LETTERS = {"headline": 9, "subline": 9, "button": 9, "legal": 7, "brand": 7, "badge": 7}
WHITE = 250
FIELDS = {"headline": "headline", "subline": "subline", "cta": "button", "badge": "badge", "legal": "legal"}
NAMES = {
    "headline": "headline",
    "subline": "sub-line",
    "button": "button",
    "legal": "legal line",
    "brand": "brand's name",
    "badge": "badge",
}


def look(page: Page, encoded: Encoded, placement: PlacementSpec, copy: CopySpec | None = None) -> tuple[Check, ...]:
    """Every check on a finished page and its file, each with a sentence for the marketer. `copy`: the words that were wished."""
    said = (*_headline(page), *_words(page, placement), *_places(page))
    file = of_file((page.width, page.height), encoded, placement)
    return (*said, *_policy(page, placement, copy), *file, *_picture(page, placement), *page.notes)


def of_file(size: tuple[int, int], encoded: Encoded, placement: PlacementSpec) -> tuple[Check, ...]:
    """Whether a file of these pixels is what its placement takes."""
    limit = f" of at most {weight(placement.max_bytes)}" if placement.max_bytes else ""
    fits = placement.max_bytes is None or len(encoded.data) <= placement.max_bytes
    return (
        Check("file size", "pass" if fits else "fail", f"{weight(len(encoded.data))}{limit}."),
        Check("pixels", "pass" if size == placement.size else "fail", f"{size[0]} × {size[1]} pixels, as {placement.title} takes it."),
    )


def _headline(page: Page) -> list[Check]:
    """Whether the headline says all it should: every word, whole, in order."""
    if not page.headline:
        return []
    letters = [_letters(block.words) for block in page.blocks if block.role == "headline"]
    if letters == [_letters(page.headline)]:
        return [Check("headline", "pass", "Every word of the headline is there.")]
    return [Check("headline", "fail" if letters else "warn", "The headline is not there in full. Fewer words would fit.")]


def _letters(words: str) -> str:
    """Words without spaces, case and accents: Greek capitals drop theirs, Turkish ones keep the dot of an i."""
    parted = unicodedata.normalize("NFD", words.casefold().replace("ı", "i"))
    return "".join(letter for letter in parted if not letter.isspace() and unicodedata.category(letter) not in ("Mn", "Cf"))


def _words(page: Page, placement: PlacementSpec) -> list[Check]:
    checks = []
    asked = placement.rule("letters")
    for block in page.blocks:
        if block.role == "ornament" or not block.size:
            continue
        name, reads = NAMES[block.role], block.contrast >= block.need
        checks.append(
            Check(
                "contrast",
                "pass" if reads else "warn",
                f"The {name} has a contrast of {block.contrast:.1f} to 1 with what lies below; {block.need:g} is enough.",
            )
        )
        if asked and block.size < asked:
            checks.append(Check("size", "fail", f"The {name} is {block.size} pixels high; the network asks for {asked}. Use fewer words."))
        elif block.size < SMALLEST_LETTERS[block.role]:
            checks.append(Check("size", "warn", f"The {name} is only {block.size} pixels high. Fewer words would make it larger."))
    return checks


def _places(page: Page) -> list[Check]:
    outside = [NAMES[block.role] for block in page.blocks if block.role != "ornament" and not _in_zone(page, block.frame)]
    checks = [
        Check("safe zone", "fail", f"The {' and the '.join(outside)} may be covered by the network's own buttons.")
        if outside
        else Check("safe zone", "pass", "All words stay clear of the network's own buttons.")
    ]
    words = [block for block in page.blocks if block.role != "ornament"]
    meeting = [NAMES[one.role] for one in words if page.product and overlap(one.frame, page.product, -1)]
    crowded = [
        f"{NAMES[one.role]} and the {NAMES[other.role]}"
        for index, one in enumerate(words)
        for other in words[index + 1 :]
        if overlap(one.frame, other.frame, -1)
    ]
    if meeting:
        checks.append(
            Check("overlap", "warn", f"The {' and the '.join(meeting)} lies over the product. Fewer words would keep clear of it.")
        )
    if crowded:
        checks.append(Check("overlap", "fail", f"The {crowded[0]} lie over each other. Shorten one of them."))
    if not meeting and not crowded:
        checks.append(Check("overlap", "pass", "Nothing lies over the product or over other words."))
    return checks


def _in_zone(page: Page, frame: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = page.zone
    return frame[0] >= left - 1 and frame[1] >= top - 1 and frame[2] <= right + 1 and frame[3] <= bottom + 1


def _policy(page: Page, placement: PlacementSpec, copy: CopySpec | None) -> list[Check]:
    """What the network's own rules took out of the picture, and whether the rest keeps to them."""
    checks = []
    if copy is not None:
        for name, why in dropped(copy, placement).items():
            if name != "headline" or placement.text_in_image != "forbidden":
                checks.append(Check("network's rule", "pass", f"The {NAMES[FIELDS[name]]} is not in this picture: {why}."))
        said = words_of(words_for(copy, placement))
        if (most := placement.rule("words")) and said > most:
            checks.append(
                Check("network's rule", "fail", f"{said} words stand in the picture; {most} are the most here. Shorten the headline.")
            )
    if placement.rule("logo") and not any(block.role == "brand" for block in page.blocks):
        checks.append(Check("network's rule", "fail", "The brand's logo or name has to be seen here, and there was no room for it."))
    return checks


def _picture(page: Page, placement: PlacementSpec) -> list[Check]:
    checks = [_product(page, page.product)] if page.product else []
    if placement.rule("white") is False and _rim_is_white(page.pixels):
        checks.append(
            Check("network's rule", "fail", "The ground is white, which this network refuses. Pick a template with a coloured one.")
        )
    seen = _around_product(page)
    grey = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
    scale = 512 / max(grey.shape)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    counts = np.histogram(small, 64, (0, 256))[0] / small.size
    entropy = float(-(counts[counts > 0] * np.log2(counts[counts > 0])).sum())
    if page.product and float(cv2.Laplacian(small, cv2.CV_32F).var()) < BLURRED:
        checks.append(Check("sharpness", "warn", "The picture looks soft. A larger photo would make it crisp."))
    if entropy < (EMPTY if page.product else BLANK):
        checks.append(Check("picture", "warn", "There is hardly anything to see in this picture."))
    return checks


def _rim_is_white(pixels: NDArray[np.uint8]) -> bool:
    """Whether most of the outermost pixels are white, or so near to it that a network would say so."""
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return float((rim.min(axis=1) >= WHITE).mean()) > 0.5


def _product(page: Page, product: Frame) -> Check:
    """Whether the product is large enough: in a banner beside its short side, else beside what the network leaves uncovered."""
    left, top, right, bottom = product
    if is_banner(page.width, page.height):
        wide = page.width > page.height
        share, side = ((bottom - top) / page.height, "height") if wide else ((right - left) / page.width, "width")
        good = share >= FEW_OF_BANNER
        return Check("product", "pass" if good else "warn", f"The product takes {share:.0%} of the banner's {side}.")
    zone = page.zone
    share = (right - left) * (bottom - top) / ((zone[2] - zone[0]) * (zone[3] - zone[1]))
    good = FEW <= share <= MUCH
    detail = f"The product takes {share:.0%} of what is seen; {FEW:.0%} to {MUCH:.0%} reads best."
    return Check("product", "pass" if good else "warn", detail)


def _around_product(page: Page) -> NDArray[np.uint8]:
    """What is looked at for sharpness: the whole picture, but of a banner, whose ground is meant to be calm, only the product."""
    if page.product is None or not is_banner(page.width, page.height):
        return page.pixels
    left, top, right, bottom = (round(value) for value in page.product)
    part = page.pixels[max(0, top) : max(bottom, top + 2), max(0, left) : max(right, left + 2)]
    return part if part.size else page.pixels
