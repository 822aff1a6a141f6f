"""Mia follows an order while it is made: events as they happen, and an answer that waits for a change."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.db import connection
from django.test import AsyncClient, Client
from django.urls import reverse
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Membership, User
from generations import actions, pipeline, stream
from generations.models import Ad, Event, Generation
from tests.api.conftest import is_problem

ORDERS = "/api/v1/generations"
Frame = tuple[int | None, str, dict[str, Any]]


class Stream:
    """An open stream of server-sent events."""

    def __init__(self, response: Any) -> None:
        assert response.status_code == 200, response.content
        assert response["Content-Type"] == "text/event-stream" and response["Cache-Control"] == "no-store"
        self.chunks: AsyncIterator[bytes] = aiter(response.streaming_content)

    async def next(self) -> Frame:
        """The next event; whatever is none is passed over."""
        while True:
            async with asyncio.timeout(20):
                lines = dict(line.split(": ", 1) for line in (await anext(self.chunks)).decode().strip().split("\n") if ": " in line)
            if "event" in lines:
                return int(lines["id"]) if "id" in lines else None, lines["event"], json.loads(lines["data"])

    async def to_the_end(self) -> list[Frame]:
        """Everything, `end` being the last."""
        found = [await self.next()]
        while found[-1][1] != "end":
            found.append(await self.next())
        with pytest.raises(StopAsyncIteration):
            await anext(self.chunks)
        return found

    async def leave(self) -> None:
        """Go away while nothing happens, as a server notices it: whoever waits is cancelled."""
        while True:
            waiting = asyncio.ensure_future(self.next())
            done, _ = await asyncio.wait([waiting], timeout=0.3)
            if not done:
                waiting.cancel()
                await asyncio.wait([waiting])
                return


async def opened(user: User, generation: Generation, **headers: str) -> Stream:
    headers = {"Authorization": f"Bearer {AccessToken.for_user(user)}", "Accept": "text/event-stream", **headers}
    return Stream(await AsyncClient().get(f"{ORDERS}/{generation.pk}/events", headers=headers))


def browser_of(user: User) -> AsyncClient:
    """Somebody's browser, signed in."""
    signed_in, browser = Client(), AsyncClient()
    signed_in.force_login(user)
    browser.cookies = signed_in.cookies
    return browser


def meanwhile(does: Callable[[], object], after: float = 0.0) -> threading.Timer:
    """Somebody else does it, beside us."""

    def do() -> None:
        try:
            does()
        finally:
            connection.close()

    thread = threading.Timer(after, do)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_every_event_is_told_once_in_order_and_a_cut_stream_goes_on_where_it_was(mia: User, order: Generation) -> None:
    async def follow() -> tuple[list[Frame], list[Frame]]:
        whole = await opened(mia, order)
        first = await whole.next()
        making = meanwhile(lambda: pipeline.run(order.pk))
        rest = await whole.to_the_end()
        making.join()
        cut = await opened(mia, order, **{"Last-Event-ID": str(rest[2][0] or rest[1][0])})
        return [first, *rest], await cut.to_the_end()

    told, again = asyncio.run(follow())
    seqs = [seq for seq, _, _ in told if seq is not None]
    assert seqs == list(Event.objects.filter(generation=order).order_by("seq").values_list("seq", flat=True))
    kinds = [kind for _, kind, _ in told]
    assert kinds[0] == "generation.waiting" and "picture.ready" in kinds and "generation.ready" in kinds
    assert told[-1] == (None, "end", {"reason": "done"})
    assert all(data["generation"] == str(order.pk) for seq, _, data in told if seq is not None)
    later = [seq for seq, _, _ in again if seq is not None]
    assert later and later == seqs[-len(later) :] and len(later) < len(seqs)
    assert not stream._open


@pytest.mark.django_db(transaction=True)
def test_who_leaves_the_brand_is_told_nothing_more(mia: User, max: User, order: Generation) -> None:
    ad = Ad.objects.filter(picture__generation=order)[0]

    def leave() -> None:
        Membership.objects.filter(user=max).delete()
        actions.star_ad(by=mia, ad=ad)

    async def follow() -> list[Frame]:
        open_ = await opened(max, order)
        assert (await open_.next())[1] == "generation.waiting"
        gone = meanwhile(leave)
        rest = await open_.to_the_end()
        gone.join()
        return rest

    told = asyncio.run(follow())
    assert told[-1][1:] == ("end", {"reason": "closed"})
    assert "ad.starred" not in [kind for _, kind, _ in told]


@pytest.mark.django_db(transaction=True)
def test_one_person_has_some_streams_at_once_and_pages_follow_their_brand(mia: User, eve: User, order: Generation) -> None:
    ad = Ad.objects.filter(picture__generation=order)[0]

    pages = [browser_of(mia), browser_of(eve)]

    async def follow() -> None:
        streams = [await opened(mia, order) for _ in range(stream.STREAMS_AT_MOST)]
        for each in streams:
            await each.next()
        headers = {"Authorization": f"Bearer {AccessToken.for_user(mia)}", "Accept": "text/event-stream"}
        refused = await AsyncClient().get(f"{ORDERS}/{order.pk}/events", headers=headers)
        assert is_problem(refused, 429) and refused["Retry-After"] == "10"
        for each in streams:
            await each.leave()
        assert not stream._open, "who goes away makes room"
        brand, elsewhere = [Stream(await page.get(reverse("events"))) for page in pages]
        await anext(brand.chunks)
        await anext(elsewhere.chunks)
        starring = meanwhile(lambda: actions.star_ad(by=mia, ad=ad), after=0.2)
        seq, kind, data = await brand.next()
        starring.join()
        assert kind == "ad.starred" and seq and data["object_id"] == str(ad.pk), "only what happens from now on"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await elsewhere.next()
        await brand.leave()

    asyncio.run(follow())


@pytest.mark.django_db(transaction=True)
def test_an_answer_waits_for_a_change(as_mia: APIClient, mia: User, order: Generation) -> None:
    address = f"{ORDERS}/{order.pk}"
    etag = as_mia.get(address)["ETag"]
    ad = Ad.objects.filter(picture__generation=order)[0]
    nothing = as_mia.get(f"{address}?wait=1", HTTP_IF_NONE_MATCH=etag)
    assert nothing.status_code == 304 and nothing["ETag"] == etag
    starring = meanwhile(lambda: actions.star_ad(by=mia, ad=ad), after=0.3)
    changed = as_mia.get(f"{address}?wait=20", HTTP_IF_NONE_MATCH=etag)
    starring.join()
    assert changed.status_code == 200 and changed["ETag"] != etag
    assert any(each["starred"] for each in changed.json()["ads"])
    assert as_mia.get(f"{address}?wait=20", HTTP_IF_NONE_MATCH=etag).status_code == 200, "it has changed already"


def test_an_ended_order_is_answered_at_once(as_mia: APIClient, order: Generation) -> None:
    pipeline.run(order.pk)
    etag = as_mia.get(f"{ORDERS}/{order.pk}")["ETag"]
    assert as_mia.get(f"{ORDERS}/{order.pk}?wait=20", HTTP_IF_NONE_MATCH=etag).status_code == 304


def test_when_many_wait_the_next_is_answered_at_once(as_mia: APIClient, order: Generation) -> None:
    taken = [stream._waiters.acquire(blocking=False) for _ in range(stream.WAITERS_AT_MOST)]
    try:
        assert all(taken) and as_mia.get(f"{ORDERS}/{order.pk}?wait=20").status_code == 200
    finally:
        for _ in taken:
            stream._waiters.release()


@pytest.mark.parametrize("wait", ["21", "-1", "soon", "1.5", "999"])
def test_nobody_waits_for_ever(as_mia: APIClient, order: Generation, wait: str) -> None:
    assert "0 to 20" in is_problem(as_mia.get(f"{ORDERS}/{order.pk}?wait={wait}"), 422)["errors"]["wait"][0]


def test_where_no_stream_can_be_people_are_told_how_to_go_on(as_mia: APIClient, client: Client, mia: User, order: Generation) -> None:
    refused = is_problem(as_mia.get(f"{ORDERS}/{order.pk}/events", HTTP_ACCEPT="text/event-stream"), 406)
    assert "`after`" in refused["detail"]
    assert as_mia.get(f"{ORDERS}/{order.pk}/events", HTTP_ACCEPT="application/json").json()["results"]
    client.force_login(mia)
    assert client.get(reverse("events")).status_code == 204


def test_strangers_follow_nothing(as_eve: APIClient, anyone: APIClient, order: Generation) -> None:
    for headers in ({"HTTP_ACCEPT": "text/event-stream"}, {}):
        is_problem(as_eve.get(f"{ORDERS}/{order.pk}/events", **headers), 404)
        is_problem(anyone.get(f"{ORDERS}/{order.pk}/events", **headers), 401)
    is_problem(as_eve.get(f"{ORDERS}/{order.pk}?wait=20"), 404)
