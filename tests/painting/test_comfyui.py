"""Painting with ComfyUI servers: the product stays what it is, no picture is painted twice, and every failure ends as the marketer is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import connections

from comfy import pool, starters
from comfy.models import Lora, Server, ServerFile, ServerJob
from finishing.fidelity import measure
from painting.comfyui import ComfyUI
from painting.engine import EngineError, EngineUnavailable, Painted, PictureOrder, Progress
from painting.engines import choose, engine
from tests.fakes.comfy_server import Simulator
from tests.painting.orders import cutout, in_pixels, order, pixels, shot

pytestmark = pytest.mark.django_db

SCENE = {"workflow": "sd-inpaint-keep-product", "family": "sd15", "models": {"checkpoint": "sd15.safetensors"}, "settings": {"steps": 3}}


@pytest.fixture(autouse=True)
def hurry(settings) -> None:
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1, "unknown_gap": 0.1, "grace": 0.4, "dead_worker": 0.5, "connect": 1.0, "read": 2.0}
    starters.load()


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator() as simulator:
        pool.adopt_from_settings([simulator.url])
        yield simulator


@pytest.fixture
def second(server: Simulator) -> Iterator[Simulator]:
    with Simulator() as simulator:
        pool.adopt_from_settings([simulator.url])
        yield simulator


def ordered(**other: Any) -> PictureOrder:
    plain: dict[str, Any] = {
        "shape": "1.91:1",
        "needs": SCENE,
        "job_id": uuid4(),
        "scene_prompt": "wet stone at dawn",
        "negative_prompt": "blurry",
    }
    return order(**{**plain, **other})


def paint(what: PictureOrder, heard: list[float] | None = None) -> Painted:
    def on_progress(progress: Progress) -> None:
        if heard is not None:
            heard.append(progress.fraction)

    return ComfyUI().paint(what, on_progress)


def posts(*servers: Simulator) -> dict[str, int]:
    return {key: sum(server.posts[key] for server in servers) for server in servers for key in server.posts}


# --- what is painted


@pytest.mark.parametrize("workflow", ["sd-inpaint-keep-product", "sd-inpaint-cutout", "sd-img2img-product", "sd-text2img"])
def test_the_product_keeps_its_own_pixels_in_every_kind_of_scene(server, workflow):
    heard: list[float] = []
    what = ordered(product=shot("serum"), needs={**SCENE, "workflow": workflow})
    painted = paint(what, heard)
    picture = pixels(painted)
    assert picture.shape == (628, 1200, 3)
    box = painted.geometry.product
    assert box is not None
    found = measure(picture, cutout("serum"), in_pixels(box, 1200, 628))
    assert found["mask_overlap"] > 0.95 and found["delta_e"] < 1.5 and found["ssim"] > 0.95, found
    assert heard == sorted(heard) and heard[-1] == 1.0
    assert posts(server) == {str(what.job_id): 1}
    assert painted.server.startswith("127.0.0.1") and painted.facts["workflow"] == workflow and painted.facts["models"] == SCENE["models"]


def test_the_product_stands_where_the_layout_wants_it(server):
    what = ordered(product=shot("serum"))
    box = paint(what).geometry.product
    assert box is not None
    assert abs((box.left + box.right) / 2 - what.stage.x) < 0.01 and abs(box.bottom - what.stage.ground) < 0.01
    assert box.right - box.left <= what.stage.width and box.bottom - box.top <= what.stage.height


def test_the_model_is_shown_the_product_at_its_place_and_told_to_keep_it(server):
    what = ordered(product=shot("serum"))
    paint(what)
    graph = server.painted[0]["graph"]
    assert graph["4"]["inputs"]["text"] == "wet stone at dawn" and graph["5"]["inputs"]["text"] == "blurry"
    assert graph["7"]["inputs"]["seed"] == what.seed and graph["7"]["inputs"]["steps"] == 3
    shown, mask = (graph[node]["inputs"]["image"] for node in ("20", "30"))
    assert shown.startswith("adsgem/") and mask.startswith("adsgem/") and shown != mask
    assert graph["9"]["inputs"]["filename_prefix"] == f"adsgem/{what.job_id}/p1"


def test_an_order_without_a_product_is_a_scene_alone(server):
    painted = paint(ordered(product=None))
    assert painted.geometry.product is None
    assert painted.facts["workflow"] == "sd-text2img"


@pytest.mark.parametrize("frame", ["arch", "card", "circle"])
def test_a_photograph_without_cut_out_hangs_in_its_frame_in_the_painted_scene(server, frame):
    painted = paint(ordered(product=shot("serum", cut=False), needs={**SCENE, "frame": frame}))
    assert painted.facts["frame"] == frame and painted.facts["workflow"] == "sd-text2img"
    assert painted.geometry.product is not None


def test_the_same_order_gives_the_same_picture_and_another_seed_another(server):
    first, again, other = (paint(ordered(product=None, seed=seed)) for seed in (5, 5, 6))
    assert first.image == again.image != other.image


def test_loras_go_into_the_graph_with_weights_held_to_their_range_and_their_words_into_the_prompt(server):
    Lora.objects.create(
        slug="film",
        title="Film",
        file_name="style.safetensors",
        family="sd15",
        trigger_words="filmgrain",
        weight_max=0.6,
        weight_default=0.5,
    )
    Lora.objects.create(slug="gloss", title="Gloss", file_name="Product.safetensors", family="sd15")
    loras = [{"lora": "film", "weight": 3}, {"lora": "gloss"}]
    painted = paint(ordered(product=None, needs={**SCENE, "loras": loras}))
    graph = server.painted[0]["graph"]
    used = [
        (node["inputs"]["lora_name"], node["inputs"]["strength_model"]) for node in graph.values() if node["class_type"] == "LoraLoader"
    ]
    assert used == [("style.safetensors", 0.6), ("product.safetensors", 0.7)], "as the server writes it, and as heavy as the row allows"
    assert graph["4"]["inputs"]["text"] == "wet stone at dawn, filmgrain"
    assert painted.facts["loras"][0]["weight"] == 0.6


# --- what goes wrong, and where it ends


@pytest.mark.parametrize("fail", ["oom", "cuda"])
def test_a_failing_server_is_left_for_another_and_the_picture_comes(server, second, fail):
    server.fail = fail
    second.fail = ""
    Server.objects.filter(address=server.url).update(warm="sd15.safetensors")  # it is asked first
    what = ordered(product=None)
    assert paint(what).server == Server.objects.get(address=second.url).name
    assert server.posts[str(what.job_id)] == second.posts[str(what.job_id)] == 1


def test_out_of_memory_once_is_tried_again_on_the_same_server(server):
    server.fail, server.fail_times = "oom", 1
    what = ordered(product=None)
    paint(what)
    assert server.posts[str(what.job_id)] == 2


def test_out_of_memory_twice_is_the_end_and_says_what_to_do(server):
    server.fail = "oom"
    what = ordered(product=None)
    with pytest.raises(EngineError, match="too little memory.*Choose another template or Draft") as error:
        paint(what)
    assert error.value.code == "out_of_memory" and error.value.permanent
    assert "Out of memory in node" in error.value.for_staff() and "smaller model for this server" in error.value.for_staff()
    assert server.posts[str(what.job_id)] == 2


def test_a_workflow_that_fails_in_a_node_is_not_tried_again_and_shows_no_paths(server):
    server.fail = "node"
    what = ordered(product=None)
    with pytest.raises(EngineError) as error:
        paint(what)
    assert error.value.permanent and "comfyui>" not in str(error.value) and server.posts[str(what.job_id)] == 1


def test_a_model_that_no_server_has_is_the_end_before_anything_is_sent(server):
    with pytest.raises(EngineError, match="No picture server has the model") as error:
        paint(ordered(product=None, needs={**SCENE, "models": {"checkpoint": "gone.safetensors"}}))
    assert error.value.code == "model_missing" and error.value.permanent and not server.posts
    assert error.value.for_staff().endswith(f"{Server.objects.get().name}: has no file 'gone.safetensors'")


def test_a_model_that_went_away_since_the_last_look_is_found_on_another_server(server, second):
    Server.objects.filter(address=server.url).update(warm="sd15.safetensors")
    server.models["checkpoints"].remove("sd15.safetensors")
    assert paint(ordered(product=None)).server == Server.objects.get(address=second.url).name


def test_a_model_that_went_away_everywhere_is_the_end(server):
    server.models["checkpoints"].remove("sd15.safetensors")
    with pytest.raises(EngineError) as error:
        paint(ordered(product=None))
    assert error.value.code == "model_missing" and error.value.permanent


def test_a_broken_model_file_is_the_end_when_no_other_server_has_a_good_one(server):
    server.fail = "model"
    what = ordered(product=None)
    with pytest.raises(EngineError) as error:
        paint(what)
    assert error.value.code == "model_broken" and error.value.permanent and server.posts[str(what.job_id)] == 1


@pytest.mark.parametrize("wrong", ["size", "black", "empty", "html", "truncated", "gone"])
def test_a_wrong_file_is_painted_once_more_and_never_passed_on(server, wrong):
    server.wrong, server.wrong_times = wrong, 1
    what = ordered(product=None)
    painted = paint(what)
    assert pixels(painted).std() > 5 and server.posts[str(what.job_id)] == 2
    server.wrong_times = 99
    with pytest.raises(EngineError) as error:
        paint(ordered(product=None))
    assert error.value.permanent and error.value.code in ("bad_picture", "bytes_gone")


def test_a_lost_answer_does_not_paint_twice(server):
    server.fault("/prompt", "lose")
    what = ordered(product=None)
    paint(what)
    assert server.posts[str(what.job_id)] == 1


def test_a_reference_that_was_swept_away_on_the_server_is_uploaded_again(server):
    paint(ordered(product=shot("serum")))
    assert ServerFile.objects.count() == 2
    for key in [key for key in server.files if key[0] == "input"]:
        del server.files[key]
    paint(ordered(product=shot("serum"), seed=99))
    assert len([key for key in server.files if key[0] == "input"]) == 2


def test_a_reference_is_uploaded_once_for_all_variations(server):
    for variation in (1, 2, 3):
        paint(ordered(product=shot("serum"), variation=variation))
    assert [path for _method, path in server.requests].count("/upload/image") == 2, "photo and mask"


def test_while_no_server_answers_the_picture_waits_and_that_is_no_failure(server):
    for _ in range(3):
        server.fault("/", 503, times=99)
    with pytest.raises(EngineUnavailable) as outage:
        paint(ordered(product=None))
    assert outage.value.code == "engine_unavailable" and not outage.value.permanent


def test_without_any_server_the_picture_waits():
    with pytest.raises(EngineUnavailable):
        paint(ordered(product=None))


def test_while_all_seats_are_taken_the_picture_waits_and_the_server_is_not_to_blame(server):
    Server.objects.update(slots=1)
    ServerJob.objects.create(pk=uuid4(), server=Server.objects.get(), seat=0, held_until=2**52)
    with pytest.raises(EngineUnavailable) as outage:
        paint(ordered(product=None))
    assert outage.value.for_staff().endswith("all its seats are taken")
    assert outage.value.code == "engine_busy" and pool.working().exists() and not server.posts


@pytest.mark.parametrize(
    ("needs", "says"),
    [({}, "'workflow'"), ({"workflow": "no-such"}, "no workflow 'no-such'"), ({**SCENE, "loras": [{"lora": "gone"}]}, "no LoRA 'gone'"),
     ({**SCENE, "colour": "red"}, "no field 'colour'"), ({**SCENE, "settings": {"steps": 10**6}}, "steps"), ({**SCENE, "workflow": "upscale-model"}, "does not paint scenes"),
     ({**SCENE, "models": {"checkpoint": "../x.safetensors"}}, "checkpoint"), ({**SCENE, "models": {"api_key": "x"}}, "api_key"), ({**SCENE, "frame": "star"}, "frame")],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused_with_a_sentence_and_nothing_is_sent(server, needs, says):
    with pytest.raises(EngineError, match=says) as error:
        paint(ordered(product=shot("serum"), needs=needs))
    assert error.value.code == "needs_invalid" and error.value.permanent and not server.posts


# --- work that an earlier attempt began


def test_nothing_was_begun_so_nothing_is_resumed_and_nobody_is_asked(server):
    before = len(server.requests)
    assert ComfyUI().resume(ordered(product=None)) is None
    assert len(server.requests) == before


def test_a_finished_picture_is_fetched_again_and_not_painted_again(server):
    what = ordered(product=shot("serum"))
    painted = paint(what)
    again = ComfyUI().resume(what)
    assert again is not None and again.image == painted.image and again.geometry == painted.geometry
    assert server.posts[str(what.job_id)] == 1


def test_a_picture_that_a_restarted_server_has_forgotten_is_found_by_its_file(server):
    what = ordered(product=None)
    painted = paint(what)
    server.forget()
    again = ComfyUI().resume(what)
    assert again is not None and again.image == painted.image and server.posts[str(what.job_id)] == 1


def test_what_was_written_down_and_never_sent_is_painted_now(server):
    what = ordered(product=None)
    needs = pool.take_seat(_needs(what), what.job_id, uuid4())
    needs.count_post()  # and here the worker died, before the POST
    assert ComfyUI().resume(what) is None
    paint(what)
    assert posts(server) == {str(what.job_id): 1}


def _needs(what: PictureOrder):
    from painting.comfyui import _Work

    return _Work.of(what).needs


@pytest.mark.django_db(transaction=True)
def test_a_job_that_still_runs_is_waited_for_by_whoever_takes_it_over_and_the_first_hand_stops(server):
    starters.load()
    pool.adopt_from_settings([server.url])
    server.step_seconds = 0.5
    what = ordered(product=None, needs={**SCENE, "settings": {"steps": 10}})
    box: dict[str, Any] = {}

    def first() -> None:
        try:
            box["first"] = paint(what)
        except EngineError as error:
            box["error"] = error
        finally:
            connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    server.wait_for(lambda: str(what.job_id) in server.posts)
    again = ComfyUI().resume(what)
    thread.join(20)
    assert again is not None and server.posts[str(what.job_id)] == 1
    assert box["error"].code == "lost"


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_job_stops_on_its_server_and_leaves_its_seat(server):
    starters.load()
    pool.adopt_from_settings([server.url])
    server.hang = True
    what = ordered(product=None)
    box: dict[str, Any] = {}

    def work() -> None:
        try:
            paint(what)
        except EngineError as error:
            box["error"] = error
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    server.wait_for(lambda: server.state.running)
    ComfyUI().cancel(what.job_id)
    server.wait_for(lambda: not server.state.running)
    assert not ServerJob.objects.filter(pk=what.job_id).exists()
    assert server.interrupts == [{"prompt_id": str(what.job_id)}]
    thread.join(20)
    assert box["error"].code == "lost", "a cancel is no failure to be made good"
    assert posts(server) == {str(what.job_id): 1}


def test_cancelling_what_was_never_begun_asks_nobody(server):
    before = len(server.requests)
    ComfyUI().cancel(UUID(int=7))
    assert len(server.requests) == before


@pytest.mark.django_db(transaction=True)
def test_a_server_that_forgets_everything_in_the_middle_is_left_for_another_and_painted_there_once(server, second):
    starters.load()
    pool.adopt_from_settings([server.url, second.url])
    Server.objects.filter(address=server.url).update(warm="sd15.safetensors")
    server.hang = True
    what = ordered(product=None)
    box: dict[str, Any] = {}

    def work() -> None:
        try:
            box["made"] = paint(what)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    server.wait_for(lambda: server.state.running)
    server.forget()
    thread.join(20)
    assert box["made"].server == Server.objects.get(address=second.url).name
    assert server.posts[str(what.job_id)] == second.posts[str(what.job_id)] == 1
    assert len(second.painted) == 1 and not server.painted


# --- which engine paints


def test_auto_takes_comfyui_when_a_server_works_and_the_template_names_a_workflow(server):
    needs = {"comfyui": SCENE, "builtin": {}}
    assert choose("auto", needs) == "comfyui" and choose("draft", needs) == "builtin" and choose("builtin", needs) == "builtin"
    assert choose("auto", {"builtin": {}}) == "builtin" and choose("auto") == "builtin"
    assert choose("comfyui", needs) == "comfyui" and engine("comfyui").name == "comfyui"
    with pytest.raises(EngineError, match="not made for ComfyUI") as error:
        choose("comfyui", {"builtin": {}})
    assert error.value.code == "engine_not_for_template"
    Server.objects.update(open_until=2**52)
    assert choose("auto", needs) == "builtin", "a server in trouble is not chosen, and what is ordered from it by name waits"
    assert choose("comfyui", needs) == "comfyui"
    Server.objects.update(enabled=False)
    with pytest.raises(EngineError, match="No ComfyUI server is set up"):
        choose("comfyui", needs)


def film(**other: Any) -> Lora:
    return Lora.objects.create(**{"slug": "film", "title": "Film", "file_name": "style.safetensors", "family": "sd15", **other})


LACKS = {
    "checkpoint": {**SCENE, "models": {"checkpoint": "studio_xl.safetensors"}},
    "LoRA": {**SCENE, "loras": [{"lora": "gone"}]},
    "node": {**SCENE, "workflow": "sd-inpaint-keep-product"},
    "family": SCENE,
}


@pytest.mark.parametrize("lacks", LACKS)
def test_auto_does_not_take_comfyui_when_no_server_has_what_the_template_needs(server, lacks, django_assert_max_num_queries):
    film(slug="gone", file_name="gone.safetensors")
    needs = {"comfyui": LACKS[lacks], "builtin": {}}
    if lacks == "node":
        Server.objects.update(classes=sorted(set(Server.objects.get().classes) - {"SetLatentNoiseMask"}))
    if lacks == "family":
        Server.objects.update(families=["sdxl", "flux"])
    before = len(server.requests)
    with django_assert_max_num_queries(6):
        assert choose("auto", needs) == "builtin"
    with pytest.raises(
        EngineError, match="No picture server has the models that this template needs. Choose another template, Draft or auto"
    ) as error:
        choose("comfyui", needs)
    assert error.value.code == "model_missing" and error.value.permanent
    assert len(server.requests) == before, "an order asks no server"


def test_one_server_that_has_everything_is_enough_and_one_that_was_never_seen_may_have_it(server, second):
    needs = {"comfyui": {**SCENE, "models": {"checkpoint": "studio_xl.safetensors"}}, "builtin": {}}
    Server.objects.filter(address=second.url).update(last_seen=0)
    assert choose("auto", needs) == "builtin" and choose("comfyui", needs) == "comfyui"
    Server.objects.filter(address=second.url).update(last_seen=1, files={"ckpt_name": ["Studio_XL.safetensors"]})
    assert choose("auto", needs) == choose("comfyui", needs) == "comfyui"


def test_a_template_whose_settings_cannot_be_used_is_painted_by_another_engine_and_the_log_says_why(server, caplog):
    needs = {"comfyui": {**SCENE, "loras": [{"lora": "never-made"}]}, "builtin": {}}
    assert choose("auto", needs) == "builtin" and "no LoRA 'never-made'" in caplog.text
    with pytest.raises(EngineError, match="no LoRA 'never-made'. Choose Draft or auto"):
        choose("comfyui", needs)


def test_a_lora_of_another_family_is_refused_since_comfyui_would_leave_it_out_silently(server):
    film(family="flux")
    with pytest.raises(EngineError, match="'film' is made for Flux, and the template's models are sd15") as error:
        paint(ordered(product=None, needs={**SCENE, "loras": [{"lora": "film"}]}))
    assert error.value.code == "needs_invalid" and not server.posts


def test_a_lora_whose_weight_is_held_to_nothing_says_nothing_in_the_prompt(server):
    film(trigger_words="filmgrain", weight_min=0, weight_max=1)
    painted = paint(ordered(product=None, needs={**SCENE, "loras": [{"lora": "film", "weight": -1}]}))
    assert server.painted[0]["graph"]["4"]["inputs"]["text"] == "wet stone at dawn"
    assert painted.facts["loras"] == [{"lora": "film", "file": "style.safetensors", "weight": 0}]


def test_a_server_paints_only_the_families_that_it_is_meant_for(server, second):
    Server.objects.filter(address=server.url).update(families=["flux"], warm="sd15.safetensors")
    assert paint(ordered(product=None)).server == Server.objects.get(address=second.url).name
    Server.objects.update(families=["flux"])
    with pytest.raises(EngineError) as error:
        paint(ordered(product=None))
    assert error.value.code == "model_missing" and error.value.permanent


def test_putting_the_product_back_is_quick_and_changes_nothing_but_its_edge(server):
    what = ordered(product=shot("serum"))
    from painting.comfyui import _Work

    work = _Work.of(what)
    assert work.standing is not None
    scene = np.full((what.shape.height, what.shape.width, 3), 120, np.uint8)
    began = time.monotonic()
    done = work.standing.put_back(scene, shadow=False)
    assert time.monotonic() - began < 2
    body = work.standing.body
    solid = np.zeros(scene.shape[:2], bool)
    solid[body.top : body.top + body.height, body.left : body.left + body.width] = body.alpha > 0
    assert (done[~solid] == 120).all()
