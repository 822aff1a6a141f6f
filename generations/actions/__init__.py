"""What a person may do with photos, orders and words. Pages, API and the command line call the same functions."""

from __future__ import annotations

from finishing.photo import PhotoRefused
from generations.actions.orders import (
    ORDER_ROUTE,
    PLACEMENTS_AT_MOST,
    VARIATIONS_AT_MOST,
    CreditsMissing,
    KeyReused,
    OrderRefused,
    cancel_generation,
    check_order,
    make_files_again,
    order_generation,
)
from generations.actions.photos import add_photo, mark_product
from generations.actions.words import ANGLE_LENGTH, change_copy, undo_copy
from prompting.brief import BriefError

__all__ = [
    "ANGLE_LENGTH",
    "ORDER_ROUTE",
    "PLACEMENTS_AT_MOST",
    "VARIATIONS_AT_MOST",
    "BriefError",
    "CreditsMissing",
    "KeyReused",
    "OrderRefused",
    "PhotoRefused",
    "add_photo",
    "cancel_generation",
    "change_copy",
    "check_order",
    "make_files_again",
    "mark_product",
    "order_generation",
    "undo_copy",
]
