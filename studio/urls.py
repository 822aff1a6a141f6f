"""The pages' addresses."""

from __future__ import annotations

from allauth.mfa.recovery_codes.views import download_recovery_codes
from allauth.mfa.webauthn.views import login_webauthn
from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver, path, re_path

from studio import forms
from studio.pages import account, ads, brands, check, create, files, gallery, library, payments, photos, previews, profile, progress, steps

urlpatterns: list[URLPattern | URLResolver] = [
    path("", gallery.home, name="home"),
    path("templates/<slug:slug>/", gallery.template, name="template"),
    path("previews/<int:pk>/<slug:size>", previews.preview, name="preview"),
    path("create/", gallery.new_ad, name="new-ad"),
    path("create/<slug:slug>/", forms.for_editors(create.create), name="create"),
    path("photos/", photos.upload, name="photo-upload"),
    path("photos/<uuid:pk>/", photos.row, name="photo-row"),
    path("photos/<uuid:pk>/mark/", photos.mark, name="photo-mark"),
    path("generations/<uuid:pk>/", progress.generation, name="generation"),
    path("generations/<uuid:pk>/sheet/", progress.sheet, name="generation-sheet"),
    path("generations/<uuid:pk>/stop/", progress.stop, name="generation-stop"),
    path("generations/<uuid:pk>/again/", progress.again, name="generation-again"),
    path("generations/<uuid:pk>/words/", progress.words, name="generation-words"),
    path("generations/<uuid:pk>/undo/", progress.undo, name="generation-undo"),
    path("generations/<uuid:pk>/zip/", progress.download, name="generation-zip"),
    path("ads/<uuid:pk>/", ads.ad, name="ad"),
    path("check/", check.check, name="check"),
    path("library/", library.library, name="library"),
    path("pictures/<uuid:pk>/preview", files.preview, name="picture-preview"),
    path("files/<uuid:pk>/<slug:size>", files.show, name="file"),
    path("account/sign-in/", account.sign_in, name="sign-in"),
    path("account/sign-out/", account.sign_out, name="sign-out"),
    path("account/register/", account.Register.as_view(), name="register"),
    path("account/confirm/", account.ConfirmSent.as_view(), name="account_email_verification_sent"),
    path("account/confirm/<str:key>/", account.Confirm.as_view(), name="account_confirm_email"),
    path("account/password/reset/", account.AskReset.as_view(), name="account_reset_password"),
    path("account/password/reset/sent/", account.ResetSent.as_view(), name="account_reset_password_done"),
    re_path(
        r"^account/password/reset/(?P<uidb36>[0-9a-zA-Z]+)-(?P<key>.+)/$", account.Reset.as_view(), name="account_reset_password_from_key"
    ),
    path("account/password/reset/done/", account.ResetDone.as_view(), name="account_reset_password_from_key_done"),
    path("account/closed/", account.Closed.as_view(), name="account_inactive"),
    path("account/", profile.profile, name="account"),
    path("account/password/", login_required(profile.Password.as_view()), name="account_change_password"),
    path("account/email/", profile.Email.as_view(), name="account_email"),
    path("account/check/", profile.Reauthenticate.as_view(), name="account_reauthenticate"),
    path("account/sessions/", profile.sessions_page, name="sessions"),
    path("account/sessions/end/", profile.end_sessions, name="end-sessions"),
    path("account/sessions/end/<slug:device>/", profile.end_session, name="end-session"),
    path("account/mail/", profile.mail, name="mail"),
    path("account/mail/<str:token>/", profile.unsubscribe, name="unsubscribe"),
    path("account/second-step/", steps.Steps.as_view(), name="mfa_index"),
    path("account/second-step/code/", account.Code.as_view(), name="mfa_authenticate"),
    path("account/second-step/check/", steps.CodeAgain.as_view(), name="mfa_reauthenticate"),
    path("account/second-step/app/", steps.AddApp.as_view(), name="mfa_activate_totp"),
    path("account/second-step/app/remove/", steps.RemoveApp.as_view(), name="mfa_deactivate_totp"),
    path("account/second-step/codes/", steps.Codes.as_view(), name="mfa_view_recovery_codes"),
    path("account/second-step/codes/new/", steps.NewCodes.as_view(), name="mfa_generate_recovery_codes"),
    path("account/second-step/codes/file/", download_recovery_codes, name="mfa_download_recovery_codes"),
    path("account/second-step/passkey/", steps.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path("account/second-step/passkey/check/", steps.PasskeyAgain.as_view(), name="mfa_reauthenticate_webauthn"),
    path("account/second-step/passkey/<int:pk>/remove/", steps.RemovePasskey.as_view(), name="mfa_remove_webauthn"),
    path("account/passkey/", login_webauthn, name="mfa_login_webauthn"),
    path("brands/new/", brands.add, name="brand-add"),
    path("brands/<uuid:pk>/switch/", brands.switch, name="brand-switch"),
    path("brands/<uuid:pk>/people/", brands.people, name="brand-people"),
    path("brands/<uuid:pk>/people/invite/", brands.invite, name="brand-invite"),
    path("brands/<uuid:pk>/people/<int:member>/", brands.member, name="brand-member"),
    path("brands/<uuid:pk>/invitations/<uuid:invitation>/", brands.uninvite, name="brand-uninvite"),
    path("brands/<uuid:pk>/rename/", brands.rename, name="brand-rename"),
    path("brands/<uuid:pk>/delete/", brands.delete, name="brand-delete"),
    path("brands/<uuid:pk>/restore/", brands.restore, name="brand-restore"),
    path("invitations/<str:token>/", brands.invitation, name="invitation"),
    # allauth's own names for pages of ours.
    path("account/sign-in/", account.sign_in, name="account_login"),
    path("account/sign-out/", account.sign_out, name="account_logout"),
    path("account/register/", account.Register.as_view(), name="account_signup"),
    path("account/payments/notice/", payments.notice, name="payment-notice"),
]
