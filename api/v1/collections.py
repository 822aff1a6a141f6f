"""Ads put together under a name, and searches that are used again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.base import KEY, JsonBody
from api.brands import own_brand
from api.once import once
from api.permissions import EditorsWrite, caller, require_editor
from api.v1.base import Rows
from api.v1.orders import BRAND_HELP
from generations import actions, queries
from generations.models import Collection, SavedSearch


class CollectionOut(serializers.ModelSerializer[Collection]):
    """A collection; its ads are in `ads?collection=<id>`."""

    brand = serializers.UUIDField(source="brand_id")
    ads = serializers.IntegerField(source="size", help_text="How many.")

    class Meta:
        model = Collection
        fields = ("id", "name", "brand", "ads", "created_at")


class CollectionIn(serializers.Serializer[Any]):
    """A name, and whose it is."""

    name = serializers.CharField(max_length=80)
    brand = serializers.CharField(required=False, max_length=80, help_text=BRAND_HELP)


class CollectionNameIn(serializers.Serializer[Any]):
    """Another name."""

    name = serializers.CharField(max_length=80)


class AdIdsIn(serializers.Serializer[Any]):
    """Which ads."""

    ads = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=200)


@extend_schema_view(list=extend_schema(operation_id="list_collections"), retrieve=extend_schema(operation_id="read_collection"))
@extend_schema(tags=["library"])
class Collections(Rows[Collection]):
    """The collections of the caller's brands."""

    serializer_class = CollectionOut
    permission_classes = (IsAuthenticated, EditorsWrite)
    parser_classes = (JsonBody,)
    queryset = Collection.objects.none()

    def get_queryset(self) -> QuerySet[Collection]:
        """The caller's own."""
        return queries.collections_of(self.request.user)

    @extend_schema(operation_id="make_collection", request=CollectionIn, responses={201: CollectionOut}, parameters=[KEY])
    @once
    def create(self, request: Request) -> Response:
        """Begin a collection."""
        told = self.sent(CollectionIn)
        brand = own_brand(caller(request), told.get("brand"))
        require_editor(caller(request), brand)
        made = actions.make_collection(by=caller(request), brand=brand, name=told["name"])
        return Response(self.get_serializer(self.get_queryset().get(pk=made.pk)).data, status=HTTPStatus.CREATED)

    @extend_schema(operation_id="rename_collection", request=CollectionNameIn, responses=CollectionOut)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Give it another name."""
        collection = self.get_object()
        actions.rename_collection(by=caller(request), collection=collection, name=self.sent(CollectionNameIn)["name"])
        return Response(self.get_serializer(collection).data)

    @extend_schema(operation_id="delete_collection", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Forget a collection; its ads stay."""
        actions.delete_collection(by=caller(request), collection=self.get_object())
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(operation_id="put_into_collection", request=AdIdsIn, responses=CollectionOut)
    @action(detail=True, methods=["post"])
    def add(self, request: Request, pk: str) -> Response:
        """Put ads into it. Twice is once."""
        collection = self.get_object()
        actions.put_in(by=caller(request), collection=collection, ads=self.sent(AdIdsIn)["ads"])
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(operation_id="take_out_of_collection", request=AdIdsIn, responses=CollectionOut)
    @action(detail=True, methods=["post"])
    def remove(self, request: Request, pk: str) -> Response:
        """Take ads out of it; the ads stay."""
        collection = self.get_object()
        actions.take_out(by=caller(request), collection=collection, ads=self.sent(AdIdsIn)["ads"])
        return Response(self.get_serializer(self.get_object()).data)


class SearchOut(serializers.ModelSerializer[SavedSearch]):
    """A search; `wanted` has the filters of the lists of ads and generations."""

    brand = serializers.UUIDField(source="brand_id")
    wanted = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = SavedSearch
        fields = ("id", "name", "brand", "wanted", "created_at")


class SearchIn(serializers.Serializer[Any]):
    """A name, what is looked for, and whose it is."""

    name = serializers.CharField(max_length=80)
    wanted = serializers.DictField(child=serializers.CharField(max_length=200))
    brand = serializers.CharField(required=False, max_length=80, help_text=BRAND_HELP)


@extend_schema_view(list=extend_schema(operation_id="list_searches"), retrieve=extend_schema(operation_id="read_search"))
@extend_schema(tags=["library"])
class Searches(Rows[SavedSearch]):
    """The searches that the caller's brands have kept."""

    serializer_class = SearchOut
    permission_classes = (IsAuthenticated, EditorsWrite)
    parser_classes = (JsonBody,)
    queryset = SavedSearch.objects.none()

    def get_queryset(self) -> QuerySet[SavedSearch]:
        """The caller's own."""
        return queries.searches_of(self.request.user)

    @extend_schema(operation_id="save_search", request=SearchIn, responses={201: SearchOut}, parameters=[KEY])
    @once
    def create(self, request: Request) -> Response:
        """Keep a search; one of the same name is replaced."""
        told = self.sent(SearchIn)
        brand = own_brand(caller(request), told.get("brand"))
        require_editor(caller(request), brand)
        kept = actions.save_search(by=caller(request), brand=brand, name=told["name"], wanted=told["wanted"])
        return Response(self.get_serializer(kept).data, status=HTTPStatus.CREATED)

    @extend_schema(operation_id="delete_search", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Forget a search."""
        actions.delete_search(by=caller(request), search=self.get_object())
        return Response(status=HTTPStatus.NO_CONTENT)
