"""The making: orders, their pictures, words and finished ads. The database is the to-do list."""

from __future__ import annotations

from generations.models.ads import Ad, Copy
from generations.models.library import Collection, SavedSearch
from generations.models.orders import SEED_MAX, Generation, GenerationPhoto
from generations.models.photos import Photo
from generations.models.pictures import Picture
from generations.models.records import Breaker, Event, Fingerprint, Rate, Step
from generations.models.reviews import ReviewLink, Verdict

__all__ = [
    "SEED_MAX",
    "Ad",
    "Breaker",
    "Collection",
    "Copy",
    "Event",
    "Fingerprint",
    "Generation",
    "GenerationPhoto",
    "Photo",
    "Picture",
    "Rate",
    "ReviewLink",
    "SavedSearch",
    "Step",
    "Verdict",
]
