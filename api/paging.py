"""Lists come in pages by cursor: `{"next", "previous", "results"}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

if TYPE_CHECKING:  # `rest_framework.views` loads this module itself, by the settings
    from rest_framework.views import APIView


class NewestFirst(CursorPagination):
    """The newest first. `page_size` may ask for up to 100."""

    ordering: str | tuple[str, ...] = ("-created_at", "-id")
    page_size = 20
    max_page_size = 100
    page_size_query_param = "page_size"

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any] | None:
        """One page. Raises NotFound for a cursor that nobody gave out."""
        try:
            page: list[Any] | None = super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError) as error:
            # A made-up position reaches the database field as it is.
            raise NotFound("There is no such page.") from error
        return page


class NewestPeople(NewestFirst):
    """Who came last comes first."""

    ordering = ("-date_joined", "-id")


class ByTitle(NewestFirst):
    """By title."""

    ordering = ("title", "id")
    page_size = 100


class ShelfOrder(NewestFirst):
    """As staff have put them in order."""

    ordering = ("position", "id")
    page_size = 100
