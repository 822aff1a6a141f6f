"""What staff look after here: the instructions, the rules, prices, and what was learned of servers and answered by them."""

from __future__ import annotations

import difflib
import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from keeping.showing import NONE, LookOnly, LookOnlyRows, Page, RowForm, pretty
from prompting import asking, rests, samples
from prompting.actions import publish, text_in_force, write_version
from prompting.instructions import check, instruction, told
from prompting.models import Instruction, InstructionVersion, LanguageServer, Rule, SavedAnswer, TokenPrice
from prompting.prices import prices_of
from prompting.writer import WriterError
from prompting.writers import connected

THE_FILE = "the text file that comes with AdsGem"


class InstructionForm(RowForm):
    """Which version holds, and a text from which a new one is made."""

    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 36, "cols": 110, "spellcheck": "false"}),
        strip=False,
        help_text="What is in force. Change it and save: that is a new version, which holds once you choose it above.",
    )
    note = forms.CharField(required=False, max_length=200, help_text="What you changed and why. Needed for a new version.")
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Instruction
        fields = ("current",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "current" in self.fields:
            choice = self.fields["current"]
            assert isinstance(choice, forms.ModelChoiceField)
            choice.queryset, choice.empty_label = self.instance.versions.all(), THE_FILE
            self.fields["text"].initial = text_in_force(self.instance)
            self.fields["seen"].initial = self.instance.current_id

    def clean(self) -> dict[str, Any]:
        """A text that can be used, with a note."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        text = given.get("text", "").replace("\r\n", "\n").strip() + "\n"
        given["new"] = text if text != text_in_force(self.instance) else ""
        if given["new"]:
            try:
                check(self.instance.slug, given["new"])
            except ValueError as error:
                self.add_error("text", str(error))
            if not given.get("note", "").strip():
                self.add_error("note", "Say what you changed and why.")
        return given

    def _post_clean(self) -> None:
        """The row stays as it is read: it is moved by `publish` alone."""


class VersionRows(LookOnlyRows):
    """Every wording so far, the newest first, with what it changed."""

    model = InstructionVersion
    fk_name = "instruction"
    fields = ("number", "holds", "note", "author", "created_at", "changes", "preview")
    verbose_name_plural = "versions"
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With their authors."""
        found: QuerySet[Any] = super().get_queryset(request)
        return found.select_related("author", "instruction").order_by("-number")

    @admin.display(description="in force", boolean=True)
    def holds(self, version: InstructionVersion) -> bool:
        """Whether the writer is told this one."""
        return version.instruction.current_id == version.pk

    @admin.display(description="changes to the one before")
    def changes(self, version: InstructionVersion) -> SafeString:
        """What differs, line by line, folded away."""
        return format_html("<details><summary>{}…</summary><pre>{}</pre></details>", version.hash[:12], difference(version))

    @admin.display(description="preview")
    def preview(self, version: InstructionVersion) -> SafeString:
        """What would be sent for three sample briefs."""
        return format_html('<a href="{}">Three samples</a>', reverse("admin:prompting_instruction_preview", args=[version.pk]))


def difference(version: InstructionVersion) -> str:
    """How a version differs from the one before; the first one, from the text file."""
    before = InstructionVersion.objects.filter(instruction=version.instruction_id, number__lt=version.number).first()
    earlier = before.text if before else instruction(version.instruction.slug).text
    names = (f"v{before.number}" if before else "the file", f"v{version.number}")
    return "\n".join(difflib.unified_diff(earlier.splitlines(), version.text.splitlines(), *names, lineterm="", n=1)) or "nothing"


@admin.register(Instruction)
class Instructions(Page):
    """The master instructions."""

    form = InstructionForm
    list_display = ("title", "slug", "holds")
    list_select_related = ("current",)
    fields = ("current", "text", "note", "seen")
    inlines = (VersionRows,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one for each job that the code has."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Plans name the version that they were written by."""
        return False

    @admin.display(description="in force")
    def holds(self, head: Instruction) -> str:
        """Which version."""
        return f"v{head.current.number}: {head.current.note}" if head.current else THE_FILE

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool) -> None:
        """A new version for a new text; another choice is published."""
        given = form.cleaned_data
        if given["new"]:
            version = write_version(by=request.user, head=obj, text=given["new"], note=given["note"])
            link = reverse("admin:prompting_instruction_preview", args=[version.pk])
            said = 'Version {} is kept, and not in force yet. <a href="{}">See what it makes of three samples</a>, then choose it.'
            self.message_user(request, format_html(said, version.number, link), messages.SUCCESS)
        wanted, seen = given["current"], given["seen"]
        if (wanted.pk if wanted else None) == seen:
            return
        if publish(head=obj, version=wanted, instead_of=seen):
            self.message_user(request, f"From now on the writer is told {wanted or THE_FILE}.", messages.SUCCESS)
        else:
            self.message_user(request, "Somebody else published another version meanwhile. Look at it, then choose again.", messages.ERROR)

    def get_urls(self) -> list[URLPattern]:
        """With the preview of a version."""
        preview = path("preview/<int:version_id>/", self.admin_site.admin_view(self.preview), name="prompting_instruction_preview")
        return [preview, *super().get_urls()]

    def preview(self, request: HttpRequest, version_id: int) -> HttpResponse:
        """What would be sent for three sample briefs; on demand, what the model answers."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        version = InstructionVersion.objects.select_related("instruction").filter(pk=version_id).first()
        if version is None:
            raise Http404
        wording = told(version.instruction.slug, version.text, version.pk)
        asked = [samples.question(wording, brief) for brief in samples.BRIEFS]
        can_try = connected() and not asked[0].needs_photo
        rows = []
        for brief, question in zip(samples.BRIEFS, asked, strict=True):
            sent = "\n\n".join(f"[{each['role']}]\n{each['content']}" for each in asking.messages(question, schema_in_words=True))
            rows.append({"brief": brief, "sent": sent, "answer": _answer(question) if can_try and request.method == "POST" else ""})
        context = {
            **self.admin_site.each_context(request),
            "title": f"{version}: {version.note}",
            "version": version,
            "opts": self.opts,
            "rows": rows,
            "connected": connected(),
            "can_try": can_try,
            "difference": difference(version),
        }
        return TemplateResponse(request, "admin/prompting/instruction/preview.html", context)


def _answer(question: asking.Question) -> str:
    """What the model makes of a sample, or why not."""
    try:
        return json.dumps(asking.ask(question).fields, indent=2, ensure_ascii=False)
    except WriterError as error:
        return f"{error} ({error.code})"


@admin.register(Rule)
class Rules(Page):
    """The words that refuse an order, flag people, or are claims."""

    list_display = ("words", "effect", "reason", "enabled")
    list_filter = ("effect", "enabled")
    list_editable = ("enabled",)
    search_fields = ("words", "reason")


@admin.register(TokenPrice)
class TokenPrices(Page):
    """What tokens cost."""

    list_display = ("model", "prompt", "cached", "pictures", "completion", "source", "as_of")
    search_fields = ("model",)


@admin.register(LanguageServer)
class LanguageServers(LookOnly):
    """What was learned about servers, and whether they are left in peace. Deleting a row makes the writer find out again."""

    list_display = ("model", "address", "structured", "token_limit", "vision", "moderation", "priced", "resting")
    fields = (*list_display, "failures", "reason", "learned_at")
    actions = ("ask_again",)

    @admin.action(description="Ask them again now", permissions=["ask"])
    def ask_again(self, request: HttpRequest, chosen: QuerySet[LanguageServer]) -> None:
        """End their rest: whatever waits for them goes on."""
        for server in chosen:
            rests.worked(server)
        messages.success(request, "They are asked again from now on.")

    def has_ask_permission(self, request: HttpRequest) -> bool:
        """Whoever could change servers, if anybody changed rows that the machine writes."""
        return bool(request.user.has_perm("prompting.change_languageserver"))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """As other rows: by permission."""
        return bool(Page.has_delete_permission(self, request, obj))

    def get_queryset(self, request: HttpRequest) -> QuerySet[LanguageServer]:
        """With whether there is a price for the model."""
        found: QuerySet[LanguageServer] = super().get_queryset(request)
        return found.annotate(has_price=Exists(prices_of(OuterRef("model"))))

    @admin.display(description="has a price", boolean=True)
    def priced(self, server: LanguageServer) -> bool:
        """Without one its answers are counted as free."""
        return bool(getattr(server, "has_price", False))

    @admin.display(description="left in peace because")
    def resting(self, server: LanguageServer) -> str | SafeString:
        """Why it is not asked at the moment."""
        return server.reason if server.rest_until else NONE


@admin.register(SavedAnswer)
class SavedAnswers(LookOnly):
    """What models answered, and what it cost."""

    list_display = ("job", "model", "instruction", "calls", "tokens", "micro_usd", "seconds", "created_at")
    list_filter = ("job", "model")
    list_select_related = ("instruction__instruction",)
    date_hierarchy = "created_at"
    fields = ("job", "model", "instruction", "calls", "tokens", "micro_usd", "seconds", "created_at", "said")

    @admin.display(description="answer")
    def said(self, saved: SavedAnswer) -> SafeString:
        """Its fields."""
        return pretty(saved.answer)
