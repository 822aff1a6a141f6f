"""How Django knows this room."""

from django.apps import AppConfig


class ComfyConfig(AppConfig):
    name = "comfy"
    verbose_name = "ComfyUI"
    default_auto_field = "django.db.models.BigAutoField"
