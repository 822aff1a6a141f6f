"""How Django knows this room."""

from django.apps import AppConfig


class GenerationsConfig(AppConfig):
    name = "generations"
    verbose_name = "Generations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to what happens in other rooms. Models can be read from here on only."""
        from generations import receivers  # noqa: F401
