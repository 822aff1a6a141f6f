"""How Django knows this room, and how it knows our admin site."""

# As a module: Django takes every AppConfig that it finds by name in here for one of ours.
from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class StaffConfig(AppConfig):
    name = "staff"
    default = True

    def ready(self) -> None:
        """Make the roles once the tables are there."""
        from staff.roles import make_roles

        post_migrate.connect(make_roles, dispatch_uid="staff.roles")


class StaffAdminConfig(admin_apps.AdminConfig):
    """Stands in INSTALLED_APPS in the place of "django.contrib.admin"."""

    default = False
    default_site = "staff.site.StaffSite"
