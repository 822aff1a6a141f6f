"""Workflows in admin: uploaded as JSON, bound to what an order fills, tried out on a server, and taken back."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from comfy import actions, loras, trying
from comfy.admin import looks
from comfy.binding import PARAMETERS, audit
from comfy.graphs import CHARACTERS_AT_MOST, FILE_INPUTS, GraphRefused, is_link
from comfy.models import Server, Workflow, WorkflowVersion
from comfy.proposing import propose
from keeping.showing import NONE, Page, PrettyJson, RowForm

PROPOSED = "These bindings were read off the workflow. Compare them with the table below, and save once more if they are right."
LONGEST_VALUE = 60  # characters in a table


class WorkflowForm(RowForm):
    """A graph and its bindings. Without bindings, what the graph suggests is shown for a person to confirm."""

    file = forms.FileField(
        required=False, help_text="The JSON file that ComfyUI's Workflow, Export (API) gives. It replaces the text below."
    )
    graph = PrettyJson(required=False, rows=14)
    bindings = PrettyJson(required=False, rows=14, help_text="Which inputs an order fills. Leave it empty to have them proposed.")
    note = forms.CharField(required=False, max_length=200, help_text="What was changed and why, for the list of versions.")

    class Meta:
        model = Workflow
        fields = ("title", "slug")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if current := self.instance.current:
            for name in ("graph", "bindings"):
                if name in self.fields:
                    self.fields[name].initial = current.data[name]

    def clean_file(self) -> Any:
        """The graph in the file."""
        file = self.cleaned_data["file"]
        if not file:
            return None
        if file.size > 4 * CHARACTERS_AT_MOST:
            raise forms.ValidationError(f"This file is too large. A workflow has at most {CHARACTERS_AT_MOST:,} characters.")
        try:
            return json.loads(file.read())
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError("This is no JSON file. Upload what ComfyUI's Workflow, Export (API) gives.") from error

    def clean(self) -> dict[str, Any]:
        """Hold graph and bindings to all rules; without bindings, propose some and ask."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        if {"file", "graph", "bindings"} & set(self.errors):
            return told
        custom = actions.allowed_custom_nodes()
        if told.get("file") is not None:
            # A browser sends a file once: from here on it stands in the text.
            told["graph"] = told["file"]
            self._show("graph", told["graph"])
            if self.instance.current and told["bindings"] == self.instance.current.bindings and not _fits(told, custom):
                told["bindings"] = None  # they were another graph's
        try:
            if told["bindings"]:
                audit(told["graph"], told["bindings"], custom_nodes=custom)
                return told
            self._show("bindings", propose(told["graph"], custom_nodes=custom))
        except GraphRefused as refused:
            self.add_error("bindings" if told["bindings"] else "graph", list(refused.problems))
            return told
        self.add_error("bindings", PROPOSED)
        return told

    def _show(self, name: str, value: Any) -> None:
        """Put something into a field of the form that comes back."""
        self.data = {**dict(self.data.items()), self.add_prefix(name): json.dumps(value, indent=2, ensure_ascii=False)}

    def nodes(self) -> list[dict[str, Any]]:
        """What stands in the form, node by node, for a table: class, title, and each input with its value and what is bound to it."""
        graph, bindings = (_read(self[name].value()) for name in ("graph", "bindings")) if "graph" in self.fields else _of(self.instance)
        if not isinstance(graph, Mapping) or not all(_is_node(told) for told in graph.values()):
            return []
        bound = _by_input(bindings)
        output = bindings.get("output") if isinstance(bindings, Mapping) else None
        return [
            {
                "id": node,
                "kind": told["class_type"],
                "title": str(title.get("title", "")) if isinstance(title := told.get("_meta"), Mapping) else "",
                "output": isinstance(output, Mapping) and output.get("node") == node,
                "inputs": [
                    {"name": name, "link": value[0] if is_link(value) else "", "value": _short(value), "bound": bound.get((node, name), [])}
                    for name, value in told["inputs"].items()
                ],
            }
            for node, told in graph.items()
        ]


def _fits(told: Mapping[str, Any], custom_nodes: Collection[str]) -> bool:
    try:
        audit(told["graph"], told["bindings"], custom_nodes=custom_nodes)
    except GraphRefused:
        return False
    return True


def _is_node(told: object) -> bool:
    return isinstance(told, Mapping) and isinstance(told.get("inputs"), Mapping) and isinstance(told.get("class_type"), str)


def _read(value: object) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None


def _of(workflow: Workflow) -> tuple[Any, Any]:
    return (workflow.current.graph, workflow.current.bindings) if workflow.current else (None, None)


def _by_input(bindings: object) -> dict[tuple[str, str], list[str]]:
    """The parameters that are bound to each input, of whatever a person may have typed."""
    found: dict[tuple[str, str], list[str]] = {}
    bind = bindings.get("bind") if isinstance(bindings, Mapping) else None
    for name, targets in bind.items() if isinstance(bind, Mapping) else ():
        for target in targets if isinstance(targets, list) else ():
            if isinstance(target, Mapping):
                found.setdefault((str(target.get("node")), str(target.get("input"))), []).append(str(name))
    return found


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


class TryForm(forms.Form):
    """On which server a workflow is tried out, and with what."""

    server = forms.ModelChoiceField(Server.objects.defer("token"), empty_label=None)
    prompt = forms.CharField(max_length=1000, initial=trying.WORDS, widget=forms.Textarea(attrs={"rows": 3, "cols": 70}))

    def __init__(self, data: Any, version: WorkflowVersion) -> None:
        super().__init__(data)
        self.version = version
        bound, families = version.bindings["bind"], list(version.bindings.get("defaults") or {})
        if not bound.get("prompt"):
            del self.fields["prompt"]
        if families:
            self.fields["family"] = forms.ChoiceField(choices=[(one, one) for one in families], help_text="Whose size and steps are taken.")
        there = list(Server.objects.values_list("files", flat=True))
        for name, targets in bound.items():
            files = {
                field: version.graph[one["node"]]["inputs"][field] for one in targets if (field := one.get("input", "")) in FILE_INPUTS
            }
            for field, own in list(files.items())[:1]:
                names = sorted({own, *(file for server in there for file in server.get(field, ()))})
                self.fields[name] = forms.ChoiceField(choices=[(file, file) for file in names], initial=own)

    def values(self) -> dict[str, Any]:
        """What an order would fill."""
        return {name: value for name, value in self.cleaned_data.items() if name in PARAMETERS}


@admin.register(Workflow)
class Workflows(Page):
    """The graphs that templates name."""

    form = WorkflowForm
    list_display = ("title", "slug", "kind", "node_count", "version_shown", "from_whom", "runs_on")
    search_fields = ("title", "slug")
    fieldsets = ((None, {"fields": ("title", "slug")}), ("Workflow", {"fields": ("file", "graph", "bindings", "note")}))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        """With the current version."""
        found: QuerySet[Workflow] = super().get_queryset(request)
        return found.select_related("current")

    def get_list_display(self, request: HttpRequest) -> Any:
        """With the servers that can run each, for the price of reading servers and workflows once."""

        @cache
        def lacking() -> dict[tuple[str, str], list[str]]:
            return loras.lacking()

        @admin.display(description="nodes on the servers")
        def runs_on(workflow: Workflow) -> SafeString:
            rows = [(name, nodes) for (slug, name), nodes in lacking().items() if slug == workflow.slug]
            drawn = format_html_join(
                "",
                "<li>{} {}</li>",
                ((looks.badge("fail", "lacks nodes") if nodes else looks.badge("pass", "all"), name) for name, nodes in rows),
            )
            return format_html('<ul class="where">{}</ul>', drawn) if rows else NONE

        return [runs_on if name == "runs_on" else name for name in self.list_display]

    def runs_on(self, workflow: Workflow) -> SafeString:
        """The servers that have all its nodes, for one workflow alone."""
        return format_html_join(
            ", ", "{}", ((name,) for (slug, name), nodes in loras.lacking().items() if slug == workflow.slug and not nodes)
        )

    @admin.display(description="kind")
    def kind(self, workflow: Workflow) -> str | SafeString:
        """What it does."""
        return str(workflow.current.bindings["kind"]) if workflow.current else NONE

    @admin.display(description="nodes")
    def node_count(self, workflow: Workflow) -> int:
        """How many there are."""
        return len(workflow.current.graph) if workflow.current else 0

    @admin.display(description="version", ordering="current__number")
    def version_shown(self, workflow: Workflow) -> str | SafeString:
        """Which one new orders take."""
        return f"v{workflow.current.number}" if workflow.current else NONE

    @admin.display(description="from")
    def from_whom(self, workflow: Workflow) -> SafeString:
        """Whether it is as it came with AdsGem."""
        if not workflow.starter_hash:
            return looks.badge("", "staff")
        ours = workflow.current is not None and workflow.current.hash == workflow.starter_hash
        return looks.badge("pass", "starter") if ours else looks.badge("warn", "starter, edited")

    def get_prepopulated_fields(self, request: HttpRequest, obj: Workflow | None = None) -> dict[str, Any]:
        """A new row gets its slug from its title."""
        return {} if obj else {"slug": ("title",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Workflow | None = None) -> Any:
        """Templates name it by its slug: that stays."""
        return ("slug",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Workflow | None = None) -> bool:
        """Orders point at its versions, and templates name it."""
        return False

    def save_model(self, request: HttpRequest, obj: Workflow, form: forms.ModelForm[Any], change: bool) -> None:
        """Keep it as a new version, when it says something new."""
        told = form.cleaned_data
        before = obj.current_id
        saved = actions.save_workflow(
            slug=obj.slug, title=obj.title, graph=told["graph"], bindings=told["bindings"], by=request.user, note=told["note"]
        )
        obj.pk, obj.current, obj._state.adding = saved.pk, saved.current, False
        if saved.current and saved.current.pk != before:
            self.message_user(request, f"Version {saved.current.number} is what new orders take from now on.", messages.SUCCESS)

    def get_urls(self) -> list[URLPattern]:
        """With the way back to a version, and the test run."""
        ours = [
            path("<int:pk>/back-to/<int:number>/", self.admin_site.admin_view(self.roll_back), name="comfy_workflow_roll_back"),
            path("<int:pk>/try/", self.admin_site.admin_view(self.try_out), name="comfy_workflow_try"),
        ]
        return [*ours, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """With its versions."""
        versions = WorkflowVersion.objects.filter(workflow_id=object_id).select_related("author") if object_id.isdecimal() else ()
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "versions": versions})

    def roll_back(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """Let it say again what an earlier version said."""
        workflow = self._changeable(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            saved = actions.roll_back(by=request.user, workflow=workflow, number=number)
        except WorkflowVersion.DoesNotExist as error:
            raise Http404("There is no such version.") from error
        except GraphRefused as refused:
            self.message_user(request, f"Version {number} may not be used any more. {refused}", messages.ERROR)
        else:
            assert saved.current is not None
            self.log_change(request, saved, f"Back to version {number}")
            self.message_user(request, f"Version {saved.current.number} says what version {number} said.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:comfy_workflow_change", args=[pk]))

    def try_out(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Run it on a chosen server, and show the picture."""
        workflow = self._changeable(request, pk)
        if workflow.current is None:
            raise Http404("This workflow has no version yet.")
        form = TryForm(request.POST if request.method == "POST" else None, workflow.current)
        told: dict[str, Any] = {"title": "Test run", "opts": self.opts, "subject": workflow, "form": form}
        if form.is_valid():
            server = form.cleaned_data["server"]
            family = form.cleaned_data.get("family", "")
            told["server"] = server
            try:
                trial = trying.run(server, workflow.current.graph, workflow.current.bindings, family=family, values=form.values())
            except trying.TrialFailed as failed:
                told["trouble"] = str(failed)
            else:
                told |= {"trial": trial, "picture": looks.within_page(trial.picture)}
        return TemplateResponse(request, "admin/comfy/trial.html", {**self.admin_site.each_context(request), **told})

    def _changeable(self, request: HttpRequest, pk: int) -> Workflow:
        workflow: Workflow | None = self.get_object(request, str(pk))
        if workflow is None:
            raise Http404("There is no such workflow.")
        if not self.has_change_permission(request, workflow):
            raise PermissionDenied
        return workflow
