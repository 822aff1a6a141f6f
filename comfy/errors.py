"""What can go wrong with a ComfyUI server, by what is to be done about it.

Messages are for staff and the log. Marketers are told by the engine, in its own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

# What the engine does next: fail for good, try once more (elsewhere if it can), or look at another server without counting a try.
Next = Literal["fail", "again", "elsewhere"]


class ComfyError(Exception):
    """Something went wrong with a server. `code` is stable; `then` says what to do; `sick` counts against the server's breaker."""

    code = "comfy"
    then: Next = "again"
    sick = False


class ServerDown(ComfyError):
    """The server cannot be reached, or a proxy before it says so. Nothing was queued."""

    code, then, sick = "server_down", "elsewhere", True


class ServerRefused(ServerDown):
    """The server does not let us in: the token is missing or wrong, or the address is not ComfyUI's."""

    code = "server_refused"


class ServerSick(ComfyError):
    """The server answers but does not work: a driver fault, or a dead worker. It needs a restart."""

    code, then, sick = "server_sick", "again", True


class SubmitUnknown(ComfyError):
    """The order was sent and its answer lost: look before sending again."""

    code = "submit_unknown"


class Lost(ComfyError):
    """The server answers and no longer knows the job: it was restarted, or somebody cleared its queue."""

    code = "lost_on_server"


class WorkflowInvalid(ComfyError):
    """The server refuses the graph. The message names nodes and inputs for staff."""

    code, then = "workflow_invalid", "fail"


class ModelMissing(ComfyError):
    """The server has no model file of this name."""

    code, then = "model_missing", "elsewhere"


class InputGone(ComfyError):
    """A reference picture that was uploaded is no longer there: upload it again."""

    code = "input_gone"


class TooLarge(ComfyError):
    """The server takes no upload or order of this size."""

    code, then = "too_large", "elsewhere"


class OutOfMemory(ComfyError):
    """The server's GPU has not enough memory. It has unloaded its models, so one more try may do."""

    code = "out_of_memory"


class ModelBroken(ComfyError):
    """A model file on this server cannot be read."""

    code, then = "model_broken", "elsewhere"


class NodeFailed(ComfyError):
    """A node raised an error that another try cannot help. `trace` is for staff only: it holds paths of the server."""

    code, then = "node_failed", "fail"

    def __init__(self, message: str, *, node_id: str, trace: str) -> None:
        super().__init__(message)
        self.node_id, self.trace = node_id, trace


class Preempted(ComfyError):
    """Somebody interrupted the job on the server."""

    code = "interrupted"


class TimedOut(ComfyError):
    """The job took longer than its work explains, and was cancelled on the server."""

    code, sick = "timed_out", True


class NoOutput(ComfyError):
    """The job ended well, and the output node names no picture of ours."""

    code = "no_output"


class BytesGone(ComfyError):
    """The picture's file is not on the server any more."""

    code = "bytes_gone"


class BadPicture(ComfyError):
    """The file that came is not the picture that was ordered: cut short, of another size, or one flat colour."""

    code = "bad_picture"


_MODEL_INPUTS = (
    "ckpt_name",
    "lora_name",
    "vae_name",
    "unet_name",
    "clip_name",
    "clip_name1",
    "clip_name2",
    "model_name",
    "control_net_name",
)


def refusal(body: Mapping[str, Any]) -> ComfyError:
    """What a 400 of `POST /prompt` says: `WorkflowInvalid`, `ModelMissing` or `InputGone`, with node and input named."""
    details, missing = [], []
    gone = False
    nodes = body.get("node_errors")
    for node_id, told in nodes.items() if isinstance(nodes, Mapping) else ():
        for error in told.get("errors", ()):
            kind, detail = str(error.get("type", "")), str(error.get("details", "")).strip()
            details.append(f"node {node_id} ({told.get('class_type', '?')}): {error.get('message', kind)} {detail}".strip())
            asked = error.get("extra_info") or {}
            if kind == "value_not_in_list" and str(asked.get("input_name")) in _MODEL_INPUTS:
                missing.append(str(asked.get("received_value", detail)))
            gone = gone or (kind == "custom_validation_failed" and "Invalid image file" in detail)
    if missing:
        return ModelMissing(f"The server has no model file '{missing[0]}'.")
    if gone:
        return InputGone("A reference picture is no longer on the server.")
    error = body.get("error")
    told = error if isinstance(error, Mapping) else {"message": str(error)}
    main = f"{told.get('message', 'refused')} {told.get('details', '')}".strip()
    return WorkflowInvalid(f"The server refuses the workflow: {'; '.join(details) or main}"[:1000])


def failure(told: Mapping[str, Any]) -> ComfyError:
    """What an `execution_error` message says: out of memory, a broken model, a sick driver, a lost input, or a node that failed."""
    kind, message = str(told.get("exception_type", "")), " ".join(str(told.get("exception_message", "")).split())
    where = f"node {told.get('node_id')} ({told.get('node_type')})"
    low = message.lower()
    if kind.endswith("OutOfMemoryError") or "can't allocate memory" in low or "out of memory" in low:
        return OutOfMemory(f"Out of memory in {where}.")
    if "CUDA error" in message or "driver" in low or kind.endswith("AcceleratorError"):
        return ServerSick(f"The GPU or its driver failed in {where}: {message}"[:500])
    loads = str(told.get("node_type")).removesuffix("ModelOnly").removesuffix("Simple").endswith("Loader")
    if loads or "SafetensorError" in kind:
        return ModelBroken(f"A model file cannot be read in {where}: {message}"[:500])
    if kind.endswith("FileNotFoundError") and str(told.get("node_type")).startswith("LoadImage"):
        return InputGone(f"A file is gone in {where}.")
    trace = "".join(str(line) for line in told.get("traceback", ()))
    return NodeFailed(f"{where} failed: {kind}: {message}"[:500], node_id=str(told.get("node_id", "")), trace=trace)
