"""The addresses below /api/v1/. A slash at the end is welcome and not needed."""

from __future__ import annotations

from django.urls import re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from api.v1 import auth
from api.v1.ads import Ads
from api.v1.api_keys import ApiKeys
from api.v1.brands import Brands
from api.v1.check import Check
from api.v1.collections import Collections, Searches
from api.v1.copy import FitCopy, SuggestCopy, TranslateCopy
from api.v1.generations import Generations
from api.v1.loras import Loras
from api.v1.me import Me, MeCredits, MeExport, MeSession, MeSessions
from api.v1.people import AcceptInvitation
from api.v1.photos import Photos
from api.v1.placements import Placements
from api.v1.preflight import Preflight
from api.v1.reviews import Reviews
from api.v1.root import Nowhere, Root
from api.v1.selftest import SelfTest
from api.v1.servers import Servers
from api.v1.templates import Templates
from api.v1.tokens import Refresh, SignIn, SignOut
from api.v1.users import Users
from api.v1.webhooks import Webhooks

app_name = "api"

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("brands", Brands, basename="brands")
router.register("templates", Templates, basename="templates")
router.register("placements", Placements, basename="placements")
router.register("photos", Photos, basename="photos")
router.register("generations", Generations, basename="generations")
router.register("ads", Ads, basename="ads")
router.register("webhooks", Webhooks, basename="webhooks")
router.register("collections", Collections, basename="collections")
router.register("searches", Searches, basename="searches")
router.register("api-keys", ApiKeys, basename="api-keys")
router.register("reviews", Reviews, basename="reviews")
router.register("loras", Loras, basename="loras")
router.register("servers", Servers, basename="servers")
router.register("users", Users, basename="users")

urlpatterns = [
    re_path(r"^$", Root.as_view(), name="root"),
    re_path(r"^auth/token/?$", SignIn.as_view(), name="token"),
    re_path(r"^auth/token/refresh/?$", Refresh.as_view(), name="refresh"),
    re_path(r"^auth/logout/?$", SignOut.as_view(), name="logout"),
    re_path(r"^auth/register/?$", auth.Register.as_view(), name="register"),
    re_path(r"^auth/email/verify/?$", auth.VerifyEmail.as_view(), name="email-verify"),
    re_path(r"^auth/email/resend/?$", auth.ResendEmail.as_view(), name="email-resend"),
    re_path(r"^auth/email/change/?$", auth.ChangeEmail.as_view(), name="email-change"),
    re_path(r"^auth/password/forgot/?$", auth.AskReset.as_view(), name="password-forgot"),
    re_path(r"^auth/password/reset/?$", auth.Reset.as_view(), name="password-reset"),
    re_path(r"^auth/password/change/?$", auth.ChangePassword.as_view(), name="password-change"),
    re_path(r"^me/?$", Me.as_view(), name="me"),
    re_path(r"^me/sessions/?$", MeSessions.as_view(), name="me-sessions"),
    re_path(r"^me/sessions/(?P<device>[0-9a-zA-Z-]{1,40})/?$", MeSession.as_view(), name="me-session"),
    re_path(r"^invitations/accept/?$", AcceptInvitation.as_view(), name="invitations-accept"),
    re_path(r"^me/export/?$", MeExport.as_view(), name="me-export"),
    re_path(r"^me/credits/?$", MeCredits.as_view(), name="me-credits"),
    re_path(r"^schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^docs/?$", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
    re_path(r"^check/?$", Check.as_view(), name="check"),
    re_path(r"^test/?$", SelfTest.as_view(), name="test"),
    re_path(r"^preflight/?$", Preflight.as_view(), name="preflight"),
    re_path(r"^copy/suggest/?$", SuggestCopy.as_view(), name="copy-suggest"),
    re_path(r"^copy/translate/?$", TranslateCopy.as_view(), name="copy-translate"),
    re_path(r"^copy/fit/?$", FitCopy.as_view(), name="copy-fit"),
    *router.urls,
    re_path(r"^.*$", Nowhere.as_view(), name="nowhere"),
]
