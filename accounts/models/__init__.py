"""Who: people, the brands they share, and what these may spend."""

from accounts.models.credits import CreditAccount, Entry, Price, PriceVersion, Transfer
from accounts.models.people import Brand, IdempotencyKey, Membership, Product, User

__all__ = [
    "Brand",
    "CreditAccount",
    "Entry",
    "IdempotencyKey",
    "Membership",
    "Price",
    "PriceVersion",
    "Product",
    "Transfer",
    "User",
]
