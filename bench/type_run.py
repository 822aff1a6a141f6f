"""Sets generated briefs in many languages and counts what went wrong: words that are not there in full, letters no face has, words
outside the safe zone, over each other or over the product. Needs no database.

    .venv/bin/python bench/type_run.py [NUMBER] [--sheet FILE.png]

The same briefs at every run. `script/long type` runs 300; the tests run the first ones. The exit code is 1 when anything failed.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from finishing.checks import look  # noqa: E402  (the folder has to be known first)
from finishing.encode import Encoded  # noqa: E402
from finishing.page import Page  # noqa: E402
from finishing.shapes import is_banner  # noqa: E402
from finishing.specs import CopySpec, PlacementSpec, StyleSpec  # noqa: E402
from tests.finishing.pages import SHELF, all_placements, page_for  # noqa: E402

LAYOUTS = sorted(path.stem for path in (SHELF / "layouts").glob("*.json"))
GROUNDS = ("#e9dccb", "#16202e", "#c8452f", "#8a9a83")
FACES = ("playfair-500", "manrope-800", "anton", "cormorant-600", "montserrat-800", "inter-700")
ENOUGH = 10_000  # square pixels: a picture smaller than this has no room for words

# What headlines, sub-lines, buttons and badges are put together from; the last of each line says how words are joined.
LANGUAGES: dict[str, tuple[str, str, str, str, str]] = {
    "en": ("Wake up to glow|Slow mornings, bottled|Soft light all day|Made for small hours", "Radiance serum with rosehip and vitamin C", "Shop now", "−20% today", " "),
    "de": ("Morgenlicht für jede Haut|Natürlich strahlend|Überraschend leichte Feuchtigkeitspflege", "Gesichtsserum mit Hagebutte und Vitamin C", "Jetzt entdecken", "Nur 19,90 €", " "),
    "fr": ("Réveillez l’éclat|La lumière du matin, à l’état pur|Été comme hiver", "Sérum éclat à la rose musquée", "J’en profite", "−20 %", " "),
    "pl": ("Obudź się z blaskiem|Światło poranka w butelce|Łagodnie każdego dnia", "Serum rozświetlające z dziką różą", "Kup teraz", "Tylko 89 zł", " "),
    "tr": ("Işıltıyla uyanın|Sabahın ışığı şişede|İyi günler için", "C vitaminli ışıltı serumu", "Şimdi al", "%20 indirim", " "),
    "ru": ("Проснитесь с сиянием|Утренний свет во флаконе|Каждый день мягче", "Сыворотка с шиповником и витамином C", "Купить сейчас", "Скидка 20%", " "),
    "el": ("Ξύπνα με λάμψη|Το φως του πρωινού|Απαλά κάθε μέρα", "Ορός λάμψης με βιταμίνη C", "Αγόρασε τώρα", "−20%", " "),
    "ar": ("استيقظي على إشراقة|ضوء الصباح في زجاجة|نعومة كل يوم", "سيروم الإشراق بفيتامين سي", "تسوقي الآن", "خصم 20%", " "),
    "he": ("להתעורר עם זוהר|אור הבוקר בבקבוק|רכות בכל יום", "סרום זוהר עם ויטמין C", "לקנייה עכשיו", "20% הנחה", " "),
    "hi": ("हर सुबह नई चमक|सुबह की रोशनी बोतल में|हर दिन मुलायम", "विटामिन सी वाला चमक सीरम", "अभी खरीदें", "20% छूट", " "),
    "th": ("ตื่นมาพร้อมผิวกระจ่างใส|แสงยามเช้าในขวด|นุ่มนวลทุกวัน", "เซรั่มผิวกระจ่างใสผสมวิตามินซี", "ซื้อเลย", "ลด 20%", ""),
    "ja": ("朝の光を、ボトルに|目覚めるたび、輝く肌へ|毎日をやわらかく", "ローズヒップとビタミンC配合の美容液", "今すぐ購入", "20%オフ", "。"),
    "zh": ("清晨的光，装进瓶中|醒来就有好气色|每一天都温柔", "含玫瑰果与维生素C的焕亮精华", "立即购买", "限时8折", "，"),
    "ko": ("아침의 빛을 병에 담다|눈뜨는 순간의 광채|매일 더 부드럽게", "로즈힙과 비타민 C 광채 세럼", "지금 구매하기", "20% 할인", " "),
}  # fmt: skip


def briefs(number: int) -> list[tuple[CopySpec, StyleSpec, str, PlacementSpec, str]]:
    """Words, style, layout, placement and ground of so many ads: every language in turn, one to two headlines long."""
    dice = random.Random(7)  # noqa: S311  (briefs, no secrets)
    places = [spec for spec in all_placements() if spec.text_in_image != "forbidden" and spec.width * spec.height >= ENOUGH]
    found = []
    for index in range(number):
        language = list(LANGUAGES)[index % len(LANGUAGES)]
        lines, subline, cta, badge, joint = LANGUAGES[language]
        spec = dice.choice(places)
        # Six words and a button are what a banner is for.
        parts = dice.sample(lines.split("|"), 1 if is_banner(spec.width, spec.height) else dice.randint(1, 2))
        copy = CopySpec(joint.join(parts), subline, cta, badge if dice.random() < 0.5 else "", language=language)
        style = StyleSpec(
            dice.choice(FACES), "montserrat-500", "montserrat-600", ("#33261a", "#ffffff"), "#33261a", upper=dice.random() < 0.3
        )
        found.append((copy, style, dice.choice(LAYOUTS), spec, dice.choice(GROUNDS)))
    return found


def set_and_judged(copy: CopySpec, style: StyleSpec, layout: str, spec: PlacementSpec, ground: str) -> tuple[Page, list[str]]:
    """The page, and what failed on it in sentences. A letter that no face has raises FinishError."""
    page = page_for(layout, spec, copy, style, Image.new("RGB", (600, round(600 * spec.height / spec.width)), ground))
    wrong = [f"{check.rule}: {check.detail}" for check in look(page, Encoded(b"", "image/jpeg", "jpg"), spec) if check.result == "fail"]
    wrong += [
        f"overlap: {note.detail}"
        for note in look(page, Encoded(b"", "image/jpeg", "jpg"), spec)
        if note.rule == "overlap" and note.result == "warn"
    ]
    if not any(block.role == "headline" for block in page.blocks):
        wrong.append("headline: it was left out.")
    return page, wrong


def main() -> None:
    """Set, count, print."""
    number = next((int(word) for word in sys.argv[1:] if word.isdigit()), 300)
    began, failures, left_out, pages = time.monotonic(), [], Counter[str](), []
    for copy, style, layout, spec, ground in briefs(number):
        page, wrong = set_and_judged(copy, style, layout, spec, ground)
        failures += [f"{spec.slug} / {layout} / {copy.language}: {sentence}" for sentence in wrong]
        left_out.update({role for role in ("subline", "button") if role not in {block.role for block in page.blocks}})
        pages.append(page)
    print(*failures, sep="\n")
    print(f"{number} briefs in {len(LANGUAGES)} languages, {len(failures)} failures, {time.monotonic() - began:.0f} s.")
    print(f"Left out for want of room: sub-line {left_out['subline']}, button {left_out['button']}.")
    if "--sheet" in sys.argv:
        sheet([page.finished() for page in pages[:42]]).save(sys.argv[sys.argv.index("--sheet") + 1])
    sys.exit(bool(failures))


def sheet(pictures: list[Image.Image], columns: int = 7, cell: int = 320) -> Image.Image:
    """Pictures side by side, each at most `cell` pixels."""
    rows = -(-len(pictures) // columns)
    whole = Image.new("RGB", (columns * cell, rows * cell), "#888")
    for index, picture in enumerate(pictures):
        picture.thumbnail((cell - 12, cell - 12))
        whole.paste(picture, (index % columns * cell + 6, index // columns * cell + 6))
    return whole


if __name__ == "__main__":
    main()
