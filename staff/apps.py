"""How Django knows this room, and how it knows our admin site."""

# As a module: Django takes every AppConfig that it finds by name in here for one of ours.
from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class StaffConfig(AppConfig):
    name = "staff"
    default = True


class StaffAdminConfig(admin_apps.AdminConfig):
    """Stands in INSTALLED_APPS in the place of "django.contrib.admin"."""

    default = False
    default_site = "staff.site.StaffSite"
