"""Which server takes a picture, what is known of each, and that no server is asked for more than it has seats."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections

from comfy import errors, pool, references
from comfy.binding import Filled
from comfy.models import Server, ServerFile, ServerJob
from tests.fakes.comfy_paintbox import painted, png
from tests.fakes.comfy_server import Simulator

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hurry(settings) -> None:
    settings.COMFY_PACE = {"first": 0.02, "slowest": 0.1, "unknown_gap": 0.1, "connect": 1.0, "read": 2.0}


@pytest.fixture
def second() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def needs(
    *, checkpoint: str = "sdxl.safetensors", loras: tuple[str, ...] = (), classes: frozenset[str] = frozenset({"KSampler"})
) -> Filled:
    files = (("ckpt_name", checkpoint), *(("lora_name", lora) for lora in loras))
    return Filled({}, "9", (), (64, 64), 1, classes, files)


def adopted(*simulators: Simulator) -> list[Server]:
    pool.adopt_from_settings([simulator.url for simulator in simulators])
    return [Server.objects.get(address=simulator.url) for simulator in simulators]


def take(what: Filled | None = None, **other) -> pool.Seat:
    return pool.take_seat(what or needs(), uuid4(), uuid4(), **other)


def test_servers_of_the_environment_become_rows_once_and_are_looked_at(server):
    assert pool.adopt_from_settings([server.url + "/"]) == 1
    assert pool.adopt_from_settings([server.url]) == 0
    row = Server.objects.get()
    assert row.allow_private and row.enabled and row.version == "0.3.64" and row.last_seen
    assert "KSampler" in row.classes
    assert row.files["ckpt_name"] == ["sd15.safetensors", "sdxl.safetensors"]
    assert row.files["model_name"] == ["RealESRGAN_x2.pth"], "a choice list may be written as COMBO with options"
    assert pool.working().exists()


def test_a_server_that_is_away_at_the_start_is_a_row_that_is_not_healthy_and_comes_back(server):
    server.fault("/system_stats", 503)
    row = adopted(server)[0]
    assert not pool.working().exists() and row.last_error
    Server.objects.update(looked_at=1)
    assert pool.look_around() == 1
    assert pool.working().exists()


def test_a_token_is_encrypted_in_the_database_and_sent(server):
    server.token = "secret-token"
    row = adopted(server)[0]
    assert not row.last_seen and "token" in row.last_error
    row.token = "secret-token"
    row.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM comfy_server")
        assert "secret-token" not in cursor.fetchone()[0]
    assert pool.look(Server.objects.get())


def test_a_token_whose_key_is_gone_stops_its_server_and_no_other(server, second):
    first, other = adopted(server, second)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE comfy_server SET token = 'gAAAA-of-another-key' WHERE name = %s", [first.name])
    assert {take().server.name for _ in range(2)} == {other.name}
    assert "ENCRYPTION_KEYS" in Server.objects.defer("token").get(pk=first.pk).last_error


def test_an_address_inside_the_house_is_asked_only_where_that_is_allowed(server):
    row = adopted(server)[0]
    row.allow_private = False
    with pytest.raises(errors.ServerRefused, match="private network"):
        pool.client_of(row)
    row.address = "http://169.254.169.254"
    row.allow_private = True
    with pytest.raises(errors.ServerRefused, match="private network"):
        pool.client_of(row)


def test_an_address_that_people_typed_is_asked_where_it_was_judged_to_lead():
    typed = Server(name="typed", address="http://93.184.216.34:8188")
    assert pool.client_of(typed).address.ip == "93.184.216.34"
    vouched = Server(name="vouched", address="http://localhost:8188", allow_private=True)
    assert pool.client_of(vouched).address.ip == "", "a house's own names are its own affair"


def test_a_picture_goes_to_the_server_with_the_fewest_of_ours(server, second):
    first, other = adopted(server, second)
    names = [take().server.name for _ in range(4)]
    assert sorted(names) == sorted([first.name, other.name] * 2)
    assert names[0] != names[1]


def test_a_server_of_weight_three_gets_three_pictures_for_each_of_the_others(server, second):
    slow, fast = adopted(server, second)
    Server.objects.update(slots=8)
    Server.objects.filter(pk=fast.pk).update(weight=3)
    names = [take().server.name for _ in range(8)]
    assert names.count(fast.name) == 6 and names.count(slow.name) == 2


def test_no_server_gets_more_than_it_has_seats(server):
    row = adopted(server)[0]
    for _ in range(row.slots):
        take()
    with pytest.raises(pool.NoServer) as none:
        take()
    assert none.value.why == "busy" and none.value.reasons == {row.name: "all its seats are taken"}


def test_a_seat_is_free_again_when_its_picture_is_here_when_it_failed_or_when_nobody_holds_it(server):
    adopted(server)
    first, second = take(), take()
    first.fetched()
    third = take()
    second.fault(errors.OutOfMemory("full"))
    take()
    ServerJob.objects.filter(pk=third.job_id).update(held_until=1)
    assert take().server == third.server


def test_a_job_that_comes_back_keeps_one_seat(server):
    adopted(server)
    job_id = uuid4()
    for _ in range(5):
        pool.take_seat(needs(), job_id, uuid4())
    assert ServerJob.objects.filter(seat__isnull=False).count() == 1


def test_the_server_whose_model_is_warm_is_preferred_among_equals(server, second):
    first, other = adopted(server, second)
    warm = max(first, other, key=lambda row: row.name)
    pool.worked(warm, "sdxl.safetensors")
    assert take().server == warm
    assert take(needs(checkpoint="sd15.safetensors")).server != warm


def test_a_server_that_failed_at_this_job_is_asked_last(server, second):
    first, other = adopted(server, second)
    assert take(avoid=[str(first.pk)]).server == other
    Server.objects.filter(pk=other.pk).update(enabled=False)
    assert take(avoid=[str(first.pk)]).server == first


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (needs(checkpoint="other.safetensors"), "has no file 'other.safetensors'"),
        (needs(loras=("gone.safetensors",)), "has no file 'gone.safetensors'"),
        (needs(classes=frozenset({"FancyNode"})), "has no node FancyNode"),
    ],
)
def test_a_server_without_what_is_needed_is_not_asked_and_the_reason_is_kept(server, what, says):
    row = adopted(server)[0]
    with pytest.raises(pool.NoServer) as none:
        take(what)
    assert none.value.why == "cannot" and none.value.reasons == {row.name: says}


def test_files_are_found_whatever_slashes_and_letters_the_server_writes(server):
    server.models["loras"] = ["Styles\\Film.safetensors", "product.safetensors", "a/twice.safetensors", "b/twice.safetensors"]
    adopted(server)
    seat = take(needs(loras=("styles/film.safetensors",)))
    assert seat.spelling["lora_name", "styles/film.safetensors"] == "Styles\\Film.safetensors"
    assert take(needs(loras=("sub/product.safetensors",))).spelling["lora_name", "sub/product.safetensors"] == "product.safetensors"
    with pytest.raises(pool.NoServer) as none:
        take(needs(loras=("twice.safetensors",)))
    assert "several files" in next(iter(none.value.reasons.values()))


def test_three_failures_in_a_minute_leave_a_server_in_peace_and_one_look_brings_it_back(server):
    row = adopted(server)[0]
    for number in range(3):
        assert Server.objects.get().open_until == 0, number
        pool.failed(row, errors.ServerDown("away"))
    assert Server.objects.get().open_until > 0 and not pool.working().exists()
    with pytest.raises(pool.NoServer) as none:
        take()
    assert none.value.why == "down" and "away" in next(iter(none.value.reasons.values()))
    before = len(server.requests)
    assert pool.look_around() == 0 and len(server.requests) == before, "in peace means that nobody asks"
    Server.objects.update(open_until=1, looked_at=1)
    assert take().server == row
    assert Server.objects.get().open_until == 0 and pool.working().exists()


def test_a_probe_that_fails_leaves_the_server_in_peace_again(server):
    row = adopted(server)[0]
    Server.objects.update(open_until=1, looked_at=1)
    server.fault("/system_stats", 503)
    with pytest.raises(pool.NoServer):
        take()
    row.refresh_from_db()
    assert row.open_until > 1


def test_a_sick_server_is_left_in_peace_at_once(server):
    pool.failed(adopted(server)[0], errors.ServerSick("driver"))
    assert not pool.working().exists()


def test_failures_far_apart_do_not_add_up(server):
    row = adopted(server)[0]
    for _ in range(5):
        pool.failed(row, errors.ServerDown("away"))
        Server.objects.update(first_failure=1)
    assert Server.objects.get().open_until == 0


def test_without_any_server_there_is_a_reason_too():
    with pytest.raises(pool.NoServer, match="There is no ComfyUI server"):
        take()
    assert not pool.working().exists()


def test_a_worker_that_comes_back_late_may_not_post(server):
    adopted(server)
    job_id = uuid4()
    late = pool.take_seat(needs(), job_id, uuid4())
    late.keep()
    found = pool.seat_of(job_id, uuid4())
    assert found is not None
    seat, job = found
    assert seat.server == late.server and job.posts == 0
    for act in (late.keep, late.count_post):
        with pytest.raises(pool.Superseded):
            act()
    seat.count_post()
    assert ServerJob.objects.get(pk=job_id).posts == 1


def test_nobody_knows_a_job_that_was_never_begun(server):
    adopted(server)
    assert pool.seat_of(uuid4(), uuid4()) is None


def test_a_server_forgets_a_job_only_when_its_picture_has_long_been_here(server):
    adopted(server)
    young, old = take(), take()
    for seat in (young, old):
        server.state.history[str(seat.job_id)] = {"outputs": {}}
        seat.fetched()
    ServerJob.objects.filter(pk=old.job_id).update(fetched_at=1)
    pool.tidy(old.server, old.client)
    assert list(server.state.history) == [str(young.job_id)]
    assert list(ServerJob.objects.values_list("pk", flat=True)) == [young.job_id]


def test_a_reference_goes_to_a_server_once_and_again_when_it_is_gone_there(server):
    adopted(server)
    seat, data = take(), png(painted(16, 16, "shoe"))
    assert references.put(seat, data) == references.put(seat, data)
    uploads = [path for _method, path in server.requests if path == "/upload/image"]
    assert len(uploads) == 1 and ServerFile.objects.count() == 1
    references.forget(seat.server)
    references.put(seat, data)
    assert [path for _method, path in server.requests].count("/upload/image") == 2


@pytest.mark.django_db(transaction=True)
def test_twenty_workers_at_once_never_get_more_seats_than_there_are(server):
    adopted(server)
    Server.objects.update(slots=3)
    got: list[UUID] = []
    strange: list[Exception] = []

    def work() -> None:
        try:
            got.append(take().job_id)
        except pool.NoServer:
            pass
        except Exception as error:
            strange.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not strange
    assert len(got) == 3
    assert sorted(ServerJob.objects.values_list("seat", flat=True)) == [0, 1, 2]
