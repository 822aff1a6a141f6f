"""The stand-in language server: the official library must find in it what it finds in a real one."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator

import openai
import pytest
from PIL import Image

from tests.fakes.faults import FAULTS
from tests.fakes.llm_server import LlmServer, painted

SCHEMA = {"type": "object", "properties": {"scene": {"type": "string"}, "words": {"type": "array", "items": {"type": "string"}}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "plan", "strict": True, "schema": SCHEMA}}
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer(hang_seconds=1) as running:
        yield running


@pytest.fixture
def library(server: LlmServer) -> openai.OpenAI:
    return openai.OpenAI(api_key="test", base_url=server.url, max_retries=0, timeout=5.0)


def test_the_library_lists_models_and_gets_plain_and_structured_and_streamed_words(server: LlmServer, library: openai.OpenAI) -> None:
    assert [model.id for model in library.models.list()] == server.models
    asked = {"model": "fake-large", "messages": HELLO}
    plain = library.chat.completions.create(**asked)  # type: ignore[call-overload]
    structured = library.chat.completions.create(**asked, response_format=FORMAT)  # type: ignore[call-overload]
    assert set(json.loads(structured.choices[0].message.content)) == {"scene", "words"}
    assert structured.usage.prompt_tokens > 0
    pieces = library.chat.completions.create(**asked, stream=True)  # type: ignore[call-overload]
    said = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert said == plain.choices[0].message.content
    assert [each.path for each in server.requests] == ["/models", *["/chat/completions"] * 3]


def test_the_same_prompt_paints_the_same_picture_in_the_size_that_was_asked_for(library: openai.OpenAI) -> None:
    first, again, other = (library.images.generate(model="m", prompt=prompt, size="864x1536") for prompt in ("sun", "sun", "sea"))
    pictures = [base64.b64decode(answer.data[0].b64_json) for answer in (first, again, other)]  # type: ignore[index, arg-type]
    assert pictures[0] == pictures[1] != pictures[2]
    assert Image.open(io.BytesIO(pictures[0])).size == (864, 1536)


def test_an_edit_takes_photo_and_mask_and_streams_previews(server: LlmServer, library: openai.OpenAI) -> None:
    png = painted("photo", 32, 32)
    events = list(library.images.edit(model="m", prompt="sun", image=("a.png", png), mask=("m.png", png), stream=True, partial_images=2))
    assert [event.type for event in events] == ["image_edit.partial_image"] * 2 + ["image_edit.completed"]
    assert [name for name, _ in server.requests[0].files] == ["image", "mask"] and server.requests[0].files[0][1] == png


def test_moderation_flags_a_word(library: openai.OpenAI) -> None:
    flagged = [library.moderations.create(input=text).results[0].flagged for text in ("a nude person", "a bottle")]
    assert flagged == [True, False]


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_happens_once_and_the_next_request_is_well(server: LlmServer, library: openai.OpenAI, name: str) -> None:
    server.script(name, "ok")
    good = {"model": "fake-large", "messages": HELLO, "response_format": FORMAT}
    try:
        wrong: object = library.chat.completions.create(**good)  # type: ignore[call-overload]
    except Exception as error:
        wrong = error
    right = library.chat.completions.create(**good)  # type: ignore[call-overload]
    assert [each.fault for each in server.asked("/chat/completions")] == [name, "ok"]
    same = getattr(wrong, "choices", None) == right.choices and getattr(wrong, "usage", None) == right.usage
    assert same == (name == "wrong_size")  # that one is about pictures


def test_a_small_server_refuses_what_it_does_not_speak(server: LlmServer, library: openai.OpenAI) -> None:
    server.speaks = frozenset({"max_tokens"})
    with pytest.raises(openai.BadRequestError, match="response_format"):
        library.chat.completions.create(model="m", messages=HELLO, response_format=FORMAT)  # type: ignore[call-overload]
    with pytest.raises(openai.BadRequestError, match="max_completion_tokens"):
        library.chat.completions.create(model="m", messages=HELLO, max_completion_tokens=5)  # type: ignore[arg-type]
    for call in (lambda: library.images.generate(model="m", prompt="x"), lambda: library.moderations.create(input="x")):
        with pytest.raises(openai.NotFoundError):
            call()
