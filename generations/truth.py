"""An ad's certificate: how truly it shows the product, in numbers that a marketer understands, against the brand's own bounds."""

from __future__ import annotations

from dataclasses import dataclass

from finishing.fidelity import BOUNDS, PERCENT, SENTENCES
from generations.models import Ad

TITLES = {
    "mask_overlap": "Product in view",
    "delta_e_mean": "Colour, on average",
    "delta_e_p95": "Colour, where it is furthest off",
    "ssim": "Shape and print",
    "label_read": "Words on the label",
}


@dataclass(frozen=True)
class Measure:
    """One number of the certificate, what is asked for, and whether it is reached."""

    title: str
    value: str
    asked: str
    good: bool


def certificate(ad: Ad) -> list[Measure]:
    """What was measured of this ad; nothing where the product was not cut out."""
    bounds, told = {**BOUNDS, **ad.picture.generation.brand.truth}, []
    for name, title in TITLES.items():
        value, bound = ad.fidelity.get(name), bounds[name]
        if value is None:
            continue
        more_is_better = SENTENCES[name][0]
        good = value >= bound if more_is_better else value <= bound
        if name in PERCENT:
            told.append(Measure(title, f"{value:.0%} kept", f"at least {bound:.0%}", good))
        else:
            told.append(Measure(title, f"ΔE {value:.1f} off", f"at most ΔE {bound:g}", good))
    return told
