"""How Django knows this room."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    name = "studio"
