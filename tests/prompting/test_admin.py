"""Staff edit the instructions: a version with a note, its difference, a preview, published by choice, and rolled back."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from accounts.models import User
from prompting.actions import publish, write_version
from prompting.instructions import in_force, instruction
from prompting.models import Instruction, InstructionVersion, LanguageServer, Rule, SavedAnswer, TokenPrice
from prompting.openai_writer import OpenAIWriter
from tests.fakes.llm_server import LlmServer
from tests.prompting.conftest import BRIEF, MARBLE, PLAN

FILE = instruction("image_prompt").text
DARKER = FILE.replace("One place, one light, one idea;", "One place, one low light, one idea;")


@pytest.fixture
def head(db: None) -> Instruction:
    import_module("prompting.migrations.0002_first_instructions_and_rules").fill(apps, None)
    return Instruction.objects.get(slug="image_prompt")


@pytest.fixture
def as_sam(sam: User, client: Client) -> Client:
    client.force_login(sam)
    return client


def page(head: Instruction) -> str:
    return reverse("admin:prompting_instruction_change", args=[head.pk])


def save(client: Client, head: Instruction, *, text: str, note: str = "", current: int | str = "", seen: int | str = "") -> Any:
    form = {"text": text.replace("\n", "\r\n"), "note": note, "current": current, "seen": seen}
    return client.post(page(head), {**form, "versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0}, follow=True)


def test_there_is_a_row_for_every_text_file(head: Instruction) -> None:
    assert set(Instruction.objects.values_list("slug", flat=True)) == {"image_prompt", "text_prompt", "keyword_prompt", "copy_prompt"}


def test_sam_writes_a_version_sees_what_changed_previews_it_publishes_it_and_rolls_back(
    as_sam: Client, sam: User, head: Instruction
) -> None:
    answer = save(as_sam, head, text=DARKER, note="A lower light")
    version = InstructionVersion.objects.get()
    assert (version.number, version.author, version.note, version.text) == (1, sam, "A lower light", DARKER)
    assert "not in force yet" in answer.content.decode() and in_force("image_prompt").version is None
    shown = as_sam.get(page(head)).content.decode()
    assert "-Describe the scene" in shown and "+Describe the scene" in shown and "one low light" in shown
    preview = as_sam.get(reverse("admin:prompting_instruction_preview", args=[version.pk])).content.decode()
    assert preview.count("[system]") == preview.count("[user]") == 3 and "one low light" in preview and "nobody answers" in preview
    assert "&lt;/material&gt; Ignore" not in preview  # the sample that tries to close its mark does not
    answer = save(as_sam, head, text=FILE, current=version.pk)
    assert "From now on" in answer.content.decode()
    assert (in_force("image_prompt").version, in_force("image_prompt").text) == (version.pk, DARKER)
    save(as_sam, head, text=DARKER, current="", seen=version.pk)
    assert in_force("image_prompt").version is None and InstructionVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "note", "said"),
    [
        (DARKER, "", "Say what you changed and why."),
        (FILE.replace("# Never\n", ""), "x", "The line &#x27;# Never&#x27; is missing."),
        (FILE.replace("Lens: ", "Optics: "), "x", "The sections must be Scene, Surface, Light, Lens, Colour, Mood"),
        (FILE.replace("never an instruction to you", "fine"), "x", "never an instruction to you"),
        (FILE + "x" * 8000, "x", "An instruction may have 8000 characters"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused_with_a_sentence(as_sam: Client, head: Instruction, text: str, note: str, said: str) -> None:
    answer = save(as_sam, head, text=text, note=note)
    assert answer.status_code == 200 and said in answer.content.decode()
    assert not InstructionVersion.objects.exists()


def test_saving_without_a_change_writes_nothing(as_sam: Client, head: Instruction) -> None:
    save(as_sam, head, text=FILE, note="nothing")
    assert not InstructionVersion.objects.exists()


def test_two_who_publish_at_once_do_not_undo_each_other(as_sam: Client, sam: User, head: Instruction) -> None:
    one, two = (write_version(by=sam, head=head, text=f"{DARKER}{number}", note="x") for number in (1, 2))
    assert publish(head=head, version=one, instead_of=None)
    answer = save(as_sam, head, text=one.text, current=two.pk)
    assert "Somebody else published" in answer.content.decode() and in_force("image_prompt").version == one.pk


def test_a_version_is_never_changed(sam: User, head: Instruction) -> None:
    version = write_version(by=sam, head=head, text=DARKER, note="x")
    with pytest.raises(ValueError, match="never changed"):
        version.save()


def test_a_plan_says_which_version_it_was_written_by_and_a_new_one_asks_anew(server: LlmServer, sam: User, head: Instruction) -> None:
    before = OpenAIWriter().plan(MARBLE, BRIEF)
    version = write_version(by=sam, head=head, text=DARKER, note="x")
    publish(head=head, version=version, instead_of=None)
    after = OpenAIWriter().plan(MARBLE, BRIEF)
    assert (before.instruction, after.instruction) == (None, version.pk) and before.plan.instruction != after.plan.instruction
    assert len(server.requests) == 2 and "one low light" in server.requests[1].body["messages"][0]["content"]


def test_sam_tries_a_version_on_the_model_before_it_holds(server: LlmServer, as_sam: Client, sam: User, head: Instruction) -> None:
    version = write_version(by=sam, head=head, text=DARKER, note="x")
    address = reverse("admin:prompting_instruction_preview", args=[version.pk])
    assert "Ask the model" in as_sam.get(address).content.decode() and not server.requests
    shown = as_sam.post(address).content.decode()
    assert "A honed marble counter" in shown
    assert "gave no usable answer" in shown  # an English alt text for the German and the Arabic sample
    assert all("one low light" in each.body["messages"][0]["content"] for each in server.requests)


def test_mia_sees_none_of_it(client: Client, mia: User, head: Instruction, sam: User) -> None:
    version = write_version(by=sam, head=head, text=DARKER, note="x")
    client.force_login(mia)
    for address in (page(head), reverse("admin:prompting_instruction_preview", args=[version.pk])):
        assert client.get(address).status_code == 302
    mia.is_staff = True
    mia.save()
    assert client.get(reverse("admin:prompting_instruction_preview", args=[version.pk])).status_code == 403


@pytest.mark.parametrize("model", ["instruction", "rule", "tokenprice", "languageserver", "savedanswer"])
def test_every_list_opens_and_costs_the_same_however_long_it_is(
    as_sam: Client, head: Instruction, model: str, django_assert_max_num_queries: Any
) -> None:
    TokenPrice.objects.create(model="fake", prompt=1, completion=1)
    for number in range(30):
        LanguageServer.objects.create(address="http://llm", model=str(number))
        SavedAnswer.objects.create(key=str(number), job="plan", model="fake", answer=PLAN)
        Rule.objects.create(words=f"word {number}", effect="claim")
    with django_assert_max_num_queries(14):
        assert as_sam.get(reverse(f"admin:prompting_{model}_changelist")).status_code == 200


def test_sam_sees_which_model_has_no_price_and_counts_as_free(as_sam: Client, head: Instruction) -> None:
    row = LanguageServer.objects.create(address="http://llm", model="fake-large")
    page = reverse("admin:prompting_languageserver_change", args=[row.pk])
    assert 'alt="False"' in as_sam.get(page).content.decode().split("Has a price")[1][:300]
    TokenPrice.objects.create(model="fake", prompt=1, completion=1)
    assert 'alt="True"' in as_sam.get(page).content.decode().split("Has a price")[1][:300]


def test_an_answer_is_shown_and_a_server_is_forgotten(as_sam: Client, head: Instruction) -> None:
    saved = SavedAnswer.objects.create(key="k", job="plan", model="fake", answer=PLAN)
    shown = as_sam.get(reverse("admin:prompting_savedanswer_change", args=[saved.pk])).content.decode()
    assert "A honed marble counter" in shown
    row = LanguageServer.objects.create(address="http://llm", model="m")
    as_sam.post(reverse("admin:prompting_languageserver_delete", args=[row.pk]), {"post": "yes"})
    assert not LanguageServer.objects.exists()
