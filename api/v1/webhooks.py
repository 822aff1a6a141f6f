"""Webhooks: addresses that are told of what happens, what was sent to them, and sending it once more."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db import IntegrityError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts import webhooks
from accounts.models import Brand, Delivery, IdempotencyKey, User, Webhook
from accounts.models.outgoing import KINDS
from accounts.webhooks import WebhookRefused
from api.base import KEY, UUID_PATTERN, NotYet
from api.brands import own_brand
from api.paging import NewestFirst
from api.permissions import Creates, Everyone, caller, require_editor
from api.v1.ads import ErrorOut
from generations.actions import KeyReused
from keeping.versions import hash_of

ROUTE = "webhooks"
KINDS_HELP = f"What it is told of. An empty list: everything. Kinds: {', '.join(KINDS)}."


class WebhookIn(serializers.Serializer[Any]):
    """An address on port 443 or 80 that can be reached from the internet, for a brand (its id or slug; the caller's first when left out)."""

    url = serializers.CharField(max_length=500)
    kinds = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=len(KINDS), help_text=KINDS_HELP)
    brand = serializers.CharField(required=False, max_length=80)


class WebhookChange(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    url = serializers.CharField(max_length=500, required=False)
    kinds = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=len(KINDS), help_text=KINDS_HELP)
    active = serializers.BooleanField(required=False)


class WebhookOut(serializers.ModelSerializer[Webhook]):
    """A webhook. Its secret is shown only when it is made."""

    brand = serializers.UUIDField(source="brand_id")
    kinds = serializers.ListField(child=serializers.CharField(), help_text=KINDS_HELP)

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = ("id", "url", "kinds", "active", "disabled_reason", "brand", "created_at")


class WebhookWithSecret(WebhookOut):
    """A webhook with its secret, shown this once. Messages are signed with it as Standard Webhooks has it."""

    signing_secret = serializers.SerializerMethodField()

    class Meta(WebhookOut.Meta):
        fields = (*WebhookOut.Meta.fields, "signing_secret")

    def get_signing_secret(self, webhook: Webhook) -> str:
        """`whsec_` and 32 bytes in base64."""
        return webhook.secret


class TryOut(serializers.Serializer[Any]):
    """One try to send a message."""

    at = serializers.DateTimeField()
    seconds = serializers.FloatField()
    code = serializers.IntegerField(allow_null=True, help_text="What the receiver answered; null when it did not.")
    error = serializers.CharField(help_text="A sentence; empty when it took the message.")


class DeliveryOut(serializers.ModelSerializer[Delivery]):
    """One message to one webhook. Its id is the `webhook-id` that the receiver sees, the same at every try."""

    answer_body = serializers.CharField(help_text="The first 2 KB of what the receiver said.")
    tries = TryOut(source="log", many=True)
    error = serializers.SerializerMethodField()
    body = serializers.DictField(help_text="What is sent.")

    class Meta:
        model = Delivery
        fields = (
            "id",
            "kind",
            "object_id",
            "status",
            "answer_code",
            "answer_body",
            "tries",
            "error",
            "body",
            "created_at",
            "finished_at",
        )

    @extend_schema_field(ErrorOut(allow_null=True))
    def get_error(self, delivery: Delivery) -> dict[str, str] | None:
        """Why it did not arrive, or not yet."""
        return {"code": delivery.error_code, "detail": delivery.error_message} if delivery.error_code else None


@extend_schema_view(
    list=extend_schema(operation_id="list_webhooks"),
    retrieve=extend_schema(operation_id="read_webhook"),
    destroy=extend_schema(operation_id="delete_webhook"),
)
@extend_schema(tags=["webhooks"])
class Webhooks(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Webhook]):
    """The webhooks of the brands in which the caller may change things. To somebody who may only look, there are none."""

    serializer_class = WebhookOut
    pagination_class = NewestFirst
    lookup_value_regex = UUID_PATTERN
    queryset = Webhook.objects.none()

    def get_queryset(self) -> QuerySet[Webhook]:
        """The caller's own."""
        return webhooks.webhooks_of(self.request.user)

    def get_throttles(self) -> list[Any]:
        """What sends something, or looks up a name, is slower than reads."""
        slow = self.action in ("create", "partial_update", "test", "replay")
        return [Everyone(), Creates()] if slow else [Everyone()]

    @extend_schema(operation_id="make_webhook", request=WebhookIn, responses={201: WebhookWithSecret}, parameters=[KEY])
    def create(self, request: Request) -> Response:
        """Make a webhook. Keep the secret: it is not shown again."""
        user = caller(request)
        sent = WebhookIn(data=request.data)
        sent.is_valid(raise_exception=True)
        brand = own_brand(user, sent.validated_data.get("brand"))
        require_editor(user, brand)
        told = {"url": sent.validated_data["url"], "kinds": sent.validated_data.get("kinds", [])}
        webhook = _make_once(user, brand, told, key=request.headers.get("Idempotency-Key", "")[:200])
        headers = {"Location": reverse("api:webhooks-detail", args=[webhook.pk], request=request)}
        return Response(WebhookWithSecret(webhook).data, status=HTTPStatus.CREATED, headers=headers)

    @extend_schema(operation_id="change_webhook", request=WebhookChange, responses=WebhookOut)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the address, the kinds, or switch it off and on."""
        webhook = self.get_object()
        changes = WebhookChange(data=request.data)
        changes.is_valid(raise_exception=True)
        try:
            webhook = webhooks.change_webhook(webhook, **changes.validated_data)
        except WebhookRefused as error:
            raise ValidationError({error.field: str(error)}) from error
        return Response(WebhookOut(webhook).data)

    @extend_schema(operation_id="rotate_webhook_secret", request=None, responses=WebhookWithSecret)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """A new secret, shown this once. For 24 hours messages are signed with both; rotating twice ends the old one at once."""
        return Response(WebhookWithSecret(webhooks.rotate_secret(self.get_object())).data)

    @extend_schema(operation_id="test_webhook", request=None, responses={202: DeliveryOut})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send a ping. Whether it arrived is seen in the list of deliveries."""
        try:
            delivery = webhooks.try_out(self.get_object())
        except WebhookRefused as error:
            raise NotYet(str(error)) from error
        return Response(DeliveryOut(delivery).data, status=HTTPStatus.ACCEPTED)

    @extend_schema(operation_id="list_webhook_deliveries", responses=DeliveryOut(many=True))
    @action(detail=True)
    def deliveries(self, request: Request, pk: str) -> Response:
        """What was sent to this webhook and what became of it, the newest first."""
        sent: Any = Delivery.objects.filter(webhook=self.get_object())
        page: Any = self.paginate_queryset(sent)
        return self.get_paginated_response(DeliveryOut(page, many=True).data)

    @extend_schema(operation_id="replay_webhook_delivery", request=None, responses={202: DeliveryOut})
    @action(detail=True, methods=["post"], url_path=f"deliveries/(?P<delivery>{UUID_PATTERN})/replay")
    def replay(self, request: Request, pk: str, delivery: str) -> Response:
        """Send a message once more, with the same id."""
        webhook = self.get_object()
        found = get_object_or_404(Delivery.objects.filter(webhook=webhook), pk=delivery)
        try:
            again = webhooks.replay(found)
        except WebhookRefused as error:
            raise NotYet(str(error)) from error
        return Response(DeliveryOut(again).data, status=HTTPStatus.ACCEPTED)


def _make_once(user: User, brand: Brand, told: dict[str, Any], *, key: str) -> Webhook:
    """The new webhook, or the one that this key made before. Raises KeyReused when the key came with another body."""
    body = hash_of([str(brand.pk), told])
    if earlier := _earlier(user, key, body):
        return earlier
    row = IdempotencyKey(caller=user, route=ROUTE, key=key, body_hash=body) if key else None
    try:
        return webhooks.make_webhook(by=user, brand=brand, key=row, **told)
    except WebhookRefused as error:
        raise ValidationError({error.field: str(error)}) from error
    except IntegrityError:
        # Two requests with one key met; the first one's webhook is the answer to both.
        if earlier := _earlier(user, key, body):
            return earlier
        raise


def _earlier(user: User, key: str, body: str) -> Webhook | None:
    row = IdempotencyKey.objects.filter(caller=user, route=ROUTE, key=key).first() if key else None
    if row is None:
        return None
    if row.body_hash != body:
        raise KeyReused("This idempotency key was used before with another webhook. Use a new key.")
    made = webhooks.webhooks_of(user).filter(pk=row.answer["webhook"]).first()
    if made is None:
        raise KeyReused("The webhook that this idempotency key made is deleted. Use a new key.")
    return made
