"""What other rooms want to hear of. Sent inside the transaction that changed the rows."""

from __future__ import annotations

from django.dispatch import Signal

brand_deleted = Signal()  # brand, by: nobody sees this brand any more
