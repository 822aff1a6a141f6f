"""Subsets the Noto fallbacks of scripts with thousands of letters into `finishing/fonts`, and writes their rows of `fonts.json`.

    .venv/bin/python script/subset_fonts.py FOLDER

FOLDER holds the unpacked npm packages @expo-google-fonts/noto-sans-thai, -jp, -sc and -kr (OFL-1.1). Needed only when the letters
of a subset change; the subsets are kept in the repository.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FONTS = Path(__file__).resolve().parents[1] / "finishing" / "fonts"
WEIGHTS = {500: "Medium", 700: "Bold"}
LATIN = (*range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x2010, 0x2028), 0x2030, 0x2032, 0x2033, 0x20AC, 0x2122, 0x2212)
WIDE = (*range(0x3000, 0x3100), *range(0xFF00, 0xFFF0), 0x20A9, 0x2605, 0x2606, 0x2764)
# Alternates for vertical setting and old forms are left out: they are half of the file.
FEATURES = ["kern", "palt", "halt", "locl", "calt", "ccmp", "liga", "mark", "mkmk", "ljmo", "vjmo", "tjmo", "tnum", "lnum"]


def letters_of(codec: str, rows: range) -> set[int]:
    """The code points of rows of a 94 x 94 character set, by its EUC form."""
    found = set()
    for row in rows:
        for cell in range(0xA1, 0xFF):
            try:
                found.add(ord(bytes([row, cell]).decode(codec)))
            except UnicodeDecodeError:
                continue
    return found


FAMILIES: dict[str, tuple[str, str, set[int]]] = {
    "thai": ("Thai", "Thai", {*LATIN, *range(0x0E00, 0x0E80), 0x200B, 0x25CC, 0x20BF}),
    # JIS X 0208 level 1: what newspapers and packs are written in.
    "jp": ("JP", "Japanese", {*LATIN, *WIDE, *letters_of("euc_jp", range(0xA1, 0xD0))}),
    # GB 2312 level 1: the 3,755 most used characters.
    "sc": ("SC", "Chinese", {*LATIN, *WIDE, *letters_of("gb2312", range(0xA1, 0xA4)), *letters_of("gb2312", range(0xB0, 0xD8))}),
    # KS X 1001: the 2,350 syllables of modern Korean.
    "kr": ("KR", "Korean", {*LATIN, *WIDE, *range(0x3130, 0x3190), *letters_of("euc_kr", range(0xB0, 0xC9))}),
}


def main(folder: Path) -> None:
    """Write every subset and its row."""
    rows = json.loads((FONTS / "fonts.json").read_text())
    for name, (family, script, letters) in FAMILIES.items():
        for weight, title in WEIGHTS.items():
            source = next(folder.rglob(f"NotoSans{family}_{weight}{title}.ttf"))
            slug = f"noto-{name}-{weight}"
            options = subset.Options(flavor="woff2", hinting=False, notdef_outline=True, layout_features=FEATURES, name_IDs=["*"])
            font = subset.load_font(str(source), options)
            worker = subset.Subsetter(options)
            worker.populate(unicodes=letters)
            worker.subset(font)
            subset.save_font(font, str(FONTS / f"{slug}.woff2"), options)
            licence = next(source.parents[1].glob("LICENSE_FONT")).read_text()
            (FONTS / "licences" / f"noto-sans-{name}.txt").write_text(licence)
            rows[slug] = {
                "file": f"{slug}.woff2",
                "family": f"Noto Sans {family}",
                "weight": weight,
                "scripts": ["Latin", script],
                "licence": "OFL-1.1",
                "licence_file": f"licences/noto-sans-{name}.txt",
                "ranges": spans(sorted(TTFont(FONTS / f"{slug}.woff2").getBestCmap())),
            }
            print(slug, f"{(FONTS / f'{slug}.woff2').stat().st_size // 1000} kB")
    (FONTS / "fonts.json").write_text(json.dumps(rows, separators=(",", ":")))


def spans(codes: list[int]) -> list[list[int]]:
    """Code points as first and last of each run."""
    found: list[list[int]] = []
    for code in codes:
        if found and code == found[-1][1] + 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
