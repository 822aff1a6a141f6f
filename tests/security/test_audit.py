"""Who did what is written down, cannot be changed unseen, and forgets persons when they go."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts import audit, ledger, webhooks
from accounts.models import AuditEntry, Brand, Membership, User
from comfy.models import Server
from generations.verify import verify
from templates_app.models import AdTemplate
from tests.people import PASSWORD


def kinds() -> list[str]:
    return list(AuditEntry.objects.order_by("number").values_list("kind", flat=True))


def newest(kind: str) -> AuditEntry:
    found = AuditEntry.objects.filter(kind=kind).first()
    assert found is not None, f"no {kind} among {kinds()}"
    return found


@pytest.fixture
def desk(sam: User, client: Client) -> Client:
    """Sam of the staff, signed in."""
    client.force_login(sam)
    return client


def test_a_sign_in_is_written_down_with_who_when_and_from_where(mia: User, client: Client) -> None:
    client.post(
        reverse("sign-in"), {"username": mia.email, "password": PASSWORD}, headers={"User-Agent": "Mia's browser"}, REMOTE_ADDR="192.0.2.7"
    )
    entry = newest("sign_in.done")
    assert entry.actor == mia.pk
    assert entry.personal["who"] == mia.email
    assert (entry.personal["from"], entry.personal["browser"]) == ("192.0.2.7", "Mia's browser")


def test_a_wrong_password_is_written_down_under_the_name_that_was_tried(mia: User, client: Client) -> None:
    client.post(reverse("sign-in"), {"username": mia.email, "password": "not it at all"})
    entry = newest("sign_in.refused")
    assert (entry.actor, entry.subject, entry.personal["tried"]) == (None, str(mia.pk), mia.email)
    assert "not it at all" not in str(entry.__dict__)


def test_another_role_is_written_down_with_what_it_was_before(desk: Client, sam: User, mia: User, max: User, brand: Brand) -> None:
    place = Membership.objects.get(user=max)
    before = AuditEntry.objects.count()
    place.save()
    assert AuditEntry.objects.count() == before, "saving without a change is no entry"
    before = AuditEntry.objects.count()
    desk.post(reverse("admin:accounts_membership_change", args=[place.pk]), {"user": max.pk, "brand": brand.pk, "role": "owner"})
    entry = newest("role.changed")
    assert entry.changes == {"role": ["editor", "owner"]}
    assert (entry.actor, entry.brand, entry.subject) == (sam.pk, brand.pk, str(place.pk))
    assert AuditEntry.objects.count() == before + 1


def test_credits_rights_servers_templates_and_deletions_are_written_down(
    desk: Client, sam: User, mia: User, brand: Brand, template: AdTemplate
) -> None:
    ledger.grant(brand, 50, reason="Sorry for the outage", by=sam)
    mia.groups.add(Group.objects.create(name="Curators"))
    server = Server.objects.create(name="gpu-1", address="http://gpu-1:8188", token="sesame")
    server.token = "open sesame"
    server.save()
    desk.post(reverse("admin:templates_app_adtemplate_changelist"), {"action": "take_out", "_selected_action": [template.pk]})
    Membership.objects.filter(user=mia).delete()
    assert newest("credits.made").changes["credits"] == [None, 50]
    assert newest("rights.given").changes == {"rights": [None, "Curators"]}
    assert newest("server.changed").changes == {"token": ["(set)", "(set)"]}
    assert newest("role.deleted").changes["role"] == ["owner", None]
    assert any(kind.startswith("admin.") for kind in kinds())
    assert "sesame" not in str(list(AuditEntry.objects.values()))


def test_the_secret_of_a_webhook_is_never_in_the_log(mia: User, brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_check_url", lambda url: None)
    webhook = webhooks.make_webhook(by=mia, brand=brand, url="https://example.com/?key=hidden", kinds=[])
    old = webhook.secret
    webhooks.rotate_secret(webhook)
    assert newest("webhook.changed").changes["secret"] == ["(set)", "(set)"]
    told = str(list(AuditEntry.objects.values()))
    assert old not in told and webhook.secret not in told


def test_words_that_look_like_another_entry_stay_in_one_line(mia: User) -> None:
    forged = "x@y.com\r\n2026-01-01 sign_in.done sam@example.com\x1b[2J"
    entry = audit.record("sign_in.refused", personal={"tried": forged}, changes={"name": (None, forged)})
    assert not {"\r", "\n", "\x1b"} & set(entry.changes["name"][1])
    assert not {"\r", "\n", "\x1b"} & set("".join(str(value) for value in entry.personal.values()))


def test_an_entry_is_neither_changed_nor_deleted(mia: User) -> None:
    entry = audit.record("export.made", by=mia)
    for refused in (entry.save, entry.delete, lambda: AuditEntry.objects.update(kind="x"), AuditEntry.objects.all().delete):
        with pytest.raises(ValueError, match="never changed"):
            refused()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_auditentry SET kind = 'export.other'")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute('UPDATE accounts_auditentry SET personal = \'{"who": "somebody.else"}\'')


def tampered(sql: str) -> list[str]:
    """What verify says after somebody with all rights in the database changed it behind our back."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER accounts_auditentry_stays")
        else:
            cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER USER")
        cursor.execute(sql)
        if connection.vendor != "sqlite":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return [problem.sentence for problem in verify(rehash=False).problems if problem.code == "audit"]


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("UPDATE accounts_auditentry SET kind = 'nothing' WHERE number = 2", "entry 2 was changed after it was written."),
        ("UPDATE accounts_auditentry SET changes = '{}' WHERE number = 2", "entry 2 was changed after it was written."),
        ("""UPDATE accounts_auditentry SET personal = '{"who": "eve"}' WHERE number = 2""", "what entry 2 tells of a person was changed"),
        ("DELETE FROM accounts_auditentry WHERE number = 2", "entries 2 to 2 are missing."),
        ("DELETE FROM accounts_auditentry WHERE number = 3", "entries 3 to 3 are missing at the end."),
    ],
)
def test_what_somebody_changes_in_the_database_is_found(brand: Brand, sql: str, sentence: str) -> None:
    for _ in range(3 - AuditEntry.objects.count()):
        audit.record("role.changed", brand=brand.pk, changes={"role": ("editor", "owner")}, personal={"who": "mia@example.com"})
    assert not [problem for problem in verify(rehash=False).problems if problem.code == "audit"]
    assert AuditEntry.objects.count() == 3
    assert any(said.startswith(sentence) for said in tampered(sql))


def test_who_is_deleted_is_forgotten_and_the_chain_stays_whole(mia: User, client: Client) -> None:
    client.post(reverse("sign-in"), {"username": mia.email, "password": "not it at all"})
    client.post(reverse("sign-in"), {"username": mia.email, "password": PASSWORD})
    assert audit.erase_person(mia) >= 3
    assert mia.email not in str(list(AuditEntry.objects.values()))
    assert newest("sign_in.done").actor == mia.pk, "that somebody signed in stays"
    assert not list(audit.faults())


def test_staff_read_the_log_and_change_nothing(desk: Client, mia: User, brand: Brand, django_assert_max_num_queries: Any) -> None:
    for _ in range(12):
        audit.record("role.changed", by=mia, brand=brand.pk, changes={"role": ("editor", "<b>owner</b>")})
    with django_assert_max_num_queries(14):
        page = desk.get(reverse("admin:accounts_auditentry_changelist"), {"about": "role"}).content.decode()
    assert mia.email in page and "&lt;b&gt;owner" in page and "<b>owner" not in page
    found = desk.get(reverse("admin:accounts_auditentry_changelist"), {"q": mia.email}).content.decode()
    assert "role.changed" in found
    one = reverse("admin:accounts_auditentry_change", args=[newest("role.changed").pk])
    assert desk.get(one).status_code == 200
    assert desk.post(one, {"kind": "x"}).status_code == 403
    assert desk.post(one.replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_staff_without_the_right_to_read_it_do_not(client: Client, mia: User) -> None:
    User.objects.filter(pk=mia.pk).update(is_staff=True)
    client.force_login(mia)
    assert client.get(reverse("admin:accounts_auditentry_changelist")).status_code == 403
