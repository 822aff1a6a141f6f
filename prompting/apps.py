"""How Django knows this room."""

from django.apps import AppConfig


class PromptingConfig(AppConfig):
    name = "prompting"
    verbose_name = "Words"
    default_auto_field = "django.db.models.BigAutoField"
