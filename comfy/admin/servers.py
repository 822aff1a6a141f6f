"""ComfyUI servers in admin: how each is, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from comfy import actions, advice, loras, pool, trying
from comfy.admin import looks
from comfy.advice import FOLDERS
from comfy.errors import ComfyError
from comfy.models import FAMILIES, Server
from keeping.claims import DbNow, db_now
from keeping.showing import NONE, Page, PrettyJson, RowForm

SHOWN_IN_A_LIST = 3  # checkpoints


class ServerForm(RowForm):
    """A server. Its address is judged, and its token goes to no other address than it was typed for."""

    custom_nodes = PrettyJson(
        required=False,
        rows=3,
        help_text='Classes of custom nodes that workflows may use on this server, for instance ["UltimateSDUpscale"].',
    )
    families = forms.MultipleChoiceField(
        choices=FAMILIES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The families of models that it may paint with. None is ticked: all of them.",
    )
    forget_token = forms.BooleanField(required=False, help_text="Send no token any more.")

    class Meta:
        model = Server
        fields = ("name", "address", "token", "enabled", "allow_private", "slots", "weight", "families", "custom_nodes")
        labels: ClassVar[dict[str, str]] = {"token": "Token"}

    def clean_custom_nodes(self) -> list[str]:
        """A list of names."""
        told = self.cleaned_data["custom_nodes"] or []
        if not isinstance(told, list) or not all(isinstance(one, str) and one for one in told):
            raise forms.ValidationError('Give a list of class names, such as ["UltimateSDUpscale"].')
        return told

    def clean(self) -> dict[str, Any]:
        """Judge the address as it will be judged before every use."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        if "address" in told:
            private = told.get("allow_private", self.instance.allow_private)
            try:
                told["address"] = actions.checked_address(str(told["address"]), allow_private=private)
            except actions.AddressRefused as error:
                self.add_error("address", str(error))
            moved = not self.instance._state.adding and told.get("address") != self.initial.get("address")
            if moved and not told.get("token") and not told.get("forget_token") and actions.has_token(self.instance.pk):
                self.add_error("token", "The address has changed. Type the token for it, or choose to forget the one that is there.")
        return told

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # Django's own, after whose end the row has what was typed
        if self.cleaned_data.get("forget_token") and not self.cleaned_data.get("token"):
            self.instance.token = ""


@admin.register(Server)
class Servers(Page):
    """The pool."""

    form = ServerForm
    list_display = ("name", "health", "version", "memory", "seats", "checkpoints", "last_seen_shown", "last_error")
    list_filter = ("enabled", "version")
    search_fields = ("name", "address")
    fieldsets = (
        (None, {"fields": ("name", "address", "allow_private", ("token", "forget_token"))}),
        ("Work", {"fields": ("enabled", ("slots", "weight"), "families", "custom_nodes")}),
    )

    # --- what is shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[Server]:
        """With the seats that are taken and the clock, and without the tokens."""
        found: QuerySet[Server] = super().get_queryset(request)
        taken = Count("jobs", filter=Q(jobs__seat__isnull=False, jobs__held_until__gte=DbNow()))
        return found.annotate(taken=taken).defer("token")

    def get_list_display(self, request: HttpRequest) -> Any:
        """With each server's health by the database's clock, which is asked once."""
        now = db_now()

        @admin.display(description="health")
        def health(server: Server) -> SafeString:
            return looks.health(server, now)

        return [health if name == "health" else name for name in self.list_display]

    def health(self, server: Server) -> SafeString:
        """Of one server alone."""
        return looks.health(server, db_now())

    @admin.display(description="memory", ordering="vram")
    def memory(self, server: Server) -> str | SafeString:
        """Of its first device."""
        return looks.memory(server)

    @admin.display(description="seats")
    def seats(self, server: Server) -> str:
        """How many of its seats are taken."""
        return f"{getattr(server, 'taken', 0)} of {server.slots}"

    @admin.display(description="checkpoints")
    def checkpoints(self, server: Server) -> SafeString:
        """The first few."""
        files = server.files.get("ckpt_name", [])
        shown = format_html_join("", "<li>{}</li>", ((file,) for file in files[:SHOWN_IN_A_LIST]))
        more = format_html("<li>and {} more</li>", len(files) - SHOWN_IN_A_LIST) if len(files) > SHOWN_IN_A_LIST else ""
        return format_html('<ul class="where">{}{}</ul>', shown, more) if files else NONE

    @admin.display(description="last seen", ordering="last_seen")
    def last_seen_shown(self, server: Server) -> datetime | SafeString:
        """When it last answered as it should."""
        return looks.moment(server.last_seen)

    # --- what may be changed

    def get_readonly_fields(self, request: HttpRequest, obj: Server | None = None) -> Any:
        """Only a superuser may let an address lead into our own network, and send an address that may do so elsewhere."""
        if getattr(request.user, "is_superuser", False):
            return ()
        return ("allow_private", "address") if obj is not None and obj.allow_private else ("allow_private",)

    def save_model(self, request: HttpRequest, obj: Server, form: forms.ModelForm[Any], change: bool) -> None:
        """Keep it, and look at it when that is certain: not within a transaction, which would hold up everybody else."""
        super().save_model(request, obj, form, change)
        transaction.on_commit(partial(pool.look, obj))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """None for many at a time."""
        return {}

    def has_delete_permission(self, request: HttpRequest, obj: Server | None = None) -> bool:
        """A server that was drained first."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.enabled)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its jobs and uploads go with it: they are worth nothing without their server."""
        rows, counts, needed, protected = super().get_deleted_objects(objs, request)
        return rows, counts, set(needed) - {"job on a server"}, protected

    # --- its page

    def get_urls(self) -> list[URLPattern]:
        """With the buttons of a server's page."""
        doings: dict[str, Callable[[HttpRequest, Server], HttpResponse | None]] = {
            "probe": self._probe,
            "drain": self._drain,
            "put-back": self._put_back,
            "free-memory": self._free_memory,
            "test-picture": self._test_picture,
        }
        ours = [
            path(f"<uuid:pk>/{name}/", self.admin_view_of(doing), name=f"comfy_server_{name.replace('-', '_')}")
            for name, doing in doings.items()
        ]
        return [*ours, *super().get_urls()]

    def admin_view_of(self, doing: Callable[[HttpRequest, Server], HttpResponse | None]) -> Callable[..., HttpResponse]:
        """A button as a view: for staff who may change servers, by POST, and back to the page."""

        def view(request: HttpRequest, pk: UUID) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            server = self.get_object(request, str(pk))
            if server is None:
                raise Http404("There is no such server.")
            if not self.has_change_permission(request, server):
                raise PermissionDenied
            answer = doing(request, server)
            return answer or HttpResponseRedirect(reverse("admin:comfy_server_change", args=[pk]))

        return self.admin_site.admin_view(view)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """With how the server is at this moment."""
        server = self.get_object(request, object_id)
        told = self._told(server) if server is not None and self.has_view_permission(request, server) else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **told})

    def _told(self, server: Server) -> dict[str, Any]:
        queue, trouble = None, ""
        try:
            queue = actions.queue_of(server)
        except ComfyError as error:
            trouble = advice.told(error)
        lacks = sorted((slug, nodes) for (slug, name), nodes in loras.lacking().items() if name == server.name and nodes)
        return {
            "server": server,
            "health": looks.health(server, db_now()),
            "memory": looks.memory(server),
            "seen": looks.moment(server.last_seen),
            "taken": getattr(server, "taken", 0),
            "queue": queue,
            "trouble": trouble,
            "files": sorted({FOLDERS[name]: files for name, files in server.files.items() if files}.items()),
            "lacks": lacks,
            "token": actions.has_token(server.pk),
        }

    def _probe(self, request: HttpRequest, server: Server) -> None:
        if pool.look(server):
            self._say(request, server, f"{server} answers: ComfyUI {server.version}, {len(server.classes)} kinds of nodes.", "Probed")
        else:
            server.refresh_from_db(fields=["last_error"])
            self.message_user(request, server.last_error, messages.ERROR)

    def _drain(self, request: HttpRequest, server: Server) -> None:
        if actions.drain(server):
            self._say(request, server, f"{server} gets no new pictures, and ends those it has.", "Drained")

    def _put_back(self, request: HttpRequest, server: Server) -> None:
        if actions.put_back(server):
            self._say(request, server, f"{server} paints again.", "Put back")
            pool.look(server)

    def _free_memory(self, request: HttpRequest, server: Server) -> None:
        try:
            actions.free_memory(server)
        except ComfyError as error:
            self.message_user(request, advice.told(error), messages.ERROR)
        else:
            self._say(request, server, f"{server} unloads its models when it has ended what it runs.", "Memory freed")

    def _test_picture(self, request: HttpRequest, server: Server) -> HttpResponse:
        told: dict[str, Any] = {"title": "Test picture", "opts": self.opts, "subject": server, "server": server, "again": "Once more"}
        try:
            trial = trying.smoke(server)
        except trying.TrialFailed as failed:
            told |= {"trouble": str(failed)}
        else:
            told |= {"trial": trial, "picture": looks.within_page(trial.picture)}
        return TemplateResponse(request, "admin/comfy/trial.html", {**self.admin_site.each_context(request), **told})

    def _say(self, request: HttpRequest, server: Server, sentence: str, logged: str) -> None:
        self.log_change(request, server, logged)
        self.message_user(request, sentence, messages.SUCCESS)
