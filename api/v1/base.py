"""The base of every resource: lists and single rows, of the caller's own or for staff with the right."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django.db.models import Model
from rest_framework import mixins, serializers, viewsets
from rest_framework.permissions import IsAuthenticated

from api.base import UUID_PATTERN, JsonBody
from api.paging import NewestFirst
from api.permissions import Creates, Everyone, StaffWithRight

Row = TypeVar("Row", bound=Model)


class Rows(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Row]):
    """A list by cursor, the newest first, and one row by its id. `get_queryset` gives what the caller may see, and nothing else.

    `slow` names what costs something: it is taken less often than reads.
    """

    pagination_class: Any = NewestFirst
    lookup_value_regex: ClassVar[str] = UUID_PATTERN
    slow: ClassVar[frozenset[str]] = frozenset({"create"})

    def get_throttles(self) -> list[Any]:
        """Ten calls a second; what costs something, one."""
        return [Everyone(), Creates()] if self.action in self.slow else [Everyone()]

    def sent(self, form: type[serializers.BaseSerializer[Any]], **how: Any) -> dict[str, Any]:
        """What the caller sent, read by this serializer. Raises ValidationError with a sentence for each wrong field."""
        read = form(data=self.request.data, context=self.get_serializer_context(), **how)
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)


class StaffRows(Rows[Row]):
    """Rows that staff look after: each of reading, making, changing and deleting needs the right to it that admin asks for, too."""

    permission_classes = (IsAuthenticated, StaffWithRight)
    parser_classes = (JsonBody,)
