"""How Django knows this room."""

from django.apps import AppConfig


class KeepingConfig(AppConfig):
    name = "keeping"
    verbose_name = "Keeping"
    default_auto_field = "django.db.models.BigAutoField"
