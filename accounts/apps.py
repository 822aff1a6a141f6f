"""How Django knows this room."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to allauth, and have its secrets encrypted anew with ours. Models can be read from here on only."""
        from accounts import receivers, second_step  # noqa: F401
        from keeping import secrets

        if second_step.rotate_secrets not in secrets.elsewhere:
            secrets.elsewhere.append(second_step.rotate_secrets)
