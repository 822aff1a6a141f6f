"""What staff curate: templates, categories, layouts, placements, fonts. An edit of data is a new version."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from comfy import fitness
from comfy.admin.looks import badge
from comfy.models import Server
from comfy.needs import NeedsRefused
from finishing.layout import LayoutSpec
from keeping.showing import NONE, LookOnlyRows, Page, PrettyJson, RowForm, Rows, picture, pretty
from keeping.versions import Version
from templates_app.actions import check_placement, check_template, publish_version
from templates_app.layout_preview import previews
from templates_app.models import (
    AdTemplate,
    AdTemplateVersion,
    Category,
    Font,
    Layout,
    LayoutVersion,
    Placement,
    PlacementVersion,
    TemplateLora,
    TemplatePreview,
)
from templates_app.queries import lacking_loras
from templates_app.rule_rows import RulesField


def staff(request: HttpRequest) -> User:
    """The member of staff at this page."""
    assert isinstance(request.user, User)
    return request.user


class VersionedForm(RowForm):
    """A head row together with what its current version says. Saving other data than before writes a new version."""

    data = PrettyJson(  # type: ignore[assignment]  # Django takes fields off the class: the form's own `data` stays
        rows=32, help_text="What ads are made by. A change is a new version; what was ordered before keeps the old one."
    )
    note = forms.CharField(required=False, max_length=200, help_text="What was changed and why, for the list of versions.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = getattr(self.instance, "current", None)
        if "data" in self.fields and current:
            self.fields["data"].initial = current.data
        if "layout" in self.fields and current:
            self.fields["layout"].initial = current.layout.layout_id

    def clean_data(self) -> Any:
        """Data that the makers can read: tried out before it is kept."""
        data = self.cleaned_data["data"]
        try:
            self.try_out(data)
        except KeyError as missing:
            raise forms.ValidationError(f"{missing} is missing.") from missing
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        except (TypeError, AttributeError) as error:
            raise forms.ValidationError(f"This cannot be used: {error}.") from error
        return data

    def try_out(self, data: Any) -> None:
        """Read the data as the makers will. Raises what they raise."""
        if not isinstance(data, dict):
            raise TypeError("the data must be an object")


class TemplateForm(VersionedForm):
    """A template. Its version names a layout, too."""

    layout = forms.ModelChoiceField(Layout.objects.exclude(current=None), help_text="Another layout is a new version, too.")

    class Meta:
        model = AdTemplate
        fields = ("title", "slug", "summary", "category", "needs_photo", "published", "position")

    def try_out(self, data: Any) -> None:
        """Its words, its style, and what each engine needs."""
        super().try_out(data)
        check_template(data)


class LayoutForm(VersionedForm):
    """A layout."""

    class Meta:
        model = Layout
        fields = ("title", "slug")

    def try_out(self, data: Any) -> None:
        """All its shapes."""
        super().try_out(data)
        LayoutVersion(layout=self.instance, data=data).spec()


class PlacementForm(VersionedForm):
    """A placement. Its rules stand in rows; they are part of its version."""

    rules = RulesField(
        required=False, help_text="What the network says beyond sizes. A value is true, false, a number, or a list in brackets."
    )

    class Meta:
        model = Placement
        fields = ("title", "slug", "platform", "kind", "position")

    def try_out(self, data: Any) -> None:
        """Its pixels and margins."""
        super().try_out(data)
        check_placement(data, self.cleaned_data.get("kind") or self.instance.kind)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "rules" in self.fields and self.instance.current:
            self.fields["rules"].initial = self.instance.current.rules

    def clean(self) -> dict[str, Any]:
        """Rules that were changed go into the version, over those in its data."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        rules, current = told.get("rules"), self.instance.current
        if rules is not None and "data" in told and rules != (current.rules if current else []):
            told["data"] = {**told["data"], "rules": rules}
        return told


class VersionRows(LookOnlyRows):
    """Every version so far, the newest first."""

    fields = ("number", "current", "note", "author", "created_at", "said", "back")
    show_change_link = False
    verbose_name_plural = "versions"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With their authors."""
        found: QuerySet[Any] = super().get_queryset(request)
        return found.select_related("author").order_by("-number")

    @admin.display(description="current", boolean=True)
    def current(self, version: Version) -> bool:
        """Whether new orders take this one."""
        head = getattr(version, self.fk_name or "")
        return bool(head.current_id == version.pk)

    @admin.display(description="data")
    def said(self, version: Version) -> SafeString:
        """What it said, folded away."""
        return format_html("<details><summary>{}…</summary>{}</details>", version.hash[:12], pretty(version.data))

    @admin.display(description="take again")
    def back(self, version: Version) -> SafeString:
        """A button that makes what an older version said the newest one."""
        head = getattr(version, self.fk_name or "")
        if head.current_id == version.pk:
            return NONE
        address = reverse(f"admin:templates_app_{head._meta.model_name}_back", args=[head.pk, version.number])
        return format_html('<button type="submit" formaction="{}" formnovalidate>Back to v{}</button>', address, version.number)


class VersionedPage(Page):
    """A page for a head row: data is edited in place, and kept as a new version."""

    form = VersionedForm

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Orders and ads point at versions for ever."""
        return False

    def get_urls(self) -> list[Any]:
        """With the way back to an older version."""
        name = f"templates_app_{self.opts.model_name}_back"
        return [path("<path:pk>/back/<int:number>/", self.admin_site.admin_view(self.go_back), name=name), *super().get_urls()]

    def go_back(self, request: HttpRequest, pk: str, number: int) -> HttpResponse:
        """Publish what an older version said once more, as a new version: the list of versions stays whole."""
        head = get_object_or_404(self.get_queryset(request), pk=pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request, head):
            raise PermissionDenied
        old = get_object_or_404(head.versions, number=number)
        layout = {"layout": old.layout} if isinstance(old, AdTemplateVersion) else {}
        try:
            version = publish_version(by=staff(request), head=head, data=old.data, note=f"Back to version {number}", **layout)
        except ValueError as error:
            self.message_user(request, f"Version {number} cannot be used any more: {error}", messages.ERROR)
        else:
            self.log_change(request, head, f"Back to version {number}.")
            self.message_user(request, f"Version {version.number} says what version {number} said.", messages.SUCCESS)
        return redirect(f"admin:templates_app_{self.opts.model_name}_change", head.pk)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> dict[str, Any]:
        """A new row gets its slug from its title."""
        return {} if obj else {"slug": ("title",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A slug is an address: it stays."""
        return (*super().get_readonly_fields(request, obj), *(("slug",) if obj else ()))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the current version."""
        found: QuerySet[Any] = super().get_queryset(request)
        return found.select_related("current")

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool) -> None:
        """Keep the head row, and a new version when the data changed."""
        super().save_model(request, obj, form, change)
        told = form.cleaned_data
        if "data" not in told or (obj.current and obj.current.data == told["data"] and "layout" not in form.changed_data):
            return
        layout = {"layout": told["layout"].current} if "layout" in told else {}
        version = publish_version(by=staff(request), head=obj, data=told["data"], note=told["note"], **layout)
        self.message_user(request, f"Version {version.number} is what new orders take from now on.", messages.SUCCESS)

    @admin.display(description="version", ordering="current__number")
    def current_number(self, head: Any) -> SafeString | str:
        """Which version new orders take."""
        return f"v{head.current.number}" if head.current else NONE


class TemplateVersionRows(VersionRows):
    """The versions of a template."""

    model = AdTemplateVersion
    fk_name = "template"


class LayoutVersionRows(VersionRows):
    """The versions of a layout."""

    model = LayoutVersion
    fk_name = "layout"


class PlacementVersionRows(VersionRows):
    """The versions of a placement."""

    model = PlacementVersion
    fk_name = "placement"


class TemplateLoraRows(Rows):
    """The LoRAs in a template's recipe."""

    model = TemplateLora
    extra = 0
    autocomplete_fields = ("lora",)


@admin.register(AdTemplate)
class Templates(VersionedPage):
    """The recipes that marketers choose from."""

    form = TemplateForm
    list_display = (
        "shown", "title", "category", "needs_photo", "published", "offered", "position", "layout_version", "current_number", "order_count",
    )  # fmt: skip
    list_display_links = ("title",)
    list_editable = ("published", "position")
    list_filter = ("published", "category", "needs_photo", "current__layout__layout")
    search_fields = ("title", "slug", "summary")
    readonly_fields = ("previews_shown", "layout_version", "on_servers", "created_at")
    inlines = (TemplateLoraRows, TemplateVersionRows)
    actions = ("publish", "unpublish", "take_newest_layout")
    fieldsets = (
        (None, {"fields": ("title", "slug", "summary", "category", "needs_photo", "published", "position", "previews_shown")}),
        ("Recipe", {"fields": (("layout", "layout_version"), "data", "note")}),
        ("ComfyUI", {"fields": ("on_servers",)}),
        ("When", {"fields": ("created_at",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AdTemplate]:
        """With previews and the number of orders, for the price of two queries."""
        previews = Prefetch("previews", TemplatePreview.objects.order_by("id"))
        found: QuerySet[AdTemplate] = super().get_queryset(request)
        found = found.select_related("category", "current__layout__layout").prefetch_related(previews)
        return found.annotate(orders=Count("versions__generations", distinct=True))

    @admin.display(description="preview")
    def shown(self, template: AdTemplate) -> SafeString:
        """The first preview, small."""
        first = next(iter(template.previews.all()), None)
        return picture(first.file_id, alt=first.alt) if first else NONE

    @admin.display(description="previews")
    def previews_shown(self, template: AdTemplate) -> SafeString:
        """All previews."""
        shots = ((picture(preview.file_id, alt=preview.alt), preview.shape) for preview in template.previews.all())
        drawn = format_html_join("", "<figure>{}<figcaption>{}</figcaption></figure>", shots)
        return format_html('<div class="shots">{}</div>', drawn) if drawn else NONE

    def get_list_display(self, request: HttpRequest) -> Any:
        """With whether each is offered, for the price of reading servers and LoRAs once."""

        @cache
        def lacking() -> dict[int, set[str]]:
            return lacking_loras()

        @admin.display(description="offered")
        def offered(template: AdTemplate) -> SafeString:
            if not template.published or not template.current:
                return badge("", "no")
            missing = sorted(lacking().get(template.pk, ()))
            return badge("fail", f"no: no server has the LoRA {', '.join(missing)}") if missing else badge("pass", "yes")

        return [offered if name == "offered" else name for name in self.list_display]

    @admin.display(description="offered")
    def offered(self, template: AdTemplate) -> bool:
        """Whether marketers see it, for one template alone."""
        return bool(template.published and template.current and template.pk not in lacking_loras())

    @admin.display(description="on the servers")
    def on_servers(self, template: AdTemplate) -> SafeString:
        """Which ComfyUI servers could paint it, and what the others lack, by what was last seen of each."""
        needs = template.current.needs("comfyui") if template.current else {}
        if not needs:
            return NONE
        try:
            found = fitness.fits(needs, Server.objects.filter(enabled=True, last_seen__gt=0).defer("token"))
        except NeedsRefused as error:
            return format_html("{} Its settings for ComfyUI are wrong: {}.", badge("fail", "nowhere"), error)
        rows = (
            (
                badge("fail", "cannot") if fit.lacks else badge("pass", "can"),
                fit.workflow,
                fit.server.name,
                f" {fit.lacks}" if fit.lacks else "",
            )
            for fit in found
        )
        drawn = format_html_join("", "<li>{} {}: {}{}</li>", rows)
        return format_html('<ul class="where">{}</ul>', drawn) if drawn else NONE

    @admin.display(description="laid out by")
    def layout_version(self, template: AdTemplate) -> SafeString | str:
        """The version of its layout that it is set by."""
        return str(template.current.layout) if template.current else NONE

    @admin.display(description="orders", ordering="orders")
    def order_count(self, template: AdTemplate) -> int:
        """How often it was ordered."""
        return int(getattr(template, "orders", 0))

    @admin.action(description="Publish the selected templates", permissions=["change"])
    def publish(self, request: HttpRequest, chosen: QuerySet[AdTemplate]) -> None:
        """Show them in the gallery; those without a version cannot be shown."""
        number = chosen.exclude(current=None).order_by().update(published=True)
        self.message_user(request, f"Published: {number}.", messages.SUCCESS)

    @admin.action(description="Take the selected templates out of the gallery", permissions=["change"])
    def unpublish(self, request: HttpRequest, chosen: QuerySet[AdTemplate]) -> None:
        """Hide them; orders that were made stay as they are."""
        self.message_user(request, f"Taken out: {chosen.order_by().update(published=False)}.", messages.SUCCESS)

    @admin.action(description="Set the selected templates by the newest version of their layout", permissions=["change"])
    def take_newest_layout(self, request: HttpRequest, chosen: QuerySet[AdTemplate]) -> None:
        """After a layout was edited: a new version of each template that still has the one before."""
        number = 0
        for template in chosen.select_related("current__layout__layout__current"):
            if (old := template.current) and (newest := old.layout.layout.current) and newest != old.layout:
                publish_version(by=staff(request), head=template, data=old.data, note=f"Set by {newest}", layout=newest)
                number += 1
        self.message_user(request, f"Set by a newer layout: {number}.", messages.SUCCESS)


@admin.register(Category)
class Categories(Page):
    """The shelves of the gallery."""

    list_display = ("title", "slug", "position", "template_count")
    list_editable = ("position",)
    search_fields = ("title", "slug")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("title",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        """With the number of templates."""
        found: QuerySet[Category] = super().get_queryset(request)
        return found.annotate(template_number=Count("templates"))

    @admin.display(description="templates", ordering="template_number")
    def template_count(self, category: Category) -> int:
        """How many stand on it."""
        return int(getattr(category, "template_number", 0))


@admin.register(Layout)
class Layouts(VersionedPage):
    """Where the words go."""

    form = LayoutForm
    list_display = ("title", "slug", "current_number")
    search_fields = ("title", "slug")
    inlines = (LayoutVersionRows,)
    fields = ("title", "slug", "data", "note")

    def get_urls(self) -> list[Any]:
        """With the preview."""
        view = self.admin_site.admin_view(self.preview)
        return [path("<path:pk>/preview/", view, name="templates_app_layout_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest, pk: str) -> HttpResponse:
        """What is typed in the form, as ads of sample words; nothing is kept."""
        layout = get_object_or_404(Layout, pk=pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request, layout):
            raise PermissionDenied
        shown: dict[str, Any] = {**self.admin_site.each_context(request), "layout": layout, "title": f"Preview of {layout}"}
        try:
            shown["previews"] = previews(LayoutSpec.from_data(json.loads(request.POST.get("data", ""))))
        except json.JSONDecodeError as error:
            shown["error"] = f"This is not JSON: {error}."
        except ValueError as error:
            shown["error"] = str(error)
        return TemplateResponse(request, "admin/templates_app/layout/preview.html", shown)


class EvidenceFilter(admin.SimpleListFilter):
    """How well a placement's numbers are known."""

    title = "evidence"
    parameter_name = "evidence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The kinds of evidence that there are."""
        found = Placement.objects.order_by("current__data__evidence").values_list("current__data__evidence", flat=True).distinct()
        return [(kind, str(kind).replace("_", " ").capitalize()) for kind in found if kind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Only those of the chosen kind."""
        return queryset.filter(current__data__evidence=self.value()) if self.value() else queryset


@admin.register(Placement)
class Placements(VersionedPage):
    """The places where ads run."""

    form = PlacementForm
    list_display = ("title", "slug", "platform", "size", "shape", "limit", "file_types", "rule_names", "read", "evidence", "current_number")
    list_filter = ("platform", "kind", EvidenceFilter)
    search_fields = ("title", "slug", "platform")
    list_per_page = 120
    inlines = (PlacementVersionRows,)
    fields = ("title", "slug", "platform", "kind", "position", "rules", "data", "note")

    @admin.display(description="pixels", ordering="current__data__width")
    def size(self, placement: Placement) -> str:
        """Width by height, and what is delivered where that differs."""
        if not (version := placement.current) or not version.data.get("width"):
            return "none"
        delivered = version.data.get("deliver_width"), version.data.get("deliver_height")
        size = f"{version.width}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{version.height}"
        return f"{size}, file {delivered[0]}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{delivered[1]}" if all(delivered) else size

    @admin.display(description="shape")
    def shape(self, placement: Placement) -> str:
        """The shape whose picture it takes."""
        if not (version := placement.current) or not version.data.get("width"):
            return "none"
        return f"{version.shape.id}, banner" if version.is_banner else version.shape.id

    @admin.display(description="at most")
    def limit(self, placement: Placement) -> SafeString | str:
        """The largest file."""
        most = placement.current.data.get("max_bytes") if placement.current else None
        return filesizeformat(most) if most else NONE

    @admin.display(description="files")
    def file_types(self, placement: Placement) -> str:
        """What the network takes."""
        return ", ".join(placement.current.data.get("file_types") or ()) if placement.current else ""

    @admin.display(description="rules")
    def rule_names(self, placement: Placement) -> str:
        """What the network says beyond sizes."""
        return ", ".join(row["rule"] for row in self._version(placement).rules) if placement.current else ""

    @admin.display(description="read")
    def read(self, placement: Placement) -> str:
        """When its numbers were read."""
        return self._version(placement).read if placement.current else ""

    def _version(self, placement: Placement) -> PlacementVersion:
        version = placement.current
        assert version is not None
        version.placement = placement  # the same row: saves a query a line
        return version

    @admin.display(description="evidence", ordering="current__data__evidence")
    def evidence(self, placement: Placement) -> str:
        """How well its numbers are known."""
        return str((placement.current.data.get("evidence") if placement.current else "") or "").replace("_", " ")


@admin.register(Font)
class Fonts(Page):
    """The typefaces that ads may be set in."""

    list_display = ("family", "weight", "slug", "script_list", "licence")
    list_filter = ("licence", "weight")
    search_fields = ("family", "slug")

    @admin.display(description="scripts")
    def script_list(self, font: Font) -> str:
        """Which letters it has."""
        return ", ".join(font.scripts)
