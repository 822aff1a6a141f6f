"""What a person may do with photos, orders and words. Pages, API and the command line call the same functions."""

from __future__ import annotations

from finishing.photo import PhotoRefused
from generations.actions.again import MORE, more_like, raise_draft, retry_generation
from generations.actions.collections import (
    NotKept,
    delete_collection,
    delete_search,
    make_collection,
    put_in,
    rename_collection,
    save_search,
    take_out,
)
from generations.actions.orders import (
    ORDER_ROUTE,
    PLACEMENTS_AT_MOST,
    VARIATIONS_AT_MOST,
    CreditsMissing,
    KeyReused,
    OrderRefused,
    cancel_generation,
    check_order,
    order_generation,
)
from generations.actions.photos import add_photo, fetch_photo, mark_product
from generations.actions.removal import (
    NotNow,
    delete_ad,
    delete_generation,
    delete_photo,
    restore_ad,
    restore_generation,
    restore_photo,
    star_ad,
)
from generations.actions.reviews import (
    DAYS,
    MOST_DAYS,
    ReviewRefused,
    Said,
    ask_for_review,
    give_verdicts,
    link_of,
    take_link_back,
    token_of,
)
from generations.actions.words import ANGLE_LENGTH, change_copy, undo_copy
from prompting.brief import BriefError

__all__ = [
    "ANGLE_LENGTH",
    "BriefError",
    "CreditsMissing",
    "DAYS",
    "KeyReused",
    "MORE",
    "MOST_DAYS",
    "NotKept",
    "NotNow",
    "ORDER_ROUTE",
    "OrderRefused",
    "PLACEMENTS_AT_MOST",
    "PhotoRefused",
    "ReviewRefused",
    "Said",
    "VARIATIONS_AT_MOST",
    "add_photo",
    "fetch_photo",
    "ask_for_review",
    "cancel_generation",
    "change_copy",
    "check_order",
    "delete_ad",
    "delete_collection",
    "delete_generation",
    "delete_photo",
    "delete_search",
    "give_verdicts",
    "link_of",
    "make_collection",
    "mark_product",
    "more_like",
    "order_generation",
    "put_in",
    "raise_draft",
    "rename_collection",
    "restore_ad",
    "restore_generation",
    "restore_photo",
    "retry_generation",
    "save_search",
    "star_ad",
    "take_link_back",
    "take_out",
    "token_of",
    "undo_copy",
]
