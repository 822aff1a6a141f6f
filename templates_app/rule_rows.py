"""A placement's rules as rows of a table in admin: which, how much, who says so, read when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from finishing.policy import KINDS, read_rules

COLUMNS = ("rule", "value", "source", "read")
EMPTY = 2  # rows for new rules


class RuleTable(forms.Widget):
    """The table. A row whose rule is left empty is no rule."""

    def value_from_datadict(self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str) -> list[dict[str, str]] | None:
        """The rows as they were typed; None when the table was not sent."""
        if not isinstance(data, MultiValueDict) or f"{name}-rule" not in data:
            return None
        columns = [data.getlist(f"{name}-{column}") for column in COLUMNS]
        return [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=False)]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str) -> bool:
        """Whether the table was not sent at all."""
        return f"{name}-rule" not in data

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """A line for each rule, and some for new ones."""
        rows = [*(value or ()), *({} for _ in range(EMPTY))]
        lines = format_html_join("", "<tr>{}{}{}{}</tr>", (self._cells(name, row) for row in rows))
        head = format_html_join("", '<th scope="col">{}</th>', ((title,) for title in ("Rule", "Value", "Who says so", "Read on")))
        return format_html('<table class="rules"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, lines)

    def _cells(self, name: str, row: Mapping[str, Any]) -> list[SafeString]:
        chosen = row.get("rule", "")
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (kind, " selected" if kind == chosen else "", f"{kind}: {KINDS[kind].title.lower()}" if kind else "none")
                for kind in ("", *KINDS)
            ),
        )
        value = row.get("value", "")
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        told = (("value", shown, 14), ("source", row.get("source", ""), 60), ("read", row.get("read", ""), 10))
        select = format_html('<td><select name="{}-rule" aria-label="Rule">{}</select></td>', name, options)
        cells = (
            format_html('<td><input name="{}-{}" value="{}" size="{}" aria-label="{}"></td>', name, column, text, size, column)
            for column, text, size in told
        )
        return [select, *cells]


class RulesField(forms.Field):
    """Rules as rows; clean gives them as JSON for a version, None when the table was not sent."""

    widget = RuleTable

    def clean(self, value: Any) -> list[dict[str, Any]] | None:
        """Values are read as JSON (true, 10, ["swipe up"]), else as text. Raises ValidationError with the rule's own sentence."""
        if value is None:
            return None
        rows = [{**row, "value": _read(row["value"])} for row in value if row["rule"]]
        try:
            read_rules(rows)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return rows


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
