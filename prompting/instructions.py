"""The master instructions: text files that say what a writer has to give, and in which sections."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "instructions"


@dataclass(frozen=True)
class Instruction:
    """One master instruction: its text, the SHA-256 of it, and the sections it asks for, in order."""

    name: str
    text: str
    hash: str
    sections: tuple[str, ...]


@lru_cache(maxsize=8)
def instruction(name: str) -> Instruction:
    """Read `instructions/<name>.txt`. Raises FileNotFoundError for a name that is not there."""
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    asked = text.partition("# Sections\n")[2].partition("\n# ")[0]
    sections = tuple(re.findall(r"^([A-Z][A-Za-z -]+):", asked, re.MULTILINE))
    return Instruction(name, text, hashlib.sha256(text.encode()).hexdigest(), sections)
