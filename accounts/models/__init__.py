"""Who: people, the brands they share, what these may spend, and what they are told."""

from accounts.models.access import ApiKey, Place, TokenChain, Tries
from accounts.models.audit import AuditEntry, AuditHead
from accounts.models.credits import CreditAccount, Entry, Price, PriceVersion, Transfer
from accounts.models.fonts import BrandFont
from accounts.models.mail import Message
from accounts.models.outgoing import Delivery, Webhook
from accounts.models.people import Brand, IdempotencyKey, Invitation, Membership, Product, User

__all__ = [
    "ApiKey",
    "AuditEntry",
    "AuditHead",
    "Brand",
    "BrandFont",
    "CreditAccount",
    "Delivery",
    "Entry",
    "IdempotencyKey",
    "Invitation",
    "Membership",
    "Message",
    "Place",
    "Price",
    "PriceVersion",
    "Product",
    "TokenChain",
    "Transfer",
    "Tries",
    "User",
    "Webhook",
]
