"""People, brands, and what these may spend, in admin."""

from accounts.admin import people, credits, prices  # noqa: A004, F401, I001 - the order is that of the pages
