"""The admin site: Django's own, with our name, the rooms in the order of an ad's life, and the pictures of the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, resolve, reverse

from staff.board import board
from staff.recorded import Recorded
from staff.views import stored_file

ROOMS = ("accounts", "templates_app", "generations", "prompting", "comfy", "keeping")
# Their pages show secrets of apps and keys, and keys of sessions; addresses are edited with their person.
HIDDEN = frozenset({"account", "mfa", "usersessions"})


class StaffSite(admin.AdminSite):
    """Where staff curate and look after things."""

    site_title = "AdsGem staff"
    site_header = "AdsGem staff"
    index_title = "Everything, from left to right"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The door of the pages: one count of wrong passwords, one second step. Who is in and is no staff is told so."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        if not request.GET.get("next") and not request.POST.get("next"):
            goal = request.GET.copy()
            goal["next"] = reverse(f"{self.name}:index")
            request.GET = goal  # type: ignore[assignment] # a copy that could be changed, which nobody does
        return resolve(reverse("sign-in")).func(request)  # type: ignore[no-any-return] # a view of ours

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Show these models, but for those of apps whose pages would show secrets."""
        models = [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else list(model_or_iterable)
        shown = [model for model in models if model._meta.app_label not in HIDDEN]
        page = admin_class or ModelAdmin
        super().register(shown, type(page.__name__, (Recorded, page), {"__doc__": page.__doc__, "__module__": page.__module__}), **options)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Ours first: Django's end in a catch-all."""
        return [
            path("board/", self.admin_view(board), name="board"),
            path("files/<str:sha256>/<str:size>", self.admin_view(stored_file, cacheable=True), name="stored_file"),
            *super().get_urls(),
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The rooms in the order of an ad's life, each room's rows in the order of its `admin.py`."""
        found = self._build_app_dict(request, app_label)
        order = {room: place for place, room in enumerate(ROOMS)}
        return sorted(found.values(), key=lambda app: (order.get(app["app_label"], len(ROOMS)), app["name"]))
