"""Who: people, the brands they share, what these may spend, and what they are told."""

from accounts.models.credits import CreditAccount, Entry, Price, PriceVersion, Transfer
from accounts.models.outgoing import Delivery, Webhook
from accounts.models.people import Brand, IdempotencyKey, Membership, Product, User

__all__ = [
    "Brand",
    "CreditAccount",
    "Delivery",
    "Entry",
    "IdempotencyKey",
    "Membership",
    "Price",
    "PriceVersion",
    "Product",
    "Transfer",
    "User",
    "Webhook",
]
