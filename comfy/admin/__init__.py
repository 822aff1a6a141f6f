"""ComfyUI in admin: servers, workflows, LoRAs, and the jobs that servers have."""

from comfy.admin import servers, workflows, loras, jobs  # noqa: F401, I001 - the order is that of the pages
