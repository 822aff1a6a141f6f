"""ComfyUI in admin: servers and their buttons, workflows from upload to test run, LoRAs, and jobs to look at."""

from __future__ import annotations

import copy
import io
import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from accounts.models import User
from comfy import errors, pool, starters
from comfy.admin.workflows import PROPOSED
from comfy.advice import ADVICE, FOLDERS
from comfy.graphs import FILE_INPUTS
from comfy.models import Lora, Server, ServerFile, ServerJob, Workflow, WorkflowVersion
from templates_app import queries
from templates_app.models import AdTemplate, AdTemplateVersion, TemplateLora
from tests.comfy.conftest import graph
from tests.fakes.comfy_server import Simulator
from tests.people import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hurry(settings) -> None:
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1, "unknown_gap": 0.1, "grace": 0.3, "connect": 1.0, "read": 2.0}


@pytest.fixture
def browser() -> Client:
    """Somebody's browser; the room's own `client` is ComfyUI's."""
    return Client()


@pytest.fixture
def desk(sam: User, browser: Client) -> Client:
    """Sam of the staff, who may do everything, signed in."""
    browser.force_login(sam)
    return browser


@pytest.fixture
def cora(db: None) -> User:
    """A curator who may look after servers, and is no superuser."""
    cora = User.objects.create_user("cora@example.com", PASSWORD, is_staff=True)
    names = ("view_server", "add_server", "change_server", "view_workflow")
    cora.user_permissions.set(Permission.objects.filter(content_type__app_label="comfy", codename__in=names))
    return cora


@pytest.fixture
def row(server: Simulator) -> Server:
    """The simulator as a server that was seen."""
    pool.adopt_from_settings([server.url])
    return Server.objects.get()


@pytest.fixture
def workflow() -> Workflow:
    """The starter that needs a checkpoint and nothing else."""
    starters.load()
    return Workflow.objects.select_related("current").get(slug="sd-text2img")


def page(model: str, name: str, *args: Any) -> str:
    return reverse(f"admin:comfy_{model}_{name}", args=args)


def sent(answer: Any) -> dict[str, Any]:
    """What the form of this page would send, as it stands."""
    values = {field.html_name: field.value() for field in answer.context["adminform"].form}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def told(answer: Any) -> str:
    """What a page says above everything else."""
    return " ".join(str(message) for message in answer.context["messages"])


def picture_in(answer: Any) -> bool:
    return '<img src="data:image/webp;base64,' in answer.content.decode()


# --- servers


def test_a_servers_page_shows_its_health_its_files_and_its_queue_as_it_is_now(desk: Client, server: Simulator, row: Server) -> None:
    server.hang = True
    for number in range(3):
        pool.client_of(row).wire.ask("/prompt", {"prompt": graph(number), "prompt_id": str(uuid4()), "client_id": "x"}).close()
    text = desk.get(page("server", "change", row.pk)).content.decode()
    assert "1 running, 2 waiting" in text and "works" in text and "0.3.64" in text and "12\xa0GB" in text
    assert "sdxl.safetensors" in text and "style.safetensors" in text
    listed = desk.get(page("server", "changelist")).content.decode()
    assert "sd15.safetensors" in listed and "0 of 2" in listed and "works" in listed


def test_a_server_that_does_not_answer_has_a_page_that_says_what_to_do(desk: Client, server: Simulator, row: Server) -> None:
    server.fault("/queue", 503)
    text = desk.get(page("server", "change", row.pk)).content.decode()
    assert "unknown" in text and ADVICE["server_down"] in text


def test_of_a_server_that_was_never_seen_nothing_is_said_to_be_missing(desk: Client, workflow: Workflow) -> None:
    new = Server.objects.create(name="new", address="http://127.0.0.1:9", allow_private=True)
    lora = Lora.objects.create(slug="film", title="Film", file_name="film.safetensors", family="sdxl")
    assert "cannot run" not in desk.get(page("server", "change", new.pk)).content.decode()
    assert "lacks nodes" not in desk.get(page("workflow", "changelist")).content.decode()
    assert "are not offered" not in desk.get(page("lora", "change", lora.pk)).content.decode()


def test_lists_ask_no_server(desk: Client, server: Simulator, row: Server) -> None:
    before = list(server.requests)
    for model in ("server", "workflow", "lora", "serverjob"):
        assert desk.get(page(model, "changelist")).status_code == 200
    assert server.requests == before


def test_probing_tells_what_was_found_and_what_was_wrong(desk: Client, server: Simulator, row: Server) -> None:
    Server.objects.update(version="", files={})
    answer = desk.post(page("server", "probe", row.pk), follow=True)
    assert "ComfyUI 0.3.64" in told(answer) and Server.objects.get().files["ckpt_name"]
    server.fault("/system_stats", 503)
    assert "503" in told(desk.post(page("server", "probe", row.pk), follow=True))


def test_a_drained_server_gets_no_pictures_until_it_is_put_back(desk: Client, row: Server) -> None:
    desk.post(page("server", "drain", row.pk))
    assert not Server.objects.get().enabled and not pool.working().exists()
    text = desk.get(page("server", "change", row.pk)).content.decode()
    assert "drained and empty" in text and "Put back" in text
    ServerJob.objects.create(pk=uuid4(), server=row, seat=0, held_until=2**52)
    assert "drained, 1 still there" in desk.get(page("server", "change", row.pk)).content.decode()
    desk.post(page("server", "put_back", row.pk))
    assert Server.objects.get().enabled and pool.working().exists()


def test_a_test_picture_is_painted_shown_and_kept_nowhere(desk: Client, server: Simulator, row: Server) -> None:
    answer = desk.post(page("server", "test_picture", row.pk))
    assert picture_in(answer) and "320 × 240" in answer.content.decode()
    assert len(server.painted) == 1 and server.state.history == {}
    assert not ServerJob.objects.exists()


def test_a_drained_server_can_be_tried_before_it_is_put_back(desk: Client, row: Server) -> None:
    Server.objects.update(enabled=False)
    assert picture_in(desk.post(page("server", "test_picture", row.pk)))


def test_a_test_picture_that_fails_says_why_and_what_to_do(desk: Client, server: Simulator, row: Server) -> None:
    server.fail = "cuda"
    text = desk.post(page("server", "test_picture", row.pk)).content.decode()
    assert "data:image" not in text and "CUDA error" in text and ADVICE["server_sick"].split(".")[0] in text


def test_freeing_memory_is_told_to_the_server(desk: Client, server: Simulator, row: Server) -> None:
    Server.objects.update(warm="sdxl.safetensors")
    assert "unloads" in told(desk.post(page("server", "free_memory", row.pk), follow=True))
    assert ("POST", "/free") in server.requests and Server.objects.get().warm == ""
    server.fault("/free", 503)
    assert ADVICE["server_down"] in told(desk.post(page("server", "free_memory", row.pk), follow=True))


@pytest.mark.parametrize("button", ["probe", "drain", "put_back", "free_memory", "test_picture"])
def test_a_button_is_for_those_who_may_change_servers_and_works_by_post_only(
    desk: Client, cora: User, server: Simulator, row: Server, button: str
) -> None:
    before = len(server.requests)
    assert desk.get(page("server", button, row.pk)).status_code == 405
    assert desk.post(page("server", button, uuid4())).status_code == 404
    cora.user_permissions.set(Permission.objects.filter(codename="view_server"))
    desk.force_login(cora)
    assert desk.post(page("server", button, row.pk)).status_code == 403
    assert len(server.requests) == before and Server.objects.get().enabled


def test_a_token_is_never_shown_and_stays_until_another_is_typed(desk: Client, row: Server) -> None:
    Server.objects.filter(pk=row.pk).update(token="secret-token")
    answer = desk.get(page("server", "change", row.pk))
    assert "secret-token" not in answer.content.decode() and "A token is sent." in answer.content.decode()
    assert desk.post(page("server", "change", row.pk), {**sent(answer), "slots": 3}).status_code == 302
    kept = Server.objects.get()
    assert (kept.token, kept.slots) == ("secret-token", 3)
    assert desk.post(page("server", "change", row.pk), {**sent(answer), "token": "another"}).status_code == 302
    assert Server.objects.get().token == "another"
    assert desk.post(page("server", "change", row.pk), {**sent(answer), "forget_token": "on"}).status_code == 302
    assert Server.objects.get().token == ""


def test_a_token_is_not_sent_to_an_address_that_it_was_not_typed_for(desk: Client, row: Server) -> None:
    Server.objects.filter(pk=row.pk).update(token="secret-token")
    form = {**sent(desk.get(page("server", "change", row.pk))), "address": "http://127.0.0.1:9"}
    answer = desk.post(page("server", "change", row.pk), form)
    assert "The address has changed." in str(answer.context["adminform"].form.errors["token"])
    assert Server.objects.get().address == row.address
    assert desk.post(page("server", "change", row.pk), {**form, "token": "new"}).status_code == 302


def test_a_token_whose_key_is_gone_closes_no_page(desk: Client, row: Server) -> None:
    ServerJob.objects.create(pk=uuid4(), server=row)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE comfy_server SET token = 'gAAAA-of-another-key'")
    for address in (
        page("server", "changelist"),
        page("server", "change", row.pk),
        page("serverjob", "changelist"),
        page("serverjob", "change", ServerJob.objects.get().pk),
        page("workflow", "changelist"),
        page("lora", "changelist"),
    ):
        assert desk.get(address).status_code == 200, address
    assert "ENCRYPTION_KEYS" in desk.get(page("server", "change", row.pk)).content.decode()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://127.0.0.1:8188", "private network"),
        ("http://10.0.0.7:8188", "private network"),
        ("http://169.254.169.254", "private network"),
        ("ftp://93.184.216.34", "must begin with"),
        ("http://me:secret@93.184.216.34", "name or password"),
        ("http://93.184.216.34:x", "not an address"),
    ],
)
def test_an_address_that_staff_type_is_judged(desk: Client, address: str, sentence: str) -> None:
    answer = desk.post(page("server", "add"), {"name": "typed", "address": address, "slots": 2, "weight": 1, "enabled": "on"})
    assert sentence in str(answer.context["adminform"].form.errors["address"])
    assert not Server.objects.exists()


def test_not_even_a_superuser_reaches_what_clouds_keep_for_themselves(desk: Client) -> None:
    told = {"name": "typed", "address": "http://169.254.169.254", "slots": 2, "weight": 1, "allow_private": "on"}
    assert "address" in desk.post(page("server", "add"), told).context["adminform"].form.errors


def test_a_superuser_adds_a_server_of_the_house_and_it_is_looked_at_once_it_is_kept(
    desk: Client, server: Simulator, django_capture_on_commit_callbacks: Any
) -> None:
    form = {
        "name": "gpu-1",
        "address": server.url + "/",
        "slots": 2,
        "weight": 1,
        "enabled": "on",
        "allow_private": "on",
        "custom_nodes": "[]",
    }
    with django_capture_on_commit_callbacks(execute=True):
        assert desk.post(page("server", "add"), form).status_code == 302
    made = Server.objects.get()
    assert (made.address, made.version, made.allow_private) == (server.url, "0.3.64", True)


def test_only_a_superuser_opens_our_own_network_or_moves_a_server_within_it(browser: Client, cora: User, row: Server) -> None:
    browser.force_login(cora)
    form = {"name": "typed", "address": "http://127.0.0.1:8188", "slots": 2, "weight": 1, "allow_private": "on"}
    assert "address" in browser.post(page("server", "add"), form).context["adminform"].form.errors
    mine = {"name": "mine", "address": "http://127.0.0.1:9", "slots": 2, "weight": 1, "enabled": "on"}
    assert browser.post(page("server", "change", row.pk), mine).status_code == 302
    after = Server.objects.get()
    assert (after.name, after.address, after.allow_private) == ("mine", row.address, True)


def test_custom_nodes_are_a_list_of_names(desk: Client, row: Server) -> None:
    form = sent(desk.get(page("server", "change", row.pk)))
    for wrong in ('{"a": 1}', "[1]", "nodes"):
        answer = desk.post(page("server", "change", row.pk), {**form, "custom_nodes": wrong})
        assert "custom_nodes" in answer.context["adminform"].form.errors


def test_a_server_that_was_drained_can_be_deleted_with_its_jobs(desk: Client, row: Server) -> None:
    ServerJob.objects.create(pk=uuid4(), server=row)
    ServerFile.objects.create(server=row, sha256="ab" * 32, name="adsgem/x.png")
    assert desk.post(page("server", "delete", row.pk), {"post": "yes"}).status_code == 403
    Server.objects.update(enabled=False)
    assert desk.post(page("server", "delete", row.pk), {"post": "yes"}).status_code == 302
    assert not Server.objects.exists() and not ServerJob.objects.exists()


def test_a_job_is_shown_with_what_went_wrong(desk: Client, row: Server) -> None:
    job = ServerJob.objects.create(pk=uuid4(), server=row, posts=2, faults=[[str(row.pk), "out_of_memory"]])
    for address in (page("serverjob", "changelist"), page("serverjob", "change", job.pk)):
        assert "out_of_memory" in desk.get(address).content.decode()


# --- workflows


def upload(data: object, name: str = "graph.json") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data if isinstance(data, bytes) else json.dumps(data).encode(), "application/json")


def test_an_uploaded_workflow_is_kept_only_after_a_person_has_confirmed_its_bindings(desk: Client, sam: User) -> None:
    add = page("workflow", "add")
    shown = desk.post(add, {"title": "Wet stone", "slug": "wet-stone", "file": upload(graph(job=str(uuid4()))), "note": "First"})
    form = shown.context["adminform"].form
    assert PROPOSED in form.errors["bindings"] and not Workflow.objects.exists()
    bindings = json.loads(form["bindings"].value())
    assert bindings["bind"]["seed"] == [{"node": "7", "input": "seed"}] and bindings["output"]["node"] == "9"
    text = shown.content.decode()
    assert "KSampler" in text and "the finished picture" in text and "from node" in text
    assert desk.post(add, sent(shown)).status_code == 302
    made = Workflow.objects.select_related("current").get()
    assert made.current is not None
    assert (made.slug, made.title, made.current.author, made.current.note) == ("wet-stone", "Wet stone", sam, "First")
    assert made.current.bindings == bindings and made.current.graph["7"]["class_type"] == "KSampler"


def test_a_workflow_as_the_window_saves_it_is_refused_with_how_to_export_it(desk: Client) -> None:
    window = {"nodes": [{"id": 1, "type": "KSampler"}], "links": [], "version": 0.4}
    answer = desk.post(page("workflow", "add"), {"title": "Mine", "slug": "mine", "file": upload(window)})
    assert "Export (API)" in str(answer.context["adminform"].form.errors["graph"]) and not Workflow.objects.exists()


@pytest.mark.parametrize("file", [b"\xff\xfe", b"{", b"[" * 100_000], ids=["bytes", "cut", "deep"])
def test_a_file_that_is_no_json_is_refused_in_a_sentence(desk: Client, file: bytes) -> None:
    answer = desk.post(page("workflow", "add"), {"title": "Mine", "slug": "mine", "file": upload(file)})
    assert "no JSON file" in str(answer.context["adminform"].form.errors["file"])


def test_what_is_wrong_with_bindings_is_said_in_sentences_all_at_once(desk: Client, workflow: Workflow) -> None:
    change = page("workflow", "change", workflow.pk)
    form = sent(desk.get(change))
    bindings = json.loads(form["bindings"])
    bindings["bind"]["seed"], bindings["bind"]["width"] = [{"node": "999", "input": "seed"}], []
    answer = desk.post(change, {**form, "bindings": json.dumps(bindings)})
    problems = answer.context["adminform"].form.errors["bindings"]
    assert "'seed' is bound to node 999, which is not there." in problems and "'width' is bound to nothing." in problems
    assert WorkflowVersion.objects.filter(workflow=workflow).count() == 1


def test_a_node_that_may_not_run_is_refused_by_name(desk: Client, workflow: Workflow) -> None:
    change = page("workflow", "change", workflow.pk)
    form = sent(desk.get(change))
    data = json.loads(form["graph"])
    data["99"] = {"class_type": "RunShell", "inputs": {"command": "rm"}}
    answer = desk.post(change, {**form, "graph": json.dumps(data)})
    assert "RunShell" in str(answer.context["adminform"].form.errors["bindings"])


@pytest.mark.parametrize("bindings", ['"text"', "[1]", '{"bind": []}', '{"bind": {"seed": [7], "cfg": "x"}}', '{"bind": {}, "output": 5}'])
@pytest.mark.parametrize("data", ["{}", "[]", "5", '{"1": 5}', '{"1": {"class_type": "KSampler", "inputs": {}, "_meta": 3}}'])
def test_whatever_json_is_typed_the_page_comes_back_with_sentences(desk: Client, data: str, bindings: str) -> None:
    answer = desk.post(page("workflow", "add"), {"title": "Mine", "slug": "mine", "graph": data, "bindings": bindings})
    assert answer.status_code == 200 and answer.context["adminform"].form.errors and not Workflow.objects.exists()


def test_another_file_for_a_workflow_keeps_its_bindings_where_they_fit_and_has_others_proposed_where_not(
    desk: Client, workflow: Workflow
) -> None:
    change = page("workflow", "change", workflow.pk)
    assert workflow.current is not None
    form, data = sent(desk.get(change)), copy.deepcopy(workflow.current.graph)
    data["7"]["inputs"]["steps"] = 33
    assert desk.post(change, {**form, "file": upload(data)}).status_code == 302
    newest = WorkflowVersion.objects.filter(workflow=workflow)[0]
    assert newest.graph["7"]["inputs"]["steps"] == 33 and newest.bindings == workflow.current.bindings
    answer = desk.post(change, {**form, "file": upload(graph())})
    assert PROPOSED in answer.context["adminform"].form.errors["bindings"]


def test_an_edit_is_a_version_with_a_note_and_can_be_taken_back(desk: Client, sam: User, workflow: Workflow) -> None:
    change = page("workflow", "change", workflow.pk)
    first = workflow.current
    assert first is not None
    form = sent(desk.get(change))
    data = copy.deepcopy(first.graph)
    data["7"]["inputs"]["steps"] = 33
    assert desk.post(change, {**form, "graph": json.dumps(data), "note": "More steps"}).status_code == 302
    text = desk.get(change).content.decode()
    assert "More steps" in text and "Back to v1" in text and "Back to v2" not in text
    assert desk.post(page("workflow", "roll_back", workflow.pk, 1)).status_code == 302
    workflow.refresh_from_db()
    back = WorkflowVersion.objects.get(pk=workflow.current_id)
    assert (back.number, back.hash, back.author, back.note) == (3, first.hash, sam, "Back to version 1")
    assert desk.get(page("workflow", "roll_back", workflow.pk, 1)).status_code == 405
    assert desk.post(page("workflow", "roll_back", workflow.pk, 77)).status_code == 404


def test_saving_a_workflow_without_a_change_writes_no_version(desk: Client, workflow: Workflow) -> None:
    change = page("workflow", "change", workflow.pk)
    assert desk.post(change, {**sent(desk.get(change)), "title": "Another title"}).status_code == 302
    workflow.refresh_from_db()
    assert workflow.title == "Another title" and workflow.versions.count() == 1


def test_workflows_say_where_they_come_from_and_which_servers_lack_their_nodes(desk: Client, row: Server, workflow: Workflow) -> None:
    text = desk.get(page("workflow", "changelist")).content.decode()
    assert "starter" in text and "txt2img" in text and "lacks nodes" not in text
    Server.objects.update(classes=["SaveImage"])
    assert "lacks nodes" in desk.get(page("workflow", "changelist")).content.decode()
    assert "install" in desk.get(page("server", "change", row.pk)).content.decode()


def test_a_workflow_is_deleted_by_nobody(desk: Client, workflow: Workflow) -> None:
    assert desk.post(page("workflow", "delete", workflow.pk), {"post": "yes"}).status_code == 403


def test_somebody_who_may_only_look_sees_a_workflow_and_cannot_run_or_change_it(browser: Client, cora: User, workflow: Workflow) -> None:
    browser.force_login(cora)
    text = browser.get(page("workflow", "change", workflow.pk)).content.decode()
    assert "KSampler" in text and "Test run" not in text
    for address in (page("workflow", "try", workflow.pk), page("workflow", "roll_back", workflow.pk, 1)):
        assert browser.post(address).status_code == 403


def test_a_test_run_shows_the_picture_of_the_chosen_server(desk: Client, server: Simulator, row: Server, workflow: Workflow) -> None:
    address = page("workflow", "try", workflow.pk)
    form = desk.get(address).context["form"]
    assert {"server", "prompt", "family", "checkpoint"} <= set(form.fields)
    answer = desk.post(address, {"server": row.pk, "prompt": "wet stone", "family": "sd15", "checkpoint": "sd15.safetensors"})
    assert picture_in(answer) and "512 × 512" in answer.content.decode()
    assert len(server.painted) == 1 and server.state.history == {}


@pytest.mark.parametrize("slug", ["sd-inpaint-keep-product", "sd-inpaint-cutout", "sd-img2img-product", "upscale-model", "smoke-upload"])
def test_a_workflow_that_shows_a_product_is_tried_out_with_a_drawn_one(
    desk: Client, server: Simulator, row: Server, workflow: Workflow, slug: str
) -> None:
    other = Workflow.objects.get(slug=slug)
    address = page("workflow", "try", other.pk)
    form = desk.get(address).context["form"]
    told = {name: field.initial for name, field in form.fields.items() if field.initial is not None}
    told |= {"server": row.pk, "family": "sd15"}
    if "checkpoint" in form.fields:
        told["checkpoint"] = "sd15.safetensors"
    if "upscale_model" in form.fields:
        told["upscale_model"] = "RealESRGAN_x2.pth"
    answer = desk.post(address, {name: value for name, value in told.items() if name in form.fields})
    assert picture_in(answer), answer.context.get("trouble") or answer.context["form"].errors


def test_a_test_run_says_which_file_to_put_where(desk: Client, server: Simulator, row: Server, workflow: Workflow) -> None:
    Server.objects.update(files={})
    assert workflow.current is not None
    own = workflow.current.graph["1"]["inputs"]["ckpt_name"]
    text = desk.post(
        page("workflow", "try", workflow.pk), {"server": row.pk, "prompt": "x", "family": "sdxl", "checkpoint": own}
    ).content.decode()
    assert own in text and "models/checkpoints" in text and not server.painted


def test_without_a_server_a_test_run_says_so(desk: Client, workflow: Workflow) -> None:
    assert "There is no server yet." in desk.get(page("workflow", "try", workflow.pk)).content.decode()


# --- LoRAs


@pytest.fixture
def loras(row: Server) -> list[Lora]:
    """One that the server has, one that it has twice, one that it has not."""
    Server.objects.update(files={"lora_name": ["style.safetensors", "a/grain.safetensors", "b/grain.safetensors"]})
    return [
        Lora.objects.create(slug=name, title=name.title(), file_name=f"{name}.safetensors", family="sdxl", trigger_words=f"{name} look")
        for name in ("style", "grain", "neon")
    ]


def test_the_gallery_of_loras_says_where_each_is(desk: Client, loras: list[Lora]) -> None:
    text = desk.get(page("lora", "changelist")).content.decode()
    for state in ("present", "missing", "ambiguous"):
        assert len(re.findall(rf'class="state \w+">{state}<', text)) == 1
    assert "a/grain.safetensors, b/grain.safetensors" in text and "neon look" in text
    assert "are not offered" in desk.get(page("lora", "change", loras[2].pk)).content.decode()
    assert "are not offered" not in desk.get(page("lora", "change", loras[0].pk)).content.decode()


def test_a_lora_gets_a_preview_a_licence_and_a_source(desk: Client, loras: list[Lora]) -> None:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((1600, 900)).save(buffer, "PNG")
    change = page("lora", "change", loras[0].pk)
    form = {**sent(desk.get(change)), "licence": "CC BY 4.0", "source": "https://example.com/style"}
    form["new_preview"] = SimpleUploadedFile("p.png", buffer.getvalue(), "image/png")
    assert desk.post(change, form).status_code == 302
    lora = Lora.objects.select_related("preview").get(pk=loras[0].pk)
    assert lora.preview is not None and (lora.preview.width, lora.preview.height, lora.preview.type) == (1080, 608, "image/webp")
    text = desk.get(page("lora", "changelist")).content.decode()
    assert 'href="https://example.com/style"' in text and reverse("admin:stored_file", args=[lora.preview_id, "thumb"]) in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("new_preview", SimpleUploadedFile("p.png", b"no picture")),
        ("source", "javascript:alert(1)"),
        ("weight_default", "1.5"),
    ],
)
def test_a_lora_with_something_wrong_is_not_kept(desk: Client, loras: list[Lora], field: str, value: Any) -> None:
    change = page("lora", "change", loras[0].pk)
    answer = desk.post(change, {**sent(desk.get(change)), field: value, "title": "Other"})
    assert field in answer.context["adminform"].form.errors and Lora.objects.get(pk=loras[0].pk).title == "Style"


# --- all pages


@pytest.fixture
def addresses(row: Server, workflow: Workflow, loras: list[Lora]) -> list[str]:
    """Every page of ComfyUI's."""
    job = ServerJob.objects.create(pk=uuid4(), server=row)
    rows = {"server": row.pk, "workflow": workflow.pk, "lora": loras[0].pk, "serverjob": job.pk}
    pages = [page(model, "changelist") for model in rows] + [page(model, "change", pk) for model, pk in rows.items()]
    return [*pages, *(page(model, "add") for model in ("server", "workflow", "lora")), page("workflow", "try", workflow.pk)]


def test_no_page_has_a_script_or_a_style_inside(desk: Client, row: Server, addresses: list[str]) -> None:
    answers = [desk.get(address) for address in addresses]
    for answer in (*answers, desk.post(page("server", "test_picture", row.pk))):
        text = answer.content.decode()
        scripts = [part.split(">")[0] for part in text.split("<script")[1:]]
        assert answer.status_code == 200 and all("src=" in one or "application/json" in one for one in scripts)
        assert "<style" not in text and not re.search(r'\s(style|on[a-z]+)="', text), answer.request["PATH_INFO"]


def test_lists_cost_the_same_for_few_servers_or_many(desk: Client, row: Server, workflow: Workflow, loras: list[Lora]) -> None:
    def cost() -> dict[str, int]:
        found = {}
        for model in ("server", "workflow", "lora", "serverjob"):
            desk.get(page(model, "changelist"))
            with CaptureQueriesContext(connection) as asked:
                desk.get(page(model, "changelist"))
            found[model] = len(asked)
        return found

    ServerJob.objects.create(pk=uuid4(), server=row)
    before = cost()
    for number in range(5):
        more = Server.objects.create(name=f"more-{number}", address=f"http://more-{number}:8188", last_seen=1)
        ServerJob.objects.create(pk=uuid4(), server=more)
        Lora.objects.create(slug=f"more-{number}", title="More", file_name="more.safetensors", family="sdxl")
    assert cost() == before


def test_every_error_of_a_server_has_advice_and_every_model_a_folder() -> None:
    codes = {each.code for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.ComfyError)}
    assert codes - {"comfy"} == set(ADVICE) and set(FOLDERS) == FILE_INPUTS


def test_the_page_for_whoever_runs_the_machine_explains_every_error_and_names_every_model_of_the_shelf() -> None:
    page = (Path(__file__).parents[2] / "docs" / "comfyui.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page.partition("## What each error means")[2], re.MULTILINE)) == set(ADVICE)
    recipes = [version.data["engines"]["comfyui"] for version in AdTemplateVersion.objects.filter(template__published=True)]
    assert recipes and all(f"`{file}`" in page for recipe in recipes for file in recipe["models"].values())
    assert all(f"`{path.name.removesuffix('.bindings.json')}`" in page for path in starters.FOLDER.glob("*.bindings.json"))


# --- what of it a template's page shows


def test_a_templates_page_says_which_servers_could_paint_it_and_what_the_others_lack(
    desk: Client, row: Server, template: AdTemplate
) -> None:
    address = reverse("admin:templates_app_adtemplate_change", args=[template.pk])
    starters.load()
    assert f"sd-inpaint-keep-product: {row.name} has no file" in desk.get(address).content.decode()
    Server.objects.update(files={"ckpt_name": ["sd_xl_base_1.0.safetensors"]})
    text = desk.get(address).content.decode()
    assert f"sd-inpaint-keep-product: {row.name}<" in text and f"sd-text2img: {row.name}<" in text and "has no file" not in text
    Workflow.objects.filter(slug="sd-text2img").update(slug="another")
    assert "no workflow &#x27;sd-text2img&#x27;" in desk.get(address).content.decode()


def test_a_template_that_is_not_offered_for_want_of_a_lora_says_so_in_the_list(desk: Client, row: Server, template: AdTemplate) -> None:
    listed = reverse("admin:templates_app_adtemplate_changelist")
    TemplateLora.objects.create(
        template=template, lora=Lora.objects.create(slug="film", title="Film", file_name="film.safetensors", family="sdxl")
    )
    assert "no: no server has the LoRA film" in desk.get(listed).content.decode()
    assert template not in queries.published()
    Server.objects.update(files={"lora_name": ["film.safetensors"]})
    assert "no server has the LoRA" not in desk.get(listed).content.decode()
