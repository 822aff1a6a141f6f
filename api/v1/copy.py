"""Words on their own, before or after an order: ideas for a brief along named angles, translations, and other lengths."""

from __future__ import annotations

import math
import re
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Brand
from api.base import JsonBody
from api.brands import own_brand
from api.errors import problem
from api.permissions import Creates, Everyone, caller, require_editor
from api.v1.orders import BriefField
from generations.spending import BrandPurse
from generations.voice import in_the_voice_of
from prompting import moderation
from prompting.brief import LIMITS, Brief, clean
from prompting.languages import right_to_left
from prompting.writer import ANGLES, COPY_LIMITS, Made, WriterError, WriterUnavailable
from prompting.writers import writer

TEXTS_AT_MOST, LONGEST, SHORTEST_LIMIT = 20, 3000, 3  # texts at once; characters of one, as the longest caption; of a limit
BRAND_HELP = "The brand's id or slug. Left out: the caller's first."


class CopyLimitsIn(serializers.Serializer[Any]):
    """At most so many characters of each text."""

    headline = serializers.IntegerField(min_value=5, max_value=LIMITS["headline"], required=False)
    subline = serializers.IntegerField(min_value=5, max_value=LIMITS["subline"], required=False)
    cta = serializers.IntegerField(min_value=5, max_value=LIMITS["cta"], required=False)
    badge = serializers.IntegerField(min_value=3, max_value=LIMITS["badge"], required=False)


class CopyIn(serializers.Serializer[Any]):
    """A brief, for a brand (its id or slug; the caller's first when left out). All angles and usual limits when they are left out."""

    brief = BriefField()
    brand = serializers.CharField(required=False, max_length=80)
    angles = serializers.ListField(child=serializers.ChoiceField(choices=ANGLES), required=False, default=list, max_length=len(ANGLES))
    limits = CopyLimitsIn(required=False, default=dict)


class LanguageField(serializers.RegexField):
    """A language's tag, such as de-AT."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$", max_length=LIMITS["language"], **kwargs)


class TextField(serializers.CharField):
    """A text, without characters that nobody sees."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Raises ValidationError for what is empty when nothing unseen is left in it."""
        text: str = clean(super().to_internal_value(data))
        if not text and not self.allow_blank:
            self.fail("blank")
        return text


class TranslateIn(serializers.Serializer[Any]):
    """Texts by names of your own, such as headline; `limits`: at most so many characters of those that have one."""

    texts = serializers.DictField(child=TextField(allow_blank=True), allow_empty=False, help_text=f"At most {TEXTS_AT_MOST}.")
    language = LanguageField(help_text="Into which language, as a tag: de, pt-BR.")
    limits = serializers.DictField(
        child=serializers.IntegerField(min_value=SHORTEST_LIMIT, max_value=LONGEST), required=False, default=dict
    )
    brand = serializers.CharField(required=False, max_length=80, help_text=BRAND_HELP)

    def validate_texts(self, texts: dict[str, str]) -> dict[str, str]:
        """Few enough, by plain names, and something to say in them."""
        if len(texts) > TEXTS_AT_MOST:
            raise serializers.ValidationError(f"{len(texts)} texts are too many at once. Give at most {TEXTS_AT_MOST}.")
        if odd := [name for name in texts if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name)]:
            raise serializers.ValidationError(f"Name the texts by small letters, digits and underscores, not '{odd[0][:40]}'.")
        if not any(texts.values()):
            raise serializers.ValidationError("Give at least one text that is not empty.")
        return texts

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A limit belongs to a text."""
        if strangers := [name for name in attrs["limits"] if name not in attrs["texts"]]:
            raise serializers.ValidationError({"limits": f"There is no text '{strangers[0][:40]}' for this limit. Leave it out."})
        return attrs


class FitIn(serializers.Serializer[Any]):
    """A text and the room for it. `longer` uses the room there is; else the text is said shorter."""

    text = TextField()
    limit = serializers.IntegerField(min_value=SHORTEST_LIMIT, max_value=LONGEST, help_text="At most so many characters.")
    language = LanguageField(required=False, default="en")
    longer = serializers.BooleanField(required=False, default=False)
    brand = serializers.CharField(required=False, max_length=80, help_text=BRAND_HELP)


class SuggestionOut(serializers.Serializer[Any]):
    """One wording. Empty texts had nothing true to say."""

    angle = serializers.CharField(help_text="One of those that were asked for.")
    headline = serializers.CharField()
    subline = serializers.CharField(allow_blank=True)
    cta = serializers.CharField(allow_blank=True)
    badge = serializers.CharField(allow_blank=True)


class WordsOut(serializers.Serializer[Any]):
    """Who wrote; `fallback`: the offline writer stepped in for the model; `note`: what this is not, in a sentence."""

    writer = serializers.CharField()
    fallback = serializers.BooleanField()
    note = serializers.CharField(allow_blank=True)


class SuggestionsOut(WordsOut):
    """Wordings in the brief's language."""

    language = serializers.CharField()
    suggestions = SuggestionOut(many=True)


class TranslationOut(WordsOut):
    """The texts in their new language, by the same names; what was empty still is."""

    language = serializers.CharField()
    right_to_left = serializers.BooleanField(help_text="Whether the language is written from right to left.")
    texts = serializers.DictField(child=serializers.CharField(allow_blank=True))


class FittedOut(WordsOut):
    """The text in its new length."""

    language = serializers.CharField()
    text = serializers.CharField()


class Words(APIView):
    """What all of these have in common: editors ask, at most one thing a second, and in JSON."""

    permission_classes = (IsAuthenticated,)
    parser_classes = (JsonBody,)
    throttle_classes = (Everyone, Creates)


class SuggestCopy(Words):
    """Copy ideas for a brief."""

    opened_by_keys = True

    @extend_schema(operation_id="suggest_copy", request=CopyIn, responses=SuggestionsOut, tags=["copy"])
    def post(self, request: Request) -> Response:
        """Headlines, sub-lines, calls to action and badges along the named angles. Nothing is ordered, no credit is used."""
        given, brand = _read(request, CopyIn(data=request.data))
        brief = in_the_voice_of(brand, given["brief"])
        if refused := refusal_of(moderation.check(brief, judged="brief"), field="brief"):
            return refused
        author = writer(BrandPurse.of_brand(brand))
        try:
            made = author.copy(brief, angles=given["angles"], limits={**COPY_LIMITS, **given["limits"]}, language=brief.language)
        except WriterError as error:
            return not_written(error, field="brief")
        return Response({**_by_whom(made), "language": brief.language, "suggestions": [asdict(each) for each in made.value]})


class TranslateCopy(Words):
    """Words in another language."""

    opened_by_keys = True

    @extend_schema(operation_id="translate_copy", request=TranslateIn, responses=TranslationOut, tags=["copy"])
    def post(self, request: Request) -> Response:
        """The same texts, said in another language; figures stay as they are. Without a language model nothing is translated: 422."""
        given, brand = _read(request, TranslateIn(data=request.data))
        texts, language = given["texts"], given["language"]
        if refused := refusal_of(moderation.check(Brief(headline="\n".join(texts.values())), judged="texts"), field="texts"):
            return refused
        try:
            made = writer(BrandPurse.of_brand(brand)).translate(texts, limits=given["limits"], language=language)
        except WriterError as error:
            return not_written(error, field="language" if error.code == "language" else "texts")
        told = {name: made.value.get(name, "") for name in texts}
        return Response({**_by_whom(made), "language": language, "right_to_left": right_to_left(language), "texts": told})


class FitCopy(Words):
    """Words in another length."""

    opened_by_keys = True

    @extend_schema(operation_id="fit_copy", request=FitIn, responses=FittedOut, tags=["copy"])
    def post(self, request: Request) -> Response:
        """The same promise in at most so many characters. Without a language model a text is cut, not rewritten, and never made longer."""
        given, brand = _read(request, FitIn(data=request.data))
        text, language = given["text"], given["language"]
        if refused := refusal_of(moderation.check(Brief(headline=text), judged="text"), field="text"):
            return refused
        try:
            made = writer(BrandPurse.of_brand(brand)).fit(text, given["limit"], language=language, longer=given["longer"])
        except WriterError as error:
            return not_written(error, field="text")
        return Response({**_by_whom(made), "language": language, "text": made.value})


def _read(request: Request, sent: serializers.Serializer[Any]) -> tuple[dict[str, Any], Brand]:
    """What was sent, and the brand that it is for: one in which the caller may spend."""
    user = caller(request)
    sent.is_valid(raise_exception=True)
    brand = own_brand(user, sent.validated_data.get("brand"))
    require_editor(user, brand)
    return sent.validated_data, brand


def refusal_of(verdict: moderation.Verdict, *, field: str) -> Response | None:
    """The problem of what may not be advertised, before anything is spent on it; None when it may be."""
    return None if verdict.ok else problem(HTTPStatus.UNPROCESSABLE_ENTITY, verdict.reason, errors={field: [verdict.reason]})


def _by_whom(made: Made[Any]) -> dict[str, Any]:
    return {"writer": made.who, "fallback": made.fallback, "note": made.note}


def not_written(error: WriterError, *, field: str) -> Response:
    """The problem of a writer that did not write."""
    sentence = str(error)
    if isinstance(error, WriterUnavailable):
        wait = str(math.ceil(error.retry_after or 30))
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, sentence, headers={"Retry-After": wait})
    if error.permanent:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence, errors={field: [sentence]})
    return problem(HTTPStatus.BAD_GATEWAY, sentence)
