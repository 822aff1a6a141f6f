"""Credits and prices in admin: who sees what, who may give, and what is written down."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts import ledger
from accounts.ledger import Balance
from accounts.models import Brand, CreditAccount, Price, Transfer, User
from accounts.prices import price_of
from finishing.shapes import SHAPES
from tests.people import PASSWORD


@pytest.fixture
def desk(sam: User, client: Client) -> Client:
    """Sam of the staff, signed in."""
    client.force_login(sam)
    return client


@pytest.fixture
def counter(db: None, client: Client) -> Client:
    """Somebody of the staff who may look at brands and transfers, and nothing else."""
    clerk = User.objects.create_user("clerk@example.com", PASSWORD, is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_brand", "view_transfer"]))
    client.force_login(clerk)
    return client


@pytest.fixture
def books(brand: Brand, sam: User) -> Brand:
    """Mia's brand: 1000 credits from Sam, two orders, one of them spent."""
    ledger.grant(brand, 1000, reason="Welcome", by=sam)
    spent = uuid4()
    ledger.hold(brand.pk, {spent: 4}, note="Order one")
    ledger.hold(brand.pk, {uuid4(): 2, uuid4(): 0}, note="Order two")
    ledger.capture([spent])
    return brand


def statement(brand: Brand) -> str:
    return reverse("admin:accounts_brand_statement", args=[brand.pk])


def giving(brand: Brand) -> str:
    return reverse("admin:accounts_brand_credits", args=[brand.pk])


def cells(page: str) -> list[list[str]]:
    """The text of a page's table, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", page.split("<tbody>")[1], re.DOTALL)
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in rows
    ]


def test_a_statement_says_what_was_left_after_each_transfer(desk: Client, books: Brand) -> None:
    page = desk.get(statement(books)).content.decode()
    assert [row[1:] for row in cells(page)] == [
        ["Spent 4", "Order one", "", "", "", "2"],
        ["Held", "Order two", "", "-2", "994", "6"],
        ["Held", "Order one", "", "-4", "996", "4"],
        ["Granted", "Welcome", "sam@example.com", "+1,000", "1,000", ""],
    ]
    assert "994" in page.split("Held by open orders")[0]


def test_a_statement_of_a_brand_without_credits_says_so(desk: Client, brand: Brand) -> None:
    assert "This brand never had credits." in desk.get(statement(brand)).content.decode()


def test_a_long_statement_ends_and_says_where_the_rest_is(desk: Client, books: Brand) -> None:
    for _ in range(200):
        ledger.hold(books.pk, {uuid4(): 1})
    page = desk.get(statement(books)).content.decode()
    assert len(cells(page)) == 200
    assert "These are the newest 200" in page
    assert cells(page)[-1][4] == "-1"


def test_a_statement_costs_the_same_for_one_line_or_forty(desk: Client, books: Brand, django_assert_max_num_queries: object) -> None:
    for _ in range(40):
        ledger.hold(books.pk, {uuid4(): 1})
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        desk.get(statement(books))


def test_the_page_of_a_brand_leads_to_its_credits(desk: Client, books: Brand) -> None:
    page = desk.get(reverse("admin:accounts_brand_change", args=[books.pk])).content.decode()
    assert statement(books) in page
    assert giving(books) in page
    assert "994" in desk.get(reverse("admin:accounts_brand_changelist")).content.decode()
    assert desk.get(reverse("admin:accounts_brand_add")).status_code == 200


def form(**told: object) -> dict[str, object]:
    return {"kind": "grant", "credits": "5", "reason": "A thank you", "key": str(uuid4())} | told


def test_sam_gives_credits_and_it_is_written_down(desk: Client, brand: Brand, sam: User) -> None:
    page = desk.get(giving(brand)).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    answer = desk.post(giving(brand), form(key=key[1]))
    assert answer.status_code == 302
    assert answer["Location"] == statement(brand)
    assert ledger.balance(brand) == Balance(5, 0)
    transfer = Transfer.objects.get()
    assert (transfer.kind, transfer.reason, transfer.created_by) == ("grant", "A thank you", sam)
    assert LogEntry.objects.get().get_change_message() == "Granted: 5 credits. A thank you"


def test_a_second_click_is_not_a_second_gift(desk: Client, brand: Brand) -> None:
    told = form()
    desk.post(giving(brand), told)
    desk.post(giving(brand), told)
    assert ledger.balance(brand) == Balance(5, 0)


def test_sam_puts_a_balance_right(desk: Client, books: Brand) -> None:
    assert desk.post(giving(books), form(kind="adjust", credits="-4")).status_code == 302
    assert ledger.balance(books).available == 990


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"reason": ""}, "This field is required."),
        ({"credits": ""}, "This field is required."),
        ({"credits": "many"}, "Enter a whole number."),
        ({"credits": "-1"}, "Give at least 1 credit."),
        ({"credits": "10000000000000"}, "less than or equal to 1000000000"),
        ({"kind": "adjust", "credits": "-995"}, "Miravel has 994 credits available. Take away no more than that."),
        ({"kind": "adjust", "credits": "0"}, "and not 0"),
        ({"kind": "steal"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_given_is_refused_in_the_form(desk: Client, books: Brand, wrong: dict[str, str], sentence: str) -> None:
    answer = desk.post(giving(books), form(**wrong))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert ledger.balance(books) == Balance(994, 2)
    assert not LogEntry.objects.exists()


def test_who_may_only_look_sees_the_books_and_gives_nothing(counter: Client, books: Brand) -> None:
    assert counter.get(statement(books)).status_code == 200
    assert counter.get(reverse("admin:accounts_transfer_reconciliation")).status_code == 200
    assert counter.get(giving(books)).status_code == 403
    assert counter.post(giving(books), form()).status_code == 403
    assert giving(books) not in counter.get(statement(books)).content.decode()
    assert giving(books) not in counter.get(reverse("admin:accounts_brand_change", args=[books.pk])).content.decode()
    assert ledger.balance(books) == Balance(994, 2)


def test_with_the_permission_a_clerk_may_give(counter: Client, brand: Brand) -> None:
    User.objects.get(email="clerk@example.com").user_permissions.add(Permission.objects.get(codename="grant_credits"))
    assert counter.post(giving(brand), form()).status_code == 302
    assert ledger.balance(brand) == Balance(5, 0)


def test_staff_without_a_permission_and_marketers_see_nothing(client: Client, mia: User, books: Brand) -> None:
    pages = [statement(books), giving(books), reverse("admin:accounts_transfer_reconciliation")]
    client.force_login(User.objects.create_user("new@example.com", PASSWORD, is_staff=True))
    assert [client.get(page).status_code for page in pages] == [403, 403, 403]
    client.force_login(mia)
    assert [client.get(page).status_code for page in pages] == [302, 302, 302]


def test_the_credits_of_no_brand_are_not_found(desk: Client, brand: Brand) -> None:
    nobody = Brand(id=uuid4())
    assert [desk.get(statement(nobody)).status_code, desk.get(giving(nobody)).status_code] == [404, 404]


def test_transfers_are_looked_at_and_never_changed(desk: Client, books: Brand) -> None:
    for transfer in Transfer.objects.all():
        page = reverse("admin:accounts_transfer_change", args=[transfer.pk])
        assert desk.get(page).status_code == 200
        assert desk.post(page, {"credits": "7"}).status_code == 403
        assert desk.post(reverse("admin:accounts_transfer_delete", args=[transfer.pk]), {"post": "yes"}).status_code == 403
    assert desk.get(reverse("admin:accounts_transfer_add")).status_code == 403
    assert ledger.reconcile() == []


@pytest.mark.parametrize(
    ("query", "number"),
    [({}, 5), ({"kind__exact": "hold"}, 3), ({"end": "open"}, 2), ({"end": "capture"}, 1), ({"end": "void"}, 0), ({"q": "Order two"}, 2)],
)
def test_transfers_can_be_filtered_and_searched(desk: Client, books: Brand, eve: User, query: dict[str, str], number: int) -> None:
    listed = desk.get(reverse("admin:accounts_transfer_changelist"), query)
    assert listed.status_code == 200
    assert listed.context["cl"].result_count == number


def test_transfers_are_found_by_picture_and_by_brand(desk: Client, books: Brand, eve: User) -> None:
    ledger.grant(eve.brands.get(), 1, reason="Hello", by=None)
    picture = Transfer.objects.get(kind="capture").object_id
    listed = reverse("admin:accounts_transfer_changelist")
    assert desk.get(listed, {"q": str(picture)}).context["cl"].result_count == 2
    assert desk.get(listed, {"brand__exact": str(books.pk)}).context["cl"].result_count == 5


def test_the_list_of_transfers_costs_the_same_for_one_or_forty(desk: Client, books: Brand, django_assert_max_num_queries: object) -> None:
    ledger.hold(books.pk, {uuid4(): 1 for _ in range(40)})
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        desk.get(reverse("admin:accounts_transfer_changelist"))


def test_the_reconciliation_says_that_all_is_right_or_what_is_not(desk: Client, books: Brand) -> None:
    page = reverse("admin:accounts_transfer_reconciliation")
    assert page in desk.get(reverse("admin:accounts_transfer_changelist")).content.decode()
    right = desk.get(page).content.decode()
    assert "All is right" in right
    assert cells(right) == [["Available", "994"], ["Held", "2"], ["Issued", "-1,000"], ["Earned", "4"]]
    CreditAccount.objects.filter(brand=books, kind="held").update(balance=3)
    wrong = desk.get(page).content.decode()
    assert "2 differences" in wrong
    assert "Held of Miravel: the balance is 3, but the entries add up to 2." in wrong
    assert "All is right" not in wrong


def price_form(credits: dict[str, int], **told: str) -> dict[str, str]:
    rows = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
    return {"title": "OpenAI", "data": json.dumps({"credits": credits}), "note": "Dearer since July"} | rows | told


def test_an_edit_of_a_price_is_a_new_version_with_its_note(desk: Client, sam: User) -> None:
    old = price_of("openai")
    page = reverse("admin:accounts_price_change", args=[old.price_id])
    assert '"1:1": 4' in desk.get(page).content.decode().replace("&quot;", '"')
    assert desk.post(page, price_form(dict.fromkeys(SHAPES, 5))).status_code == 302
    new = price_of("openai")
    assert (new.number, new.note, new.author, new.credits("1:1")) == (2, "Dearer since July", sam, 5)
    old.refresh_from_db()
    assert old.credits("1:1") == 4
    assert "Dearer since July" in desk.get(page).content.decode()


def test_saving_a_price_as_it_is_writes_no_version(desk: Client) -> None:
    old = price_of("openai")
    desk.post(reverse("admin:accounts_price_change", args=[old.price_id]), price_form(dict.fromkeys(SHAPES, 4), title="OpenAI images"))
    assert price_of("openai") == old
    assert price_of("openai").price.title == "OpenAI images"


def test_a_price_that_lacks_a_shape_is_refused_in_the_form(desk: Client) -> None:
    answer = desk.post(reverse("admin:accounts_price_change", args=[price_of("openai").price_id]), price_form({"1:1": 5}))
    assert answer.status_code == 200
    assert "A price is missing for 4:5" in answer.content.decode()
    assert price_of("openai").number == 1


def test_another_engine_gets_a_price(desk: Client) -> None:
    page = reverse("admin:accounts_price_add")
    assert desk.get(page).status_code == 200
    assert desk.post(page, price_form(dict.fromkeys(SHAPES, 2), title="Magic", slug="magic")).status_code == 302
    assert price_of("magic").credits("9:16") == 2


def test_a_price_is_never_deleted(desk: Client) -> None:
    assert desk.post(reverse("admin:accounts_price_delete", args=[price_of("openai").price_id]), {"post": "yes"}).status_code == 403
    assert Price.objects.count() == 3
    listed = desk.get(reverse("admin:accounts_price_changelist")).content.decode()
    assert "ComfyUI" in listed
