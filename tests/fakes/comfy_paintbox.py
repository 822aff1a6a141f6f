"""What a simulated ComfyUI paints: deterministic pictures from a graph's seed, words, LoRAs and size. Only the nodes our workflows use."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

Pixels = np.ndarray  # (height, width, 3), 8 bits


class NodeError(Exception):
    """A node that fails while it runs, as ComfyUI would tell of it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def signature(graph: dict[str, Any], node: str) -> str:
    """A hash of a node and everything above it: the same signature, the same result."""
    inputs = {
        name: [signature(graph, value[0]), value[1]] if is_link(value, graph) else value
        for name, value in sorted(graph[node]["inputs"].items())
    }
    return hashlib.sha256(json.dumps([graph[node]["class_type"], inputs], sort_keys=True).encode()).hexdigest()


def is_link(value: Any, graph: dict[str, Any]) -> bool:
    return isinstance(value, list) and len(value) == 2 and value[0] in graph


def running_order(graph: dict[str, Any], targets: list[str]) -> list[str]:
    """The nodes that the targets need, those above first."""
    order: list[str] = []

    def visit(node: str) -> None:
        if node not in order:
            for value in graph[node]["inputs"].values():
                if is_link(value, graph):
                    visit(value[0])
            if node not in order:
                order.append(node)

    for target in targets:
        visit(target)
    return order


def png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def painted(width: int, height: int, key: str) -> Pixels:
    """Soft colour fields and grain that only the key decides."""
    rng = np.random.default_rng(int(hashlib.sha256(key.encode()).hexdigest()[:12], 16))
    fields = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    grain = rng.integers(-6, 7, (height, width, 1), np.int16)
    return np.clip(np.asarray(fields).astype(np.int16) + grain, 0, 255).astype(np.uint8)


class Paintbox:
    """Works out one graph. `inputs` gives the bytes of an uploaded picture by the name that a graph uses."""

    def __init__(self, graph: dict[str, Any], inputs: Any) -> None:
        self.graph, self.inputs = graph, inputs
        self.made: dict[str, list[Any]] = {}

    def value(self, node: str, name: str, default: Any = None) -> Any:
        value = self.graph[node]["inputs"].get(name, default)
        return self.outputs(value[0])[value[1]] if is_link(value, self.graph) else value

    def outputs(self, node: str) -> list[Any]:
        if node not in self.made:
            kind = self.graph[node]["class_type"]
            maker = getattr(self, f"_{kind}", None)
            self.made[node] = maker(node) if maker else [kind] * 4
        return self.made[node]

    def pictures(self, node: str) -> list[Pixels]:
        """What a SaveImage or PreviewImage node is given."""
        return self.value(node, "images")

    def _EmptyImage(self, node: str) -> list[Any]:
        colour = int(self.value(node, "color", 0))
        pixels = np.empty((int(self.value(node, "height", 512)), int(self.value(node, "width", 512)), 3), np.uint8)
        pixels[:] = (colour >> 16 & 255, colour >> 8 & 255, colour & 255)
        return [[pixels] * int(self.value(node, "batch_size", 1))]

    def _LoadImage(self, node: str) -> list[Any]:
        data = self.inputs(self.value(node, "image"))
        try:
            with Image.open(io.BytesIO(data)) as opened:
                opened.load()
                alpha = np.asarray(opened.convert("RGBA"))[..., 3] if opened.mode in ("RGBA", "LA") else None
                rgb = np.asarray(opened.convert("RGBA").convert("RGB") if alpha is not None else opened.convert("RGB"))
        except OSError:
            raise NodeError(
                "PIL.UnidentifiedImageError", f"cannot identify image file '<comfyui>/input/{self.value(node, 'image')}'\n"
            ) from None
        return [[rgb], np.zeros((64, 64), np.uint8) if alpha is None else 255 - alpha]

    def _LoadImageMask(self, node: str) -> list[Any]:
        with Image.open(io.BytesIO(self.inputs(self.value(node, "image")))) as opened:
            return [np.asarray(opened.convert("RGB"))[..., 0]]

    def _ImageScale(self, node: str) -> list[Any]:
        return [[self._sized(node, pixels) for pixels in self.value(node, "image")]]

    def _sized(self, node: str, pixels: Pixels) -> Pixels:
        width, height = int(self.value(node, "width")), int(self.value(node, "height"))
        tall, wide = pixels.shape[:2]
        box = None
        if self.value(node, "crop") == "center":
            cut_wide, cut_tall = min(wide, tall * width / height), min(tall, wide * height / width)
            box = ((wide - cut_wide) / 2, (tall - cut_tall) / 2, (wide + cut_wide) / 2, (tall + cut_tall) / 2)
        return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC, box=box))

    def _ImageBlur(self, node: str) -> list[Any]:
        radius = float(self.value(node, "sigma", 1.0))
        return [[np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(radius))) for one in self.value(node, "image")]]

    def _ImageUpscaleWithModel(self, node: str) -> list[Any]:
        return [[np.asarray(Image.fromarray(one).resize((one.shape[1] * 2, one.shape[0] * 2))) for one in self.value(node, "image")]]

    def _MaskToImage(self, node: str) -> list[Any]:
        return [[np.repeat(self.value(node, "mask")[..., None], 3, axis=2)]]

    def _ImageToMask(self, node: str) -> list[Any]:
        return [self.value(node, "image")[0][..., 0]]

    def _InvertMask(self, node: str) -> list[Any]:
        return [255 - self.value(node, "mask")]

    def _GrowMask(self, node: str) -> list[Any]:
        return [self.value(node, "mask")]

    def _SolidMask(self, node: str) -> list[Any]:
        return [
            np.full((int(self.value(node, "height")), int(self.value(node, "width"))), round(255 * self.value(node, "value")), np.uint8)
        ]

    def _ImageCompositeMasked(self, node: str) -> list[Any]:
        source, x, y = self.value(node, "source")[0].astype(np.float32), int(self.value(node, "x")), int(self.value(node, "y"))
        mask = self.value(node, "mask", np.full(source.shape[:2], 255, np.uint8))
        pasted = []
        for under in self.value(node, "destination"):
            laid = under.astype(np.float32)
            part = laid[y : y + min(source.shape[0], mask.shape[0]), x : x + min(source.shape[1], mask.shape[1])]
            share = mask[: part.shape[0], : part.shape[1], None].astype(np.float32) / 255
            part += (source[: part.shape[0], : part.shape[1]] - part) * share
            pasted.append(np.rint(laid).astype(np.uint8))
        return [pasted]

    def _EmptyLatentImage(self, node: str) -> list[Any]:
        # Latents have eighths of pixels: 70 becomes 64.
        size = (int(self.value(node, "width")) // 8 * 8, int(self.value(node, "height")) // 8 * 8)
        count = int(self.value(node, "batch_size", 1))
        if size[0] * size[1] * count > 1 << 32:
            raise NodeError("RuntimeError", "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory\n")
        return [{"size": size, "count": count}]

    _EmptySD3LatentImage = _EmptyLatentImage

    def _VAEEncode(self, node: str) -> list[Any]:
        pixels = self.value(node, "pixels")
        return [{"size": (pixels[0].shape[1] // 8 * 8, pixels[0].shape[0] // 8 * 8), "count": len(pixels)}]

    _VAEEncodeForInpaint = _VAEEncode

    def _SetLatentNoiseMask(self, node: str) -> list[Any]:
        return [self.value(node, "samples")]

    def _RepeatLatentBatch(self, node: str) -> list[Any]:
        return [{**self.value(node, "samples"), "count": int(self.value(node, "amount"))}]

    def _LatentUpscaleBy(self, node: str) -> list[Any]:
        latent, scale = self.value(node, "samples"), float(self.value(node, "scale_by"))
        return [{**latent, "size": tuple(round(side / 8 * scale) * 8 for side in latent["size"])}]

    def _KSampler(self, node: str) -> list[Any]:
        return [{**self.value(node, "latent_image"), "key": signature(self.graph, node)}]

    def _VAEDecode(self, node: str) -> list[Any]:
        latent = self.value(node, "samples")
        return [[painted(*latent["size"], f"{latent.get('key', '')}/{number}") for number in range(latent["count"])]]
