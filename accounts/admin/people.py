"""People, brands and products in admin."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery, URLField
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts import kit, second_step, sessions
from accounts.admin.statement import CreditPages
from accounts.brands import BrandRefused
from accounts.models import Brand, CreditAccount, Membership, Product, User
from finishing.fidelity import BOUNDS
from finishing.logo import Logo, LogoRefused, take_in
from keeping.showing import Page, PrettyJson, RowForm, Rows, picture, swatches


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A person is made by e-mail address; a password may come later."""

    class Meta:
        model = User
        fields = ("email", "name")

    def clean_email(self) -> str:
        """In small letters, since the address signs in whatever its capitals."""
        return str(self.cleaned_data["email"]).lower()


class MembershipRows(Rows):
    """Who is in a brand, or in which brands a person is."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user", "brand")


@admin.register(User)
class Users(UserAdmin):  # type: ignore[type-arg]
    """Everybody who may sign in."""

    add_form = NewUserForm
    list_display = ("email", "name", "is_active", "is_staff", "brand_count", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups", "date_joined")
    search_fields = ("email", "name")
    ordering = ("email",)
    actions = ("sign_out_everywhere", "take_second_step_away")
    readonly_fields = ("last_login", "date_joined")
    inlines = (MembershipRows,)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Person", {"fields": ("name", "language", "time_zone")}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("When", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With the number of brands."""
        found: QuerySet[User] = super().get_queryset(request)
        return found.annotate(brand_number=Count("memberships"))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser says who is staff, and what they may: whoever may change people could give themselves everything."""
        found = super().get_readonly_fields(request, obj)
        return found if request.user.is_superuser else (*found, "is_staff", "is_superuser", "groups", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only a superuser changes the accounts of staff, and sets their passwords."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or request.user.is_superuser or not (obj.is_staff or obj.is_superuser))

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        """Staff answer for an address that they type: it is confirmed. Another password ends every session and token."""
        super().save_model(request, obj, form, change)
        if not change or "email" in form.changed_data:
            with transaction.atomic():
                EmailAddress.objects.filter(user=obj).delete()
                EmailAddress.objects.create(user=obj, email=obj.email, verified=True, primary=True)

    @admin.action(description="Sign out everywhere")
    def sign_out_everywhere(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End every session and token of these people at once."""
        for person in queryset:
            sessions.end_everywhere(person)
        self.message_user(request, f"{len(queryset)} signed out everywhere.", messages.SUCCESS)

    @admin.action(description="Take the second step away (lost phone and codes)")
    def take_second_step_away(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """The password alone opens again; sessions end, and the owner is told."""
        number = sum(second_step.take_away(person) for person in queryset)
        self.message_user(request, f"The second step of {number} was taken away.", messages.SUCCESS)

    @admin.display(description="brands", ordering="brand_number")
    def brand_count(self, user: User) -> int:
        """How many brands this person shares."""
        return int(getattr(user, "brand_number", 0))


class BrandForm(RowForm):
    """A brand; its colours are checked, since ads are painted with them."""

    colours = PrettyJson(required=False, rows=6, help_text='Roles to colours, for instance {"primary": "#006746", "ink": "#131c18"}.')
    new_logo = forms.FileField(required=False, help_text="A PNG or WebP with a transparent ground. It takes the place of the one before.")
    new_logo_on_dark = forms.FileField(required=False, help_text="Its version for dark grounds, if there is one.")
    truth = PrettyJson(required=False, rows=4, help_text=f"When an ad is flagged. What is left out: {json.dumps(BOUNDS)}.")
    words_to_use = PrettyJson(required=False, rows=3, help_text='A list, for instance ["fresh", "handmade"].')
    words_to_avoid = PrettyJson(required=False, rows=3, help_text="A list, too.")

    class Meta:
        model = Brand
        fields = (
            "name",
            "slug",
            "wordmark",
            "clear_space",
            "truth",
            "colours",
            "headline_font",
            "text_font",
            "tone",
            "words_to_use",
            "words_to_avoid",
            "daily_micro_usd",
        )

    def clean_colours(self) -> dict[str, str]:
        """Roles to #rrggbb."""
        colours: dict[str, str] = self._checked(kit.checked_colours, "colours")
        return colours

    def clean_truth(self) -> dict[str, float]:
        """Names of what is measured to numbers."""
        truth: dict[str, float] = self._checked(kit.checked_truth, "truth")
        return truth

    def clean_new_logo(self) -> Logo | None:
        """Drawn anew."""
        return self._logo("new_logo")

    def clean_new_logo_on_dark(self) -> Logo | None:
        """Drawn anew."""
        return self._logo("new_logo_on_dark")

    def _logo(self, name: str) -> Logo | None:
        file = self.cleaned_data[name]
        if not file:
            return None
        try:
            return take_in(file.read())
        except LogoRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def _checked(self, check: Callable[[Any], Any], name: str) -> Any:
        try:
            return check(self.cleaned_data[name] or {})
        except BrandRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean_words_to_use(self) -> list[str]:
        """A list of words."""
        return self._list("words_to_use")

    def clean_words_to_avoid(self) -> list[str]:
        """A list of words."""
        return self._list("words_to_avoid")

    def _list(self, name: str) -> list[str]:
        words: Any = self.cleaned_data[name] or []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise forms.ValidationError("Give a list of words in quotation marks.")
        return words


@admin.register(Brand)
class Brands(CreditPages):
    """The brands and the people who share them."""

    form = BrandForm
    list_display = ("name", "logo_shown", "colours_shown", "tone", "people", "credits_left", "created_at", "deleted_at")
    list_filter = (("deleted_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("name", "slug", "wordmark", "members__email")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("name",)}
    readonly_fields = ("logo_shown", "logo_on_dark_shown", "colours_shown", "created_at", "deleted_at")
    inlines = (MembershipRows,)
    fieldsets = (
        (None, {"fields": ("name", "slug", "wordmark", "logo_shown")}),
        ("Logo", {"fields": ("new_logo", "logo_on_dark_shown", "new_logo_on_dark", "clear_space")}),
        ("How it looks", {"fields": ("colours", "colours_shown", "headline_font", "text_font")}),
        ("What an ad must keep of the product", {"fields": ("truth",)}),
        ("How it talks", {"fields": ("tone", "words_to_use", "words_to_avoid")}),
        ("What it may cost us", {"fields": ("daily_micro_usd",)}),
        ("When", {"fields": ("created_at", "deleted_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Brand]:
        """With the number of people, and what may be spent."""
        left = CreditAccount.objects.filter(brand=OuterRef("pk"), kind=CreditAccount.Kind.AVAILABLE).values("balance")
        found: QuerySet[Brand] = super().get_queryset(request)
        return found.annotate(people_number=Count("memberships"), credits_number=Subquery(left))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A brand's orders, photos and files would go with it; it is taken away by `deleted_at`, which can be undone."""
        return False

    @admin.display(description="logo")
    def logo_shown(self, brand: Brand) -> SafeString:
        """The logo, small."""
        return picture(brand.logo_id, alt=f"Logo of {brand.name}", checker=True)

    @admin.display(description="logo on dark")
    def logo_on_dark_shown(self, brand: Brand) -> SafeString:
        """The version for dark grounds, small."""
        return picture(brand.logo_on_dark_id, alt=f"Logo of {brand.name} for dark grounds", checker=True)

    def save_model(self, request: HttpRequest, obj: Brand, form: forms.ModelForm[Brand], change: bool) -> None:
        """Keep new logos, too."""
        for name, field in (("new_logo", "logo"), ("new_logo_on_dark", "logo_on_dark")):
            if logo := form.cleaned_data.get(name):
                setattr(obj, field, kit.kept(logo))
        super().save_model(request, obj, form, change)

    @admin.display(description="colours")
    def colours_shown(self, brand: Brand) -> SafeString:
        """The colours as squares."""
        return swatches(brand.colours)

    @admin.display(description="people", ordering="people_number")
    def people(self, brand: Brand) -> int:
        """How many share it."""
        return int(getattr(brand, "people_number", 0))

    @admin.display(description="credits", ordering="credits_number")
    def credits_left(self, brand: Brand) -> int:
        """What it may still spend."""
        return int(getattr(brand, "credits_number", None) or 0)


@admin.register(Membership)
class Memberships(Page):
    """Who is where, and as what."""

    list_display = ("user", "brand", "role", "joined_at")
    list_filter = ("role", "joined_at")
    list_select_related = ("user", "brand")
    search_fields = ("user__email", "user__name", "brand__name")
    autocomplete_fields = ("user", "brand")
    readonly_fields = ("joined_at",)


@admin.register(Product)
class Products(Page):
    """What brands sell."""

    list_display = ("name", "brand", "sku", "url", "created_at")
    list_filter = ("brand", "created_at")
    list_select_related = ("brand",)
    search_fields = ("name", "sku", "brand__name")
    autocomplete_fields = ("brand",)
    readonly_fields = ("created_at",)
    formfield_overrides: ClassVar[dict[Any, Any]] = {URLField: {"assume_scheme": "https"}}
