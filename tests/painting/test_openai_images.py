"""Painting with OpenAI: the product stays what it is, refusals are learned from, and every failure ends as the marketer is told."""

from __future__ import annotations

import base64
import io
import json
import socket
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.apps import apps
from django.db.models import Sum
from PIL import Image

from accounts import ledger
from accounts.models import Brand, Transfer
from comfy import pool, starters
from comfy.models import Server
from finishing.fidelity import measure
from finishing.shapes import SHAPES
from generations import actions, pipeline, spending, tries, writing
from generations.models import Generation, Step
from painting import openai_account, openai_images
from painting.engine import EngineError, EngineUnavailable, Painted, PictureOrder, Progress, Spent
from painting.engines import choose, engine
from painting.openai_answers import spent_in
from painting.openai_images import OpenAIImages
from painting.openai_sizes import FIXED, free_size
from painting.openai_work import LEARNED
from prompting.brief import Brief
from prompting.models import TokenPrice
from tests.fakes.comfy_server import Simulator
from tests.fakes.faults import Fault
from tests.fakes.llm_server import Asked, LlmServer, painted, size_of
from tests.painting.orders import cutout, in_pixels, order, pixels, shot
from tests.people import placements

NEEDS = {"size": "auto", "quality": "high"}
OLD_SIZES = [f"{width}x{height}" for width, height in FIXED]
SPENT = {"input_tokens": 1050, "output_tokens": 1056, "input_tokens_details": {"image_tokens": 1000, "text_tokens": 50}}


class PictureServer(LlmServer):
    """A server whose image model can be older, smaller or stranger: `takes_not` names what it refuses to be told, as OpenAI says it."""

    def __init__(self) -> None:
        super().__init__(hang_seconds=5)
        self.takes_not: set[str] = set()
        self.streams = self.edits = True
        self.silent_about = False  # whether a refusal names the parameter in its sentence only
        self.answer: Fault | None = None

    def next_fault(self, asked: Asked) -> Fault | None:
        fault = super().next_fault(asked) or self.answer
        if not self.edits and asked.path.endswith("/edits"):
            return Fault(404, {"Content-Type": "text/plain"}, b"404 page not found")
        known = {"size"} if asked.body["size"] in OLD_SIZES else set()
        if refused := next((name for name in sorted(self.takes_not - known) if name in asked.body), ""):
            told = {
                "message": f"Unknown parameter: '{refused}'.",
                "param": None if self.silent_about else refused,
                "code": "unknown_parameter",
            }
            return said({"error": {"type": "invalid_request_error", **told}}, status=400)
        if not self.streams:
            asked.body.pop("stream", None)
        return fault


def said(told: Any, status: int = 200) -> Fault:
    return Fault(status, {"Content-Type": "application/json"}, json.dumps(told).encode())


def streamed(*events: dict[str, Any]) -> Fault:
    lines = "".join(f"event: {event.get('type', 'error')}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Fault(200, {"Content-Type": "text/event-stream"}, lines.encode())


@pytest.fixture(autouse=True)
def nothing_is_known() -> None:
    LEARNED.clear()


@pytest.fixture
def server(settings) -> Iterator[PictureServer]:
    with PictureServer() as fake:
        # A key of its own: what another test was answered is of no concern to this one.
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL, settings.OPENAI_IMAGE_MODEL = f"sk-{uuid4()}", fake.url, "gpt-image-2"
        yield fake


def ordered(**other: Any) -> PictureOrder:
    plain = {"shape": "1.91:1", "needs": NEEDS, "job_id": uuid4(), "scene_prompt": "wet stone at dawn", "negative_prompt": "fog"}
    return order(**{**plain, **other})


def paint(what: PictureOrder, heard: list[float] | None = None, **patience: float) -> Painted:
    def on_progress(progress: Progress) -> None:
        if heard is not None:
            heard.append(progress.fraction)

    return OpenAIImages(**patience).paint(what, on_progress)


def opened(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(data)))


# --- what is painted


@pytest.mark.parametrize("shape", ["1.91:1", "4:5", "9:16"])
@pytest.mark.parametrize("sizes", ["any size", "three sizes"])
def test_the_product_keeps_its_own_pixels(server, shape, sizes):
    server.takes_not = {"size"} if sizes == "three sizes" else set()
    what = ordered(shape=shape, product=shot("serum"))
    made = paint(what)
    picture, box = pixels(made), made.geometry.product
    assert picture.shape == (what.shape.height, what.shape.width, 3) and box is not None
    found = measure(picture, cutout("serum"), in_pixels(box, *what.shape.size))
    assert found["mask_overlap"] > 0.95 and found["delta_e"] < 1.5 and found["ssim"] > 0.95, found
    assert abs((box.left + box.right) / 2 - what.stage.x) < 0.01 and abs(box.bottom - what.stage.ground) < 0.01


def test_the_model_is_shown_the_product_at_its_place_and_told_what_to_keep(server):
    what = ordered(product=shot("serum"))
    made = paint(what)
    (asked,) = server.requests
    assert asked.path == "/images/edits"
    assert {name: asked.body[name] for name in ("model", "size", "quality", "input_fidelity", "stream")} == {
        "model": "gpt-image-2",
        "size": "1136x592",
        "quality": "high",
        "input_fidelity": "high",
        "stream": "true",
    }
    assert "wet stone at dawn" in asked.body["prompt"] and "Avoid: fog." in asked.body["prompt"]
    assert {name.lower(): value for name, value in asked.headers.items()}["x-client-request-id"] == str(what.job_id)
    files = dict(asked.files)
    shown, mask = opened(files["image"]), opened(files["mask"])
    assert shown.shape == (592, 1136, 3) and mask.shape == (592, 1136, 4)
    assert set(np.unique(mask[..., 3])) == {0, 255}, "kept or painted, nothing between"
    rows, columns = np.nonzero(mask[..., 3])
    box = made.geometry.product
    assert box is not None
    edges = (columns.min() / 1136, rows.min() / 592, (columns.max() + 1) / 1136, (rows.max() + 1) / 592)
    assert np.allclose(edges, tuple(box), atol=0.012), "the mask keeps what the ad will show as the product"
    assert np.ptp(shown[mask[..., 3] == 0].reshape(-1, 3), axis=0).max() < 200 and (shown[0, 0] == 209).all(), (
        "around it is a studio's grey"
    )


def test_an_order_without_a_product_is_a_scene_alone(server):
    made = paint(ordered(product=None))
    (asked,) = server.requests
    assert asked.path == "/images/generations" and not asked.files and "input_fidelity" not in asked.body
    assert asked.body["prompt"].startswith("wet stone at dawn\n")
    assert made.geometry.product is None and made.facts["way"] == "generate"
    prompt = f"{asked.body['prompt']}|0|[]"
    theirs = (
        Image.open(io.BytesIO(painted(prompt, 1136, 592)))
        .convert("RGB")
        .crop((2, 0, 1133, 592))
        .resize((1200, 628), Image.Resampling.LANCZOS)
    )
    assert np.abs(pixels(made).astype(int) - np.asarray(theirs)).mean() < 0.1, "theirs, and only their edge is read a little otherwise"


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("sizes", ["any size", "three sizes"])
def test_every_shape_comes_in_its_own_pixels(server, shape, sizes):
    server.takes_not = {"size"} if sizes == "three sizes" else set()
    made = paint(ordered(shape=shape))
    assert Image.open(io.BytesIO(made.image)).size == SHAPES[shape].size
    width, height = made.facts["painted_at"]
    assert f"{width}x{height}" == server.requests[-1].body["size"]
    if sizes == "any size":
        assert width % 16 == height % 16 == 0 and width <= SHAPES[shape].width and height <= SHAPES[shape].height
        assert abs(width / height / SHAPES[shape].ratio - 1) < 0.01 and width * height >= 655_360
    else:
        assert (width, height) in FIXED


@pytest.mark.parametrize("frame", ["arch", "card", "circle"])
def test_a_photograph_without_cut_out_hangs_in_its_frame_in_the_painted_scene(server, frame):
    made = paint(ordered(product=shot("serum", cut=False), needs={**NEEDS, "frame": frame}))
    assert made.facts["frame"] == frame and made.geometry.product is not None
    assert [asked.path for asked in server.requests] == ["/images/generations"]
    assert "free room" in server.requests[0].body["prompt"]


def test_a_photograph_that_fills_the_picture_costs_nothing_and_differs_from_seed_to_seed(server):
    full = {**NEEDS, "frame": "full"}
    first, again, other = (paint(ordered(product=shot("serum", cut=False), needs=full, seed=seed)) for seed in (5, 5, 6))
    assert first.image == again.image != other.image
    assert first.spent.tokens == 0 and server.requests == []


def test_the_templates_own_size_is_asked_for_and_the_shape_cropped_from_it(server):
    made = paint(ordered(shape="9:16", needs={"size": "1024x1280"}))
    assert server.requests[0].body["size"] == "1024x1280" and Image.open(io.BytesIO(made.image)).size == (1080, 1920)


def test_a_picture_of_another_size_than_asked_is_cropped_all_the_same(server):
    server.script("wrong_size")
    made = paint(ordered(product=shot("serum")))
    assert Image.open(io.BytesIO(made.image)).size == (1200, 628) and made.facts["painted_at"] == [568, 296]


def test_the_recipe_says_what_was_bought_and_that_a_seed_does_not_bring_it_back(server):
    heard: list[float] = []
    made = paint(ordered(product=None, seed=99), heard)
    assert made.facts == {
        "way": "generate",
        "frame": None,
        "seed": 99,
        "repeatable": False,
        "painted_at": [1136, 592],
        "quality": "low",
        "tokens": {"text": 50, "image": 0, "output": 1056},
        "model": "gpt-image-2",
    }
    assert made.spent == Spent("gpt-image-2", text=50, output=1056) and made.server == server.url.split("/")[2]
    assert heard == sorted(heard) and heard[-1] == 1.0 and any(0.3 < each < 0.9 for each in heard), "unfinished pictures say how far it is"


def test_a_marketer_who_cancels_stops_the_picture_at_the_next_news_of_it(server):
    def on_progress(progress: Progress) -> None:
        if progress.fraction > 0.1:
            raise EngineError("This picture was cancelled.", code="lost")

    with pytest.raises(EngineError) as error:
        OpenAIImages().paint(ordered(), on_progress)
    assert error.value.code == "lost"


def test_nothing_is_found_again_and_nothing_can_be_stopped(server):
    what = ordered()
    OpenAIImages().cancel(what.job_id)
    assert OpenAIImages().resume(what) is None and server.requests == []


# --- what a model does not take


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("refused", ["size", "quality", "input_fidelity", "partial_images", "stream"])
def test_what_a_model_refuses_to_be_told_is_left_out_from_then_on(server, refused, silent):
    server.takes_not, server.silent_about = {refused}, silent
    paint(ordered(product=shot("serum")))
    assert len(server.requests) == 2 and refused in server.requests[0].body
    paint(ordered(product=shot("serum")))
    last = server.requests[2]
    assert len(server.requests) == 3, "the second picture is asked for once"
    assert last.body["size"] in OLD_SIZES if refused == "size" else refused not in last.body


def test_a_model_that_refuses_almost_everything_still_paints(server):
    server.takes_not = {"size", "quality", "input_fidelity", "partial_images", "stream"}
    paint(ordered(product=shot("serum")))
    assert sorted(server.requests[-1].body) == ["model", "prompt", "size"] and len(server.requests) == 6


def test_what_one_model_refused_another_is_told(server, settings):
    server.takes_not = {"quality"}
    paint(ordered())
    settings.OPENAI_IMAGE_MODEL, server.takes_not = "gpt-image-9", set()
    paint(ordered())
    assert server.requests[-1].body["quality"] == "high"


def test_a_server_without_edits_paints_the_scene_and_the_product_is_stood_in_it(server):
    server.edits = False
    what = ordered(product=shot("serum"))
    made = paint(what)
    box = made.geometry.product
    assert made.facts["way"] == "generate" and box is not None
    found = measure(pixels(made), cutout("serum"), in_pixels(box, *what.shape.size))
    assert found["mask_overlap"] > 0.95 and found["delta_e"] < 1.5, found
    paint(what)
    assert [asked.path.rpartition("/")[2] for asked in server.requests] == ["edits", "generations", "generations"]


def test_a_server_that_found_nothing_for_a_while_is_asked_for_edits_again(server, settings):
    lost = Fault(404, {"Content-Type": "text/plain"}, b"404 page not found")
    server.answer = lost
    with pytest.raises(EngineError) as error:
        paint(ordered(product=shot("serum")))
    assert error.value.code == "model_missing" and len(server.requests) == 2
    server.answer, settings.OPENAI_API_KEY = None, f"sk-{uuid4()}"
    assert paint(ordered(product=shot("serum"))).facts["way"] == "edit"


def test_a_server_that_knows_no_streams_gives_its_picture_in_one_piece(server):
    server.streams = False
    made = paint(ordered(product=shot("serum")))
    assert made.facts["tokens"]["output"] == 1056 and len(server.requests) == 1


# --- what goes wrong

WAITS, AGAIN, OVER = "waits", "again", "over"


@pytest.mark.parametrize(
    ("fault", "end", "code"),
    [
        ("rate_limit", WAITS, "engine_busy"),
        ("rate_limit_long", WAITS, "engine_busy"),
        ("rate_limit_bare", WAITS, "engine_busy"),
        ("rate_limit_nonsense", WAITS, "engine_busy"),
        ("overloaded", WAITS, "engine_busy"),
        ("quota", WAITS, "quota"),
        ("server_error", AGAIN, "engine_failed"),
        ("bad_gateway", AGAIN, "engine_failed"),
        ("gateway_timeout", AGAIN, "engine_failed"),
        ("timeout", AGAIN, "engine_failed"),
        ("drip", AGAIN, "engine_failed"),
        ("reset", AGAIN, "engine_failed"),
        ("closed", AGAIN, "engine_failed"),
        ("truncated_body", AGAIN, "engine_failed"),
        ("html", AGAIN, "bad_picture"),
        ("bad_picture", AGAIN, "bad_picture"),
        ("no_picture", AGAIN, "bad_picture"),
        ("not_text", AGAIN, "bad_picture"),
        ("unauthorized", OVER, "key_refused"),
        ("forbidden", OVER, "key_refused"),
        ("model_missing", OVER, "model_missing"),
        ("too_long", OVER, "order_not_taken"),
        ("redirect", OVER, "order_not_taken"),
        ("moderation_blocked", OVER, "refused"),
        ("content_policy", OVER, "refused"),
    ],
)
def test_a_fault_ends_as_it_should_after_one_call(server, fault, end, code):
    server.always = fault
    with pytest.raises(EngineError) as error:
        paint(ordered(), whole=0.5)
    assert error.value.code == code
    assert (isinstance(error.value, EngineUnavailable), error.value.permanent) == {
        WAITS: (True, False),
        AGAIN: (False, False),
        OVER: (False, True),
    }[end]
    assert len(server.requests) == 1, "no second call that nobody counts"
    assert str(error.value).endswith(".") and "sk-" not in str(error.value) and "Error" not in str(error.value)


@pytest.mark.parametrize(
    ("events", "code", "permanent"),
    [
        ([{"error": {"message": "no", "code": "moderation_blocked", "type": "image_generation_user_error"}}], "refused", True),
        ([{"error": {"message": "no", "code": "insufficient_quota", "type": "insufficient_quota"}}], "quota", False),
        ([{"error": {"message": "no", "code": "rate_limit_exceeded", "type": "tokens"}}], "engine_busy", False),
        ([{"error": {"message": "no", "code": None, "type": "server_error"}}], "engine_failed", False),
        ([{"type": "image_generation.partial_image", "b64_json": "AAAA", "partial_image_index": "many"}], "bad_picture", False),
        ([{"type": "image_generation.completed", "b64_json": None}], "bad_picture", False),
        ([{"type": "image_generation.completed", "b64_json": "%%%"}], "bad_picture", False),
        ([], "bad_picture", False),
    ],
)
def test_what_goes_wrong_in_the_middle_of_a_stream_means_the_same(server, events, code, permanent):
    server.answer = streamed(*events)
    with pytest.raises(EngineError) as error:
        paint(ordered())
    assert (error.value.code, error.value.permanent) == (code, permanent)


@pytest.mark.parametrize(
    "told",
    [
        [],
        "picture",
        {"data": None},
        {"data": ["picture"]},
        {"data": [{"url": "http://127.0.0.1:9/picture.png"}]},
        {"data": [{"b64_json": 7}]},
        {"data": {"b64_json": "AAAA"}},
    ],
)
def test_an_answer_that_is_no_picture_is_never_taken_for_one(server, told):
    server.answer = said(told)
    with pytest.raises(EngineError) as error:
        paint(ordered())
    assert error.value.code == "bad_picture" and not error.value.permanent


def test_a_picture_of_a_size_to_choke_on_is_not_unpacked(server):
    file = io.BytesIO()
    Image.new("1", (9000, 9000)).save(file, "PNG")
    server.answer = said({"data": [{"b64_json": base64.b64encode(file.getvalue()).decode()}]})
    with pytest.raises(EngineError) as error:
        paint(ordered())
    assert error.value.code == "bad_picture"


def test_an_answer_without_end_is_cut_off(server, monkeypatch):
    monkeypatch.setattr(openai_images, "MOST_BYTES", 50_000)
    with pytest.raises(EngineError) as error:
        paint(ordered())
    assert error.value.code == "engine_failed"


def test_a_whole_call_ends_in_time_however_it_drips(server):
    server.always = "drip"
    began = time.monotonic()
    with pytest.raises(EngineError, match="took too long"):
        paint(ordered(), whole=0.6)
    assert time.monotonic() - began < 2.5


def test_a_server_that_is_not_there_makes_the_picture_wait(server, settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            paint(ordered())


def test_nobody_asks_again_before_the_time_that_was_named(server):
    server.script("rate_limit")
    for _ in range(3):
        with pytest.raises(EngineUnavailable):
            paint(ordered())
    assert len(server.requests) == 1 and not openai_account.healthy()
    time.sleep(1.1)
    assert paint(ordered()).image and openai_account.healthy()


def test_a_refused_key_is_asked_with_once_a_minute_and_a_new_one_at_once(server, settings):
    server.script("unauthorized")
    for _ in range(2):
        with pytest.raises(EngineError, match="does not accept our key") as error:
            paint(ordered())
        assert error.value.permanent and not isinstance(error.value, EngineUnavailable)
    assert len(server.requests) == 1
    settings.OPENAI_API_KEY = "sk-another"
    assert paint(ordered()).image


@pytest.mark.parametrize("fault", ["moderation_blocked", "server_error", "too_long", "bad_picture"])
def test_one_pictures_trouble_is_not_everyones(server, fault):
    server.script(fault)
    with pytest.raises(EngineError):
        paint(ordered())
    assert paint(ordered()).image


def test_a_cache_that_is_away_stops_no_picture(server, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}}
    assert paint(ordered()).image
    server.script("rate_limit")
    with pytest.raises(EngineUnavailable):
        paint(ordered())


# --- what a template says


@pytest.mark.parametrize(
    ("needs", "wrong"),
    [
        ({"colour": "red"}, "no field 'colour'"),
        ({"quality": "best"}, "'quality' must be one of auto, low"),
        ({"quality": ["high"]}, "'quality' must be"),
        ({"frame": "star"}, "'frame' must be one of arch"),
        ({"size": "1000x1000"}, "'size' must be auto"),
        ({"size": "4096x4096"}, "'size' must be auto"),
        ({"size": "1600x160"}, "'size' must be auto"),
        ({"size": 1024}, "'size' must be auto"),
    ],
)
def test_settings_that_cannot_be_used_are_named_before_anything_is_bought(server, needs, wrong):
    with pytest.raises(EngineError, match=wrong) as error:
        paint(ordered(needs=needs))
    assert error.value.code == "needs_invalid" and error.value.permanent and server.requests == []


def test_an_empty_cut_out_is_said_before_anything_is_bought(server):
    file = io.BytesIO()
    Image.new("RGBA", (200, 200)).save(file, "PNG")
    product = shot("serum")
    with pytest.raises(EngineError, match="cut-out is empty") as error:
        paint(ordered(product=type(product)(product.photo, file.getvalue())))
    assert error.value.code == "cutout_unusable" and error.value.permanent and server.requests == []


# --- what it costs


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("usage", "model", "micro_usd"),
    [
        (SPENT, "gpt-image-2", 50 * 5 + 1000 * 8 + 1056 * 30),
        (SPENT, "gpt-image-2-2026-04-21", 50 * 5 + 1000 * 8 + 1056 * 30),
        (SPENT, "gpt-image-1-mini", 50 * 2 + 2500 + 1056 * 8),
        ({"input_tokens": 1}, "my-model", 1),
        ({"output_tokens": 10}, "my-model", 0),
        ({"input_tokens": 30, "input_tokens_details": None, "output_tokens": "many"}, "gpt-image-2", 150),
        (None, "gpt-image-2", 0),
        (SPENT, "local-diffusion", 0),
    ],
)
def test_tokens_become_money_by_the_table_that_staff_keep(prices, usage, model, micro_usd):
    TokenPrice.objects.create(model="my-model", prompt=3, completion=0)
    assert spending.money(spent_in(usage, model))["micro_usd"] == micro_usd


def test_a_model_without_a_price_paints_and_says_what_it_used(server, settings):
    settings.OPENAI_IMAGE_MODEL = "local-diffusion"
    assert paint(ordered()).spent == Spent("local-diffusion", text=50, output=1056)


@pytest.mark.parametrize("usage", [SPENT, {}])
def test_an_answer_that_is_no_picture_is_paid_all_the_same(server, usage):
    server.answer = said({"data": [{"b64_json": "bm90IGEgcGljdHVyZQ=="}], "usage": usage})
    with pytest.raises(EngineError) as error:
        paint(ordered())
    assert error.value.spent == spent_in(usage, "gpt-image-2")


@pytest.mark.parametrize("shape", list(SHAPES.values()), ids=lambda shape: shape.id)
def test_a_size_is_never_larger_than_the_shape(shape):
    width, height = free_size(shape.size)
    assert width <= shape.width and height <= shape.height and size_of(f"{width}x{height}") == (width, height)


# --- which engine is chosen


@pytest.mark.django_db
def test_auto_takes_openai_for_a_template_that_names_it_while_it_works(server):
    needs = {"builtin": {}, "openai": NEEDS}
    assert choose("auto", needs) == "openai" and choose("draft", needs) == "builtin"
    assert choose("auto", {"builtin": {}}) == choose("auto") == "builtin"
    assert choose("openai", needs) == choose("openai") == "openai" and engine("openai").name == "openai"
    server.script("quota")
    with pytest.raises(EngineUnavailable):
        paint(ordered())
    assert choose("auto", needs) == "builtin" and choose("openai", needs) == "openai", "what is ordered by name waits"


@pytest.mark.django_db
def test_auto_prefers_a_comfyui_server_that_works_and_has_what_is_needed(server):
    needs = {"comfyui": {"workflow": "sd-text2img", "family": "sd15", "models": {"checkpoint": "sd15.safetensors"}}, "openai": NEEDS}
    starters.load()
    assert choose("auto", needs) == "openai"
    with Simulator() as comfyui:
        pool.adopt_from_settings([comfyui.url])
    assert choose("auto", needs) == "comfyui"
    Server.objects.update(files={"ckpt_name": ["another.safetensors"]})
    assert choose("auto", needs) == "openai"


@pytest.mark.django_db
def test_a_template_that_does_not_name_openai_is_not_painted_by_it(server):
    with pytest.raises(EngineError, match="not made for OpenAI") as error:
        choose("openai", {"builtin": {}})
    assert error.value.code == "engine_not_for_template"


@pytest.mark.django_db
def test_what_is_not_set_up_is_named(server, settings):
    needs = {"openai": NEEDS}
    settings.OPENAI_IMAGE_MODEL = ""
    assert choose("auto", needs) == "builtin"
    with pytest.raises(EngineError, match="Set OPENAI_IMAGE_MODEL") as error:
        choose("openai", needs)
    assert error.value.code == "engine_not_configured" and error.value.permanent
    with pytest.raises(EngineUnavailable, match="Set OPENAI_IMAGE_MODEL"):
        paint(ordered())
    settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = ""
    with pytest.raises(EngineError, match="No OpenAI key is set up"):
        choose("openai", needs)


def test_a_server_of_ones_own_needs_no_key(server, settings):
    settings.OPENAI_API_KEY = ""
    assert paint(ordered()).image and openai_account.missing() == ""


# --- a whole order


@pytest.fixture
def prices(db: None) -> None:
    """What tokens cost, also after a test that emptied every table."""
    if not TokenPrice.objects.exists():
        import_module("prompting.migrations.0003_prices_of_pictures_and_where_they_were_read").fill(apps, None)


@pytest.fixture
def order_it(server, prices, brand, template, photo) -> Callable[..., Generation]:
    """Orders two pictures of the serum, as Mia does."""
    ledger.grant(brand, 20, reason="Welcome", by=None)

    def order_it(engine: str = "openai") -> Generation:
        return actions.order_generation(
            by=None,
            brand=brand,
            template=template,
            brief=Brief.read({"headline": "Wake up to glow", "product": "Radiance serum"}),
            placements=placements("google_display_300x250", "google_display_250x250"),
            photos=[photo],
            engine=engine,
            seed=7,
        )

    return order_it


def test_an_order_is_bought_once_and_its_money_is_written_down(server, order_it):
    generation = order_it()
    writing.write(generation.pk)
    server.script("server_error")
    ended = pipeline.run(generation.pk)
    assert ended.status == Generation.Status.READY
    bought = Step.objects.filter(generation=generation, kind=Step.Kind.PAINT, error="")
    assert {step.micro_usd for step in bought} == {50 * 5 + 1056 * 30} and bought.count() == ended.pictures.count()
    asked = [each for each in server.requests if each.path.startswith("/images")]
    assert len(asked) == ended.pictures.count() + 1, "one failed, none was bought twice"


def test_a_picture_that_is_no_use_is_counted_before_it_is_bought_again(server, order_it, monkeypatch):
    monkeypatch.setattr(tries, "PAUSE", 0.01)
    generation = order_it()
    writing.write(generation.pk)
    server.answer = said({"data": [{"b64_json": "bm90IGEgcGljdHVyZQ=="}], "usage": SPENT})
    assert pipeline.make_next()
    server.answer = None
    ended = pipeline.run(generation.pk)
    assert ended.status == Generation.Status.READY
    useless = Step.objects.get(generation=generation, kind=Step.Kind.PAINT, micro_usd__gt=0, error__startswith="OpenAI gave no usable")
    assert useless.micro_usd == 50 * 5 + 1000 * 8 + 1056 * 30 and useless.tokens == 50 + 1000 + 1056
    whole = Step.objects.filter(generation=generation).aggregate(sum=Sum("micro_usd"))["sum"]
    assert spending.spent_today(generation.brand) == whole == useless.micro_usd + ended.pictures.count() * (50 * 5 + 1056 * 30)


def test_a_brand_that_has_spent_its_day_buys_no_picture_and_pays_no_credit(server, order_it, brand):
    generation = order_it()
    writing.write(generation.pk)
    Brand.objects.filter(pk=brand.pk).update(daily_micro_usd=0)
    ended = pipeline.run(generation.pk)
    assert ended.status == Generation.Status.FAILED
    picture = ended.pictures.first()
    assert picture.error_code == "daily_budget" and "order again tomorrow" in picture.error_message
    assert not [each for each in server.requests if each.path.startswith("/images")]
    assert Transfer.objects.filter(brand=brand, kind="void").count() == ended.pictures.count()


def test_an_order_for_auto_is_painted_without_money_once_the_day_is_spent_and_one_for_openai_is_not_taken(server, order_it, brand):
    brand.daily_micro_usd = 0
    assert {picture.engine for picture in order_it("auto").pictures.all()} == {"builtin"}
    with pytest.raises(actions.OrderRefused, match="used up. Choose Draft or auto"):
        order_it("openai")
    brand.daily_micro_usd = None
    assert {picture.engine for picture in order_it("auto").pictures.all()} == {"openai"}
