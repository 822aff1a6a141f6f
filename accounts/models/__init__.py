"""Who: people and the brands they share."""

from accounts.models.people import Brand, IdempotencyKey, Membership, Product, User

__all__ = ["Brand", "IdempotencyKey", "Membership", "Product", "User"]
