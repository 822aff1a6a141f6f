"""The pages' addresses."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from studio.pages import account, ads, create, files, gallery, library, payments, photos, previews, progress

urlpatterns: list[URLPattern | URLResolver] = [
    path("", gallery.home, name="home"),
    path("templates/<slug:slug>/", gallery.template, name="template"),
    path("previews/<int:pk>/<slug:size>", previews.preview, name="preview"),
    path("create/", gallery.new_ad, name="new-ad"),
    path("create/<slug:slug>/", create.create, name="create"),
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
    path("library/", library.library, name="library"),
    path("pictures/<uuid:pk>/preview", files.preview, name="picture-preview"),
    path("files/<uuid:pk>/<slug:size>", files.show, name="file"),
    path("account/sign-in/", account.sign_in, name="sign-in"),
    path("account/sign-out/", account.sign_out, name="sign-out"),
    path("account/payments/notice/", payments.notice, name="payment-notice"),
]
