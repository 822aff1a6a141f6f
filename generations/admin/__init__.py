"""The making in admin: what the makers wrote, to look at and to search. In the order of an ad's life."""

from generations.admin import photos, orders, pictures, ads, library, reviews, records  # noqa: F401, I001 - the order is that of the pages
