"""The simulated ComfyUI answers as the recorded real one did."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fakes.comfy_paintbox import painted, png
from tests.fakes.comfy_server import ERRORS, RECORDINGS, Simulator

# What the pool never asks for, and what only the recording machine had.
NOT_PLAYED = (
    "/experiment",
    "/internal",
    "/extensions",
    "/users",
    "/settings",
    "/workflow_templates",
    "/i18n",
    "/view_metadata",
    "/upload/mask",
)
LAB = {
    "checkpoints": ("lab_sd15_tiny.safetensors", "lab_style_as_ckpt.safetensors", "lab_broken.safetensors"),
    "loras": ("lab_product.safetensors", "lab_style.safetensors", "lab_unfit.safetensors", "lab_broken_lora.safetensors"),
}


def recording(name: str) -> list[dict[str, Any]]:
    return json.loads((RECORDINGS / f"{name}.json").read_text())["events"]


def shape(value: Any) -> Any:
    """A value's keys and types. Lists have the shape of their first item."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items() if name not in ("traceback", "input_config", "exception_message")}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


@pytest.fixture
def lab():
    with Simulator(**LAB) as server:
        server.files[("input", "lab", "lab-shoe.png")] = png(painted(32, 24, "shoe"))
        server.files[("input", "lab", "not-an-image.png")] = b"this is no image"
        server.broken |= dict.fromkeys(("lab_broken.safetensors", "lab_broken_lora.safetensors"), ERRORS["model"])
        server.broken["lab_style_as_ckpt.safetensors"] = ("RuntimeError", "ERROR: Could not detect model type of: <comfyui>/models/x\n\n")
        yield server


def replay(server: Simulator, event: dict[str, Any], ids: dict[str, str]) -> requests.Response:
    """Send a recorded request again. Ids that the server made stand for those it made then."""
    asked = json.loads(_renamed(json.dumps(event["request"]), ids))
    files = {name: (file["filename"], _content(file), file["content_type"]) for name, file in asked.get("multipart_files", {}).items()}
    body = asked.get("body", json.dumps(asked["json"]) if "json" in asked else None)
    data = asked.get("form") if files or "form" in asked else body.encode() if body is not None else None
    return requests.request(
        event["method"],
        server.url + _renamed(event["path"], ids),
        params=asked.get("query"),
        headers=asked.get("headers"),
        data=data,
        files=files or None,
    )


def _content(file: dict[str, Any]) -> bytes:
    """Bytes in the place of those that were uploaded then: the same for the same length."""
    return b"this is no image" if file["filename"].startswith("not-an-image") else png(painted(16, 12, str(file["bytes"])))


def _renamed(text: str, ids: dict[str, str]) -> str:
    for then, now in ids.items():
        text = text.replace(then, now)
    return text


@pytest.mark.parametrize("name", ["no-model-graphs", "upload", "prompt-errors", "server-info", "execution-errors", "txt2img-lora"])
def test_every_recorded_request_gets_an_answer_of_the_recorded_shape(lab, name):
    ids: dict[str, str] = {}
    compared = 0
    for event in recording(name):
        if event["kind"] != "http" or event["path"].startswith(NOT_PLAYED) or _only_there(event):
            continue
        if event["path"].startswith("/history/"):
            lab.wait_for(lambda: not lab.state.pending and not lab.state.running)
        answer = replay(lab, event, ids)
        then = event["response"]
        about = f"{event['method']} {event['path']} {json.dumps(event['request'])[:300]} → {answer.text[:300]}"
        assert answer.status_code == then["status"], about
        if "json" in then and then["json"] is not None:
            got, wanted = answer.json(), json.loads(_renamed(json.dumps(then["json"]), ids))
            if isinstance(wanted, dict) and "prompt_id" in wanted:
                ids[wanted["prompt_id"]] = got["prompt_id"]
            elif event["path"].startswith("/history/"):
                assert _ending(got) == _ending(wanted), about
                assert shape(_known(got)) == shape(_known(wanted)), about
                compared += 1
                continue
            assert type(got) is type(wanted), about
            assert not wanted or _comparable(shape(got)) == _comparable(shape(wanted)), about
            assert answer.headers["Content-Type"] == then["headers"]["content-type"], about
        compared += 1
    assert compared >= 4


def _only_there(event: dict[str, Any]) -> bool:
    """Requests whose answer hangs on files or options of the recording machine."""
    asked = json.dumps(event["request"])
    query = event["request"].get("query", {})
    return (
        event["path"] in ("/", "/models")
        or "outside.png" in asked
        or "Origin" in asked
        or "preview" in query
        or (event["path"] == "/view" and event["response"]["status"] in (200, 500))
        or event["path"].startswith("/object_info/LoadImage")
        or '"1": {"class_type": "EmptyImage"}' in asked  # a node without inputs: never sent by us
    )


def _comparable(told: Any) -> Any:
    """Without what only a Python traceback of the real server would tell."""
    if isinstance(told, dict):
        return {name: _comparable(inner) for name, inner in told.items() if name not in ("exception_type", "received_value", "linked_node")}
    return [_comparable(inner) for inner in told] if isinstance(told, list) else told


def _known(history: dict[str, Any]) -> dict[str, Any]:
    """One history entry without its messages and its graph."""
    entry = next(iter(history.values()), None)
    if entry is None:
        return {}
    return {
        "outputs": entry["outputs"],
        "meta": entry["meta"],
        "status": {**entry["status"], "messages": []},
        "prompt": len(entry["prompt"]),
    }


def _ending(history: dict[str, Any]) -> Any:
    entry = next(iter(history.values()), None)
    return entry and (entry["status"]["status_str"], [kind for kind, _ in entry["status"]["messages"]], sorted(entry["outputs"]))


def test_the_socket_tells_a_run_in_the_recorded_order(lab):
    import websocket

    events = recording("no-model-graphs")
    first = next(event for event in events if event.get("path") == "/prompt")
    recorded_id = first["response"]["json"]["prompt_id"]
    recorded = [
        (event["json"]["type"], event["json"]["data"].get("node"))
        for event in events
        if event["kind"] == "ws" and event["json"]["data"].get("prompt_id") == recorded_id
    ]
    socket = websocket.create_connection(f"{lab.url.replace('http', 'ws')}/ws?clientId=me", timeout=5)
    socket.recv()  # its greeting: now it knows us
    requests.post(f"{lab.url}/prompt", json={**first["request"]["json"], "client_id": "me", "prompt_id": recorded_id})
    heard: list[Any] = []
    while ("executing", None) not in heard:
        message = json.loads(socket.recv())
        if message["data"].get("prompt_id") == recorded_id:
            heard.append((message["type"], message["data"].get("node")))
    socket.close()
    assert heard == recorded


def test_the_same_id_posted_twice_is_painted_twice(lab):
    graph = {"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 1}},
             "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a/b"}}}  # fmt: skip
    for _ in range(2):
        requests.post(f"{lab.url}/prompt", json={"prompt": graph, "prompt_id": "same"})
    lab.wait_for(lambda: len(lab.painted) == 2)
    assert lab.posts["same"] == 2


def test_what_waits_and_what_runs_is_deleted_and_interrupted_as_recorded(lab):
    """Through `/queue` only what waits; through `/interrupt` with an id only what runs; without an id whatever runs."""
    lab.step_seconds = 0.02
    events = [event for event in recording("cancel-and-interrupt") if event["kind"] == "http"]
    long, short = events[0], events[1]
    ids = {}
    for event in (long, short, events[2]):
        ids[event["response"]["json"]["prompt_id"]] = replay(lab, event, {}).json()["prompt_id"]
    running, waiting, last = ids.values()
    lab.wait_for(lambda: lab.state.running is not None)

    def queue() -> tuple[list[str], list[str]]:
        told = requests.get(f"{lab.url}/queue").json()
        return [item[1] for item in told["queue_running"]], [item[1] for item in told["queue_pending"]]

    requests.post(f"{lab.url}/queue", json={"delete": [waiting, running]})
    assert queue() == ([running], [last])
    assert requests.get(f"{lab.url}/history/{waiting}").json() == {}
    requests.post(f"{lab.url}/interrupt", json={"prompt_id": last})
    assert queue() == ([running], [last])
    requests.post(f"{lab.url}/interrupt", json={"prompt_id": running})
    lab.wait_for(lambda: running in lab.state.history and last in lab.state.history)
    assert [kind for kind, _ in lab.state.history[running]["status"]["messages"]][-1] == "execution_interrupted"
    assert lab.state.history[last]["status"]["status_str"] == "success"


def test_a_restart_forgets_everything_but_files(lab):
    graph = next(event for event in recording("no-model-graphs") if event.get("path") == "/prompt")["request"]["json"]["prompt"]
    requests.post(f"{lab.url}/prompt", json={"prompt": graph, "prompt_id": "one"})
    lab.wait_for(lambda: "one" in lab.state.history)
    lab.forget()
    assert requests.get(f"{lab.url}/history/one").json() == {}
    time.sleep(0.05)
    assert (
        requests.get(f"{lab.url}/view", params={"filename": "scaled_00001_.png", "subfolder": "lab", "type": "output"}).status_code == 200
    )


def test_it_runs_as_a_process_of_its_own_that_logs_each_picture_and_takes_orders(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log, url = tmp_path / "painted.jsonl", f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.fakes.comfy_server", "--port", str(port), "--log", str(log)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline().strip() == url
        graph = {"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 1}},
                 "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a/b"}}}  # fmt: skip
        requests.post(f"{url}/prompt", json={"prompt": graph, "prompt_id": "one"})
        until = time.monotonic() + 10
        while not requests.get(f"{url}/simulator").json()["painted"] and time.monotonic() < until:
            time.sleep(0.02)
        assert [json.loads(line)["prompt_id"] for line in log.read_text().splitlines()] == ["one"]
        told = requests.post(f"{url}/simulator", json={"set": {"hang": True}, "faults": [["/queue", 503, 1]], "do": "forget"}).json()
        assert told["posts"] == {"one": 1}
        assert requests.get(f"{url}/queue").status_code == 503
        assert requests.get(f"{url}/history/one").json() == {}
    finally:
        process.terminate()
        process.wait(10)
