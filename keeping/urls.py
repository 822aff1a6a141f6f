"""The one address that keeping answers itself: signed links."""

from django.urls import path

from keeping.links import signed_file

urlpatterns = [path("files/signed/<str:token>", signed_file, name="signed-file")]
