"""What whoever runs a server can do about each error, one or two sentences by its code. `docs/comfyui.md` says the same at more length."""

from __future__ import annotations

from collections.abc import Mapping

from comfy.errors import ComfyError

ADVICE: Mapping[str, str] = {
    "server_down": "Start ComfyUI with --listen, and see that this machine may reach its address and port.",
    "server_refused": "Check the address, and the token that the proxy before ComfyUI expects.",
    "server_sick": "Restart ComfyUI. If it comes back, look at the GPU's driver.",
    "submit_unknown": "Nothing is to be done: it is looked for before it is sent again. If it comes often, look at the proxy's time limits.",
    "lost_on_server": "ComfyUI was restarted or its queue cleared. If it comes often, find out why it restarts.",
    "workflow_invalid": "Repair the workflow in admin, or install the custom nodes that it needs.",
    "model_missing": "Put the file into the server's models folder and probe the server, or name a file that it has.",
    "input_gone": "Nothing is to be done: the picture is uploaded again. Keep other programs from emptying the input folder.",
    "too_large": "Raise --max-upload-size of ComfyUI, and the size limit of the proxy before it.",
    "out_of_memory": "Free the memory, close other programs on the GPU, or take a smaller model for this server.",
    "model_broken": "Download the model file again: this copy is cut short or damaged.",
    "node_failed": "Run the workflow in ComfyUI's own window to see which node fails, and repair it.",
    "interrupted": "Somebody pressed Cancel on the server. It should have no other users.",
    "timed_out": "Take fewer steps or a smaller model, or a faster GPU. The job was cancelled on the server.",
    "no_output": "Let the workflow end in one SaveImage node that is bound as its output.",
    "bytes_gone": "Keep other programs from emptying the output folder, and see that its disk has room.",
    "bad_picture": "Look at the picture in ComfyUI's own window. A black one often means a wrong VAE or half precision.",
}

# Below which folder of `models` ComfyUI looks for the file of an input.
FOLDERS: Mapping[str, str] = {
    "ckpt_name": "checkpoints",
    "lora_name": "loras",
    "vae_name": "vae",
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "model_name": "upscale_models",
    "control_net_name": "controlnet",
}


def told(error: ComfyError) -> str:
    """What went wrong, and what to do about it."""
    return f"{str(error).rstrip('.')}. {ADVICE.get(error.code, '')}".strip()
