"""People, brands, what these may spend and what they are told, in admin."""

from accounts.admin import people, fonts, credits, prices, keys, outgoing, mail, audit  # noqa: A004, F401, I001 - the order is that of the pages
