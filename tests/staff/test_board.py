"""The operations board: numbers that lead to their rows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import User
from generations import breakers, pipeline
from generations.models import Generation


@pytest.fixture
def desk(sam: User) -> Client:
    client = Client()
    client.force_login(sam)
    return client


def test_an_order_is_seen_open_and_then_made_and_every_number_leads_to_its_rows(desk: Client, order: Generation) -> None:
    address = reverse("admin:board")
    assert f'href="{address}"' in desk.get(reverse("admin:index")).content.decode()
    waiting = desk.get(address).content.decode()
    assert "No picture ended within a day." in waiting and "picture, waiting" in waiting
    pipeline.run(order.pk)
    made = desk.get(address).content.decode()
    assert "2 ready, 0 not made" in made and "picture, waiting" not in made and "ready, builtin" in made
    links = set(re.findall(r'<th scope="row"><a href="([^"]*)"', made))
    assert links
    for link in links:
        assert desk.get(link.replace("&amp;", "&")).status_code == 200, link


def test_what_does_not_work_stands_there(desk: Client, db: None) -> None:
    for _ in range(5):
        breakers.failed("comfyui", "Nobody answers.")
    page = desk.get(reverse("admin:board")).content.decode()
    assert "Left in peace" in page and ">comfyui</a>" in page


def test_the_board_is_for_staff_who_may_see_orders(db: None, mia: User, django_assert_max_num_queries: Any) -> None:
    clerk = User.objects.create_user("clerk@example.com", "correct horse battery", is_staff=True)
    for person, status in ((mia, 302), (clerk, 403)):
        client = Client()
        client.force_login(person)
        assert client.get(reverse("admin:board")).status_code in (status, 403)
    clerk.groups.add(Group.objects.get(name="Operator"))
    with django_assert_max_num_queries(40):
        assert client.get(reverse("admin:board")).status_code == 200
