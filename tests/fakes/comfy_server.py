"""A ComfyUI that needs no GPU: a real HTTP and websocket server that paints deterministic pictures, and misbehaves on demand.

Held to recordings of a real server by `test_comfy_server.py`. In a test: `with Simulator() as server: ... server.url`.
As a process of its own, for tests that kill workers: `python -m tests.fakes.comfy_server --port N --log FILE`. It then takes orders at
`POST /simulator` (`{"set": {"hang": true}}`, `{"do": "forget"}`) and tells what it counted at `GET /simulator`.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.fakes.comfy_answers import Handler, Listener
from tests.fakes.comfy_paintbox import NodeError, Paintbox, png, running_order, signature

RECORDINGS = Path(__file__).parent / "comfy_recordings"
ERRORS = {
    "oom": ("torch.OutOfMemoryError", "Allocation on device 0 would exceed allowed memory. (out of memory)\nTIPS: ...\n"),
    "node": ("ValueError", "could not broadcast <comfyui>/nodes.py\n"),
    "model": ("safetensors._safetensors_rust.SafetensorError", "Error while deserializing header: header too large\n"),
    "cuda": ("RuntimeError", "CUDA error: an illegal memory access was encountered\n"),
}


@dataclass
class Fault:
    """What happens to the next requests of a path: `drop` (before anything is done), `lose` (done, and no answer), a status, or seconds."""

    path: str
    do: str | int | float
    times: int = 1


@dataclass
class Switches:
    """How it misbehaves. All of it can be changed while it runs."""

    token: str = ""
    hang: bool = False  # what runs never ends, until it is cancelled
    step_seconds: float = 0.0  # of each sampler step
    fail: str = ""  # a key of ERRORS
    fail_times: int = 10**9
    wrong: str = ""  # size, black, empty, html, truncated, gone: what /view gives
    wrong_times: int = 10**9
    sockets: str = "on"  # on, off (refused), silent, cut (closed at once when something runs)
    previews: bool = False
    swap: bool = False  # history gives somebody else's pictures
    jobs: bool = False  # the newer dialect: /api/jobs/{id}/cancel
    late_history: float = 0.0  # seconds between the end on the socket and the entry in history
    dead: bool = False  # the worker is dead: everything answers, nothing runs
    own_ids: bool = False  # a release so old that it ignores our prompt_id
    no_output: bool = False  # ends well without our node
    version: str = "0.3.64"
    vram: int = 12 << 30


@dataclass
class State:
    """What a restart forgets."""

    number: int = 0
    pending: list[Any] = field(default_factory=list)
    running: Any = None
    history: dict[str, Any] = field(default_factory=dict)
    cached: dict[str, Any] = field(default_factory=dict)  # signature → what it told, of the prompt before


class Interrupted(Exception):
    pass


class Restarted(Exception):
    pass


class Simulator(Switches):
    """The server. `checkpoints` and the like are the model files it has; `log` takes one JSON line for each picture painted."""

    def __init__(self, *, port: int = 0, log: Path | None = None, checkpoints: tuple[str, ...] = ("sd15.safetensors", "sdxl.safetensors"),
                 loras: tuple[str, ...] = ("style.safetensors", "product.safetensors"), **switches: Any) -> None:  # fmt: skip
        super().__init__(**switches)
        self.models = {"checkpoints": list(checkpoints), "loras": list(loras), "vae": ["ae.safetensors"], "upscale_models": ["RealESRGAN_x2.pth"],
                       "text_encoders": ["clip_l.safetensors", "t5xxl_fp8_e4m3fn.safetensors"], "diffusion_models": ["flux1-dev.safetensors"]}  # fmt: skip
        self.broken: dict[str, tuple[str, str]] = {}  # model files that cannot be read, and what is said then
        self.lock = threading.Condition()
        self.state, self.epoch = State(), 0
        self.files: dict[tuple[str, str, str], bytes] = {}  # (type, subfolder, name)
        self.listeners: dict[str, Listener] = {}
        self.posts: Counter[str] = Counter()
        self.painted: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.hosts: set[str] = set()  # as what it was asked
        self.faults: list[Fault] = []
        self.interrupting = ""
        self.interrupts: list[Any] = []  # the bodies of every /interrupt
        self.log, self.stopping = log, False
        self.info = _object_info()
        self.http = ThreadingHTTPServer(("127.0.0.1", port), type("BoundHandler", (Handler,), {"simulator": self}))
        self.http.daemon_threads = True
        self.threads = [
            threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True),
            threading.Thread(target=self._work, daemon=True),
        ]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def __enter__(self) -> Simulator:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping = True
        self.forget()
        self.http.shutdown()
        self.http.server_close()

    def fault(self, path: str, do: str | int | float, times: int = 1) -> None:
        """Let the next requests of this path (its beginning) go wrong."""
        with self.lock:
            self.faults.append(Fault(path, do, times))

    def forget(self) -> None:
        """What a restart does: queue, history, counter and sockets are gone, files stay."""
        with self.lock:
            self.epoch += 1
            self.state = State()
            listeners, self.listeners = list(self.listeners.values()), {}
            self.lock.notify_all()
        for listener in listeners:
            listener.close()

    def interrupt(self) -> None:
        """Somebody else stops whatever runs."""
        with self.lock:
            self.interrupting = self.state.running[1] if self.state.running else ""

    def wait_for(self, what: Any, seconds: float = 10) -> None:
        """Wait until `what()` holds."""
        until = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < until, "The simulator waited in vain."
            time.sleep(0.005)

    def object_info(self) -> dict[str, Any]:
        """Node definitions with the model files that this server has."""
        info = json.loads(json.dumps(self.info))
        for kind, name, folder in (
            ("CheckpointLoaderSimple", "ckpt_name", "checkpoints"), ("LoraLoader", "lora_name", "loras"), ("LoraLoaderModelOnly", "lora_name", "loras"),
            ("VAELoader", "vae_name", "vae"), ("UNETLoader", "unet_name", "diffusion_models"), ("DualCLIPLoader", "clip_name1", "text_encoders"),
            ("DualCLIPLoader", "clip_name2", "text_encoders"),
        ):  # fmt: skip
            info[kind]["input"]["required"][name][0] = self.models[folder]
        info["UpscaleModelLoader"]["input"]["required"]["model_name"] = ["COMBO", {"options": self.models["upscale_models"]}]
        return info

    # --- sending an order

    def accept(self, body: Any) -> tuple[int, dict[str, Any]]:
        """What `POST /prompt` answers."""
        with self.lock:
            number, self.state.number = self.state.number, self.state.number + 1
        if not isinstance(body, dict) or "prompt" not in body:
            return 400, _refused("no_prompt", "No prompt provided", "No prompt provided")
        graph = body["prompt"] or {}
        for node, told in graph.items() if isinstance(graph, dict) else ():
            if not isinstance(told, dict) or "class_type" not in told:
                return 400, _refused(
                    "invalid_prompt", "Cannot execute because a node is missing the class_type property.", f"Node ID '#{node}'"
                )
            if told["class_type"] not in self.info:
                return 400, _refused(
                    "invalid_prompt", f"Cannot execute because node {told['class_type']} does not exist.", f"Node ID '#{node}'"
                )
        wanted = body.get("partial_execution_targets")
        targets = [node for node in graph if self.info[graph[node]["class_type"]]["output_node"] and (wanted is None or node in wanted)]
        if not targets:
            return 400, _refused("prompt_no_outputs", "Prompt has no outputs")
        errors: dict[str, Any] = {}
        good = [target for target in targets if self._valid(graph, target, target, errors, ())]
        if not good:
            return 400, {**_refused("prompt_outputs_failed_validation", "Prompt outputs failed validation"), "node_errors": errors}
        prompt_id = str(uuid4()) if self.own_ids else str(body.get("prompt_id") or uuid4())
        extra = dict(body.get("extra_data") or {})
        if "client_id" in body:
            extra["client_id"] = body["client_id"]
        with self.lock:
            self.posts[prompt_id] += 1
            heapq.heappush(self.state.pending, (-number if body.get("front") else number, prompt_id, graph, extra, good))
            self.lock.notify_all()
        self.tell_status()
        return 200, {"prompt_id": prompt_id, "number": number, "node_errors": errors}

    def _valid(self, graph: dict[str, Any], node: str, target: str, errors: dict[str, Any], path: tuple[str, ...]) -> bool:
        if node in path:
            return False
        kind = graph[node]["class_type"]
        found: list[dict[str, Any]] = []
        good = True
        for name, config in self.object_info()[kind]["input"].get("required", {}).items():
            value = graph[node]["inputs"].get(name)
            about = {"input_name": name, "input_config": config}
            if name not in graph[node]["inputs"]:
                found.append(_error("required_input_missing", "Required input is missing", name, {"input_name": name}))
            elif isinstance(value, list):
                if len(value) != 2:
                    found.append(
                        _error(
                            "bad_linked_input",
                            "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                            name,
                            {**about, "received_value": value},
                        )
                    )
                elif (why := self._broken_link(graph, value)) is not None:
                    more = {**about, "exception_message": why, "exception_type": "KeyError", "traceback": ["..."], "linked_node": value}
                    found.append(_error("exception_during_inner_validation", "Exception when validating inner node", why, more))
                elif (sent := self.info[graph[value[0]]["class_type"]]["output"][value[1]]) != config[0] and isinstance(config[0], str):
                    more = {**about, "received_type": sent, "linked_node": value}
                    found.append(
                        _error(
                            "return_type_mismatch",
                            "Return type mismatch between linked nodes",
                            f"{name}, received_type({sent}) mismatch input_type({config[0]})",
                            more,
                        )
                    )
                else:
                    good = self._valid(graph, value[0], target, errors, (*path, node)) and good
            else:
                found += _out_of_range(name, config, value)
        if kind in ("LoadImage", "LoadImageMask") and self.input_file(graph[node]["inputs"].get("image")) is None:
            about = {"input_name": "image"}
            found = [
                _error(
                    "custom_validation_failed",
                    "Custom validation failed for node",
                    f"image - Invalid image file: {graph[node]['inputs'].get('image')}",
                    about,
                )
            ]
        if found:
            errors[node] = {"errors": found, "dependent_outputs": [target], "class_type": kind}
        return good and not found

    def _broken_link(self, graph: dict[str, Any], link: list[Any]) -> str | None:
        if link[0] not in graph:
            return repr(link[0])
        return None if link[1] < len(self.info[graph[link[0]]["class_type"]]["output"]) else "tuple index out of range"

    def input_file(self, name: Any) -> bytes | None:
        """An uploaded picture by the name that a graph uses."""
        folder, _, short = str(name).rpartition("/")
        return self.files.get(("input", folder, short))

    # --- running

    def _work(self) -> None:
        while not self.stopping:
            with self.lock:
                while not self.stopping and (self.dead or not self.state.pending):
                    self.lock.wait(0.02)
                if self.stopping:
                    return
                epoch, item = self.epoch, heapq.heappop(self.state.pending)
                self.state.running, self.interrupting = item, ""
            self.tell_status()
            try:
                Run(self, item, epoch).go()
            except Restarted:
                continue
            except Exception:
                traceback.print_exc()

    def keep(self, at: str, folder: str, prefix: str, data: bytes) -> str:
        """Write a file under the next free number and give its name."""
        with self.lock:
            taken = [name for kind, where, name in self.files if kind == at and where == folder and name.startswith(f"{prefix}_")]
            number = max((int(name[len(prefix) + 1 : len(prefix) + 6]) for name in taken), default=0) + 1
            name = f"{prefix}_{number:05}_.png"
            self.files[(at, folder, name)] = data
        return name

    def note(self, picture: dict[str, Any]) -> None:
        """Remember a picture that was painted, in the log file too."""
        self.painted.append(picture)
        if self.log:
            line = {"prompt_id": picture["prompt_id"], "pid": os.getpid(), "time": time.time(), "outputs": picture["outputs"]}
            with self.log.open("a") as file:
                file.write(json.dumps(line) + "\n")

    # --- telling

    def tell(self, client_id: Any, kind: str, data: dict[str, Any]) -> None:
        if self.sockets == "silent":
            return
        listener = self.listeners.get(client_id) if isinstance(client_id, str) else None
        if listener:
            if self.sockets == "cut":
                listener.close()
            listener.send(kind, data)

    def tell_status(self) -> None:
        if self.sockets == "silent":
            return
        with self.lock:
            left = len(self.state.pending) + (self.state.running is not None)
            listeners = list(self.listeners.values())
        for listener in listeners:
            listener.send("status", {"status": {"exec_info": {"queue_remaining": left}}})


class Run:
    """One prompt while it runs: tells what it does, makes files, and ends in history."""

    def __init__(self, server: Simulator, item: Any, epoch: int) -> None:
        self.server, self.epoch = server, epoch
        self.number, self.prompt_id, self.graph, self.extra, self.targets = item
        self.messages: list[Any] = []
        self.outputs: dict[str, Any] = {}
        self.meta: dict[str, Any] = {}
        self.states: dict[str, Any] = {}
        self.done: list[str] = []
        self.box = Paintbox(self.graph, server.input_file)
        self.order = running_order(self.graph, self.targets)
        self.samples = [node for node in self.order if self.kind(node).startswith("KSampler")]
        self.node = ""

    def kind(self, node: str) -> str:
        return str(self.graph[node]["class_type"])

    def go(self) -> None:
        """Run it to its end. Raises Restarted when the server forgot it meanwhile."""
        server = self.server
        signatures = {node: signature(self.graph, node) for node in self.order}
        fresh = {sign: server.state.cached[sign] for sign in signatures.values() if sign in server.state.cached}
        cached = [node for node in self.order if signatures[node] in fresh]
        self.tell("execution_start", note=True)
        self.tell("execution_cached", note=True, nodes=cached)
        self.done = list(cached)
        ended = "error"
        try:
            for self.node in self.order:
                if self.node in cached:
                    self.show(fresh[signatures[self.node]])
                else:
                    fresh[signatures[self.node]] = self.work()
            self.tell("execution_success", note=True)
            ended = "success"
        except Interrupted:
            self.tell("execution_interrupted", note=True, node_id=self.node, node_type=self.kind(self.node), executed=self.done)
        except NodeError as error:
            self.tell("execution_error", note=True, node_id=self.node, node_type=self.kind(self.node), executed=self.done, exception_message=str(error),
                      exception_type=error.kind, traceback=['  File "<comfyui>/execution.py", line 496, in execute\n'], current_inputs={},
                      current_outputs=list(self.graph))  # fmt: skip
        self.end(ended, fresh)

    def work(self) -> Any:
        """Run one node; gives what it shows."""
        node, server = self.node, self.server
        self.state(0.0, 1.0, "running")
        self.tell("executing", node=node, display_node=node)
        if node in self.samples:
            self.sample(int(self.graph[node]["inputs"].get("steps", 1)))
        self.between()
        if server.fail and server.fail_times > 0 and node == (self.samples or self.order)[-1]:
            server.fail_times -= 1
            raise NodeError(*ERRORS[server.fail])
        for name in ("ckpt_name", "lora_name"):
            if self.graph[node]["inputs"].get(name) in server.broken:
                raise NodeError(*server.broken[self.graph[node]["inputs"][name]])
        _worked_out(self.box, node)
        shown = self.save() if self.kind(node) in ("SaveImage", "PreviewImage") else None
        self.show(shown)
        self.state(1.0, 1.0, "finished")
        self.done.append(node)
        return shown

    def show(self, shown: Any) -> None:
        if shown:
            self.outputs[self.node] = shown
            self.meta[self.node] = {"node_id": self.node, "display_node": self.node, "parent_node": None, "real_node_id": self.node}
            self.tell("executed", node=self.node, display_node=self.node, output=shown)

    def sample(self, steps: int) -> None:
        for step in range(1, steps + 1):
            if self.server.step_seconds:
                time.sleep(self.server.step_seconds)
            self.between()
            self.state(float(step), float(steps), "running")
            self.tell("progress", value=step, max=steps, node=self.node)
            listener = self.server.listeners.get(self.extra.get("client_id", ""))
            if self.server.previews and listener:
                listener.preview(self.prompt_id, self.node)

    def between(self) -> None:
        """Between nodes and steps: where a restart, an interrupt or a hang is felt."""
        while True:
            if self.epoch != self.server.epoch or self.server.stopping:
                raise Restarted
            if self.server.interrupting == self.prompt_id:
                raise Interrupted
            if not self.server.hang:
                return
            time.sleep(0.005)

    def save(self) -> dict[str, Any]:
        """Write the pictures into files and give their names."""
        if self.kind(self.node) == "PreviewImage":
            folder, prefix, at = "", "ComfyUI_temp_sim", "temp"
        else:
            folder, _, prefix = str(self.graph[self.node]["inputs"]["filename_prefix"]).rpartition("/")
            at = "output"
            if ".." in folder or folder.startswith("/"):
                raise NodeError("Exception", "**** ERROR: Saving image outside the output folder is not allowed.\n")
        images = []
        for pixels in self.box.pictures(self.node):
            images.append({"filename": self.server.keep(at, folder, prefix, png(pixels)), "subfolder": folder, "type": at})
        return {"images": images}

    def end(self, ended: str, fresh: dict[str, Any]) -> None:
        """Write the history entry, late if that is asked for."""
        server = self.server
        if ended == "success":
            server.note({"prompt_id": self.prompt_id, "graph": self.graph, "outputs": self.outputs})
        time.sleep(server.late_history)
        outputs = {} if server.no_output else self.outputs
        status = {"status_str": ended, "completed": ended == "success", "messages": self.messages}
        with server.lock:
            if self.epoch != server.epoch:
                raise Restarted
            server.state.running, server.state.cached = None, fresh
            prompt = [self.number, self.prompt_id, self.graph, self.extra, self.targets]
            server.state.history[self.prompt_id] = {"prompt": prompt, "outputs": outputs, "status": status, "meta": self.meta}
        server.tell_status()
        self.tell("executing", node=None)

    def state(self, value: float, most: float, state: str) -> None:
        node = self.node
        self.states[node] = {"value": value, "max": most, "state": state, "node_id": node, "prompt_id": self.prompt_id, "display_node_id": node, "parent_node_id": None, "real_node_id": node}  # fmt: skip
        self.tell("progress_state", nodes=dict(self.states))

    def tell(self, kind: str, *, note: bool = False, **data: Any) -> None:
        """Send a message to whoever ordered; `note` keeps it for history, too."""
        if self.epoch != self.server.epoch:
            raise Restarted
        data["prompt_id"] = self.prompt_id
        if note:
            data["timestamp"] = int(time.time() * 1000)
            self.messages.append([kind, data])
        self.server.tell(self.extra.get("client_id"), kind, data)


def _worked_out(box: Paintbox, node: str) -> None:
    """What a node raises is an error of that node, as in the real server."""
    try:
        box.outputs(node)
    except NodeError:
        raise
    except Exception as error:
        raise NodeError(type(error).__name__, str(error)) from error


def _refused(kind: str, message: str, details: str = "") -> dict[str, Any]:
    return {"error": {"type": kind, "message": message, "details": details, "extra_info": {}}, "node_errors": {}}


def _error(kind: str, message: str, details: str, extra: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def _out_of_range(name: str, config: list[Any], value: Any) -> list[dict[str, Any]]:
    """What list-style choices and numbers refuse. V3 choices ("COMBO") are not checked, as in 0.3.64."""
    about = {"input_name": name, "input_config": config, "received_value": value}
    if isinstance(config[0], list):
        if value in config[0] or name == "image":
            return []
        shown = str(config[0]) if len(config[0]) <= 20 else f"(list of length {len(config[0])})"
        short = {**about, "input_config": config if len(config[0]) <= 20 else None}
        return [_error("value_not_in_list", "Value not in list", f"{name}: '{value}' not in {shown}", short)]
    if config[0] not in ("INT", "FLOAT"):
        return []
    convert = int if config[0] == "INT" else float
    try:
        number = convert(value)
    except (TypeError, ValueError) as error:
        more = {**about, "exception_message": str(error)}
        return [_error("invalid_input_type", f"Failed to convert an input value to a {config[0]} value", f"{name}, {value}, {error}", more)]
    about["received_value"] = number
    limits = config[1] if len(config) > 1 else {}
    if "min" in limits and number < limits["min"]:
        return [_error("value_smaller_than_min", f"Value {number} smaller than min of {limits['min']}", name, about)]
    if "max" in limits and number > limits["max"]:
        return [_error("value_bigger_than_max", f"Value {number} bigger than max of {limits['max']}", name, about)]
    return []


def _object_info() -> dict[str, Any]:
    """Node definitions as recorded, and the one our graphs use that was not recorded."""
    events = json.loads((RECORDINGS / "object-info.json").read_text())["events"]
    info = next(event["response"]["json"] for event in events if event.get("path") == "/object_info")
    info["ImageBlur"] = {
        **info["ImageScaleBy"],
        "input": {"required": {"image": ["IMAGE"], "blur_radius": ["INT", {"default": 1, "min": 1, "max": 31}], "sigma": ["FLOAT", {"default": 1.0, "min": 0.1, "max": 10.0}]}},
        "input_order": {"required": ["image", "blur_radius", "sigma"]},
        "name": "ImageBlur",
        "display_name": "Image Blur",
    }  # fmt: skip
    return info


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--port", type=int, required=True)
    reader.add_argument("--log", type=Path)
    reader.add_argument("--step-seconds", type=float, default=0.0)
    asked = reader.parse_args()
    with Simulator(port=asked.port, log=asked.log, step_seconds=asked.step_seconds) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
