"""One job on one server, whatever goes wrong on the way: sent once, found again, fetched whole."""

from __future__ import annotations

import datetime
import ssl
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from comfy import errors
from comfy.client import Client, Pace
from comfy.results import checked
from comfy.wire import Address
from tests.comfy.conftest import HURRY
from tests.fakes.comfy_paintbox import painted, png
from tests.fakes.comfy_server import Simulator


def go() -> None:
    """May post."""


def quiet(hint) -> None:
    """Hears hints and does nothing."""


def run(client: Client, job, hints: list | None = None):
    return client.run(job, lambda hint: hints.append(hint) if hints is not None else None, before_post=go).picture


def test_a_job_is_sent_once_and_its_picture_comes_back(server, client, job):
    server.step_seconds = 0.03
    ordered, hints = job(), []
    picture = run(client, ordered, hints)
    assert picture.size == (96, 64)
    assert server.posts == {str(ordered.id): 1}
    fractions = [hint.fraction for hint in hints]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and any(0 < fraction < 1 for fraction in fractions)
    assert max(fraction for fraction in fractions if fraction < 1) <= 0.95, "only the stored picture is the whole"


def test_the_same_seed_paints_the_same_picture_and_another_seed_another(client, job):
    first, again, other = (run(client, job(seed=seed)).tobytes() for seed in (7, 7, 8))
    assert first == again != other


def test_a_job_that_the_server_already_has_is_not_sent_again(server, client, job):
    ordered = job()
    run(client, ordered)
    run(client, ordered)
    assert server.posts[str(ordered.id)] == 1


def test_progress_comes_from_steps_and_a_preview_is_seen(server, client, job):
    server.step_seconds, server.previews = 0.03, True
    hints: list = []
    run(client, job(steps=8), hints)
    assert len({hint.fraction for hint in hints}) >= 8
    assert any(hint.preview and hint.preview.startswith(b"\xff\xd8") for hint in hints)


@pytest.mark.parametrize("sockets", ["off", "silent", "cut"])
def test_without_a_useful_socket_the_picture_comes_all_the_same(server, client, job, sockets):
    server.sockets, server.step_seconds = sockets, 0.01
    began = time.monotonic()
    assert run(client, job()).size == (96, 64)
    assert time.monotonic() - began < 3
    assert sum(server.posts.values()) == 1


def test_history_that_is_late_is_waited_for(server, client, job):
    server.late_history = 0.05
    assert run(client, job()).size == (96, 64)


@pytest.mark.parametrize("do", ["lose", "drop", 502, 500])
def test_an_order_whose_answer_was_lost_is_looked_for_before_it_is_sent_again(server, client, job, do):
    server.fault("/prompt", do)
    ordered = job()
    assert run(client, ordered).size == (96, 64)
    assert server.posts[str(ordered.id)] == 1, "a lost answer is no reason to paint twice"


def test_a_server_that_never_keeps_an_order_counts_as_down(server, client, job):
    server.fault("/prompt", "drop", times=9)
    with pytest.raises(errors.ServerDown):
        run(client, job())
    assert not server.posts


def test_nothing_is_sent_when_the_job_may_not_be_posted_any_more(server, client, job):
    def stop() -> None:
        raise RuntimeError("another worker has it")

    with pytest.raises(RuntimeError):
        client.run(job(), lambda hint: None, before_post=stop)
    assert not server.posts


def in_background(work):
    box: dict = {}

    def target() -> None:
        try:
            box["made"] = work()
        except Exception as error:
            box["error"] = error

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread, box


def test_a_restart_in_the_middle_loses_the_job_and_says_so(server, client, job):
    server.hang = True
    thread, box = in_background(lambda: run(client, job()))
    server.wait_for(lambda: server.state.running)
    server.forget()
    thread.join(5)
    assert isinstance(box["error"], errors.Lost)


def test_a_picture_that_was_finished_before_a_restart_is_found_by_its_name(server, client, job):
    ordered = job()
    run(client, ordered)
    server.forget()
    assert client.follow(ordered, quiet).picture.size == (96, 64)
    assert server.posts[str(ordered.id)] == 1


def test_a_job_from_before_is_taken_up_without_sending_it_again(server, client, job):
    server.step_seconds = 0.02
    ordered = job(steps=10)
    thread, _box = in_background(lambda: run(client, ordered))
    server.wait_for(lambda: server.state.running)
    other = Client(Address(server.url), pace=HURRY)
    assert other.follow(ordered, quiet).picture.size == (96, 64)
    thread.join(5)
    assert server.posts[str(ordered.id)] == 1


def test_the_queue_is_read_before_history_for_a_job_that_ends_in_between_would_be_in_neither(client, server):
    job_id = uuid4()
    assert client.where(job_id).state == "unknown"
    assert server.requests == [("GET", "/queue"), ("GET", f"/history/{job_id}")]


def test_a_job_that_nobody_knows_is_lost(server, client, job):
    with pytest.raises(errors.Lost):
        client.follow(job(), quiet)
    assert not server.posts


@pytest.mark.parametrize(
    ("fail", "raised"),
    [("oom", errors.OutOfMemory), ("node", errors.NodeFailed), ("model", errors.ModelBroken), ("cuda", errors.ServerSick)],
)
def test_what_fails_on_the_server_has_a_class_by_what_to_do_next(server, client, job, fail, raised):
    server.fail = fail
    with pytest.raises(raised):
        run(client, job())


def test_somebody_elses_interrupt_is_no_failure_of_the_job(server, client, job):
    server.hang = True
    thread, box = in_background(lambda: run(client, job()))
    server.wait_for(lambda: server.state.running)
    server.interrupt()
    thread.join(5)
    assert isinstance(box["error"], errors.Preempted)


@pytest.mark.parametrize("wrong", ["size", "black", "empty", "html", "truncated"])
def test_a_wrong_file_is_never_a_picture(server, client, job, wrong):
    server.wrong = wrong
    with pytest.raises(errors.BadPicture):
        run(client, job())


def test_a_file_that_is_gone_has_an_error_of_its_own(server, client, job):
    server.wrong = "gone"
    with pytest.raises(errors.BytesGone):
        run(client, job())


def test_somebody_elses_picture_is_rejected(server, client, job):
    run(client, job(seed=1))
    server.swap = True
    with pytest.raises(errors.NoOutput):
        run(client, job(seed=2))


def test_a_run_without_our_output_node_is_no_success(server, client, job):
    server.no_output = True
    with pytest.raises(errors.NoOutput):
        run(client, job())


def test_a_graph_that_is_refused_names_node_and_input(server, client, job):
    ordered = job(steps=0)
    with pytest.raises(errors.WorkflowInvalid, match=r"node 7 \(KSampler\).*steps"):
        run(client, ordered)


def test_a_missing_model_has_an_error_of_its_own(server, client, job):
    server.models["checkpoints"].remove("sd15.safetensors")
    with pytest.raises(errors.ModelMissing, match="sd15.safetensors"):
        run(client, job())


def test_a_job_that_hangs_is_cancelled_there_and_given_up_here(server, client, job):
    server.hang = True
    ordered = job(run_seconds=0.3)
    with pytest.raises(errors.TimedOut):
        run(client, ordered)
    server.wait_for(lambda: str(ordered.id) in server.state.history)
    assert server.interrupts == [{"prompt_id": str(ordered.id)}]


def test_a_dead_worker_is_noticed(server, client, job):
    server.dead = True
    with pytest.raises(errors.ServerSick, match="Restart ComfyUI"):
        run(client, job())


def test_a_server_that_is_away_for_a_moment_is_waited_for(server, client, job):
    server.step_seconds = 0.02
    server.sockets = "off"
    thread, box = in_background(lambda: run(client, job(steps=10)))
    server.wait_for(lambda: server.state.running)
    server.fault("/queue", 503, times=3)
    thread.join(5)
    assert box["made"].size == (96, 64)


def test_a_server_that_stays_away_is_down(server, client, job):
    server.hang = True
    thread, box = in_background(lambda: run(client, job()))
    server.wait_for(lambda: server.state.running)
    server.fault("/queue", 503, times=999)
    thread.join(5)
    assert isinstance(box["error"], errors.ServerDown)


def test_nobody_at_the_address_is_down_at_once(job):
    began = time.monotonic()
    with pytest.raises(errors.ServerDown):
        run(Client(Address("http://127.0.0.1:9"), pace=HURRY), job())
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("jobs", [False, True])
@pytest.mark.parametrize("stage", ["waiting", "running", "done", "unknown"])
def test_a_job_is_cancelled_at_every_stage_and_nobody_elses_with_it(server, client, job, stage, jobs):
    server.jobs, server.hang = jobs, True
    other, ours = job(seed=1), job(seed=2)
    order = {"waiting": [other, ours], "running": [ours, other], "done": [ours], "unknown": []}[stage]
    threads = []
    for ordered in order:
        threads.append(in_background(lambda ordered=ordered: run(client, ordered)))
        server.wait_for(lambda ordered=ordered: str(ordered.id) in server.posts)
        server.wait_for(lambda: server.state.running)
    if stage == "done":
        server.hang = False
        server.wait_for(lambda: str(ours.id) in server.state.history)
    assert client.cancel(ours.id)
    server.wait_for(lambda: client.where(ours.id).state in ("done", "unknown"))
    if stage in ("waiting", "running"):
        server.wait_for(lambda: client.where(other.id).state in ("running", "waiting"))
    assert all(body.get("prompt_id") == str(ours.id) for body in server.interrupts)
    server.hang = False
    for thread, _box in threads:
        thread.join(5)


def test_an_old_server_is_never_interrupted_for_it_would_stop_whatever_runs(server, client, job):
    server.version, server.hang = "0.3.50", True
    ordered = job()
    thread, _box = in_background(lambda: run(client, ordered))
    server.wait_for(lambda: server.state.running)
    assert client.cancel(ordered.id) is False
    assert server.interrupts == []
    server.hang = False
    thread.join(5)


def test_a_server_that_makes_up_its_own_ids_is_refused_and_nothing_stays_in_its_queue(server, client, job):
    server.own_ids = server.dead = True
    with pytest.raises(errors.ServerRefused, match="too old"):
        run(client, job())
    assert not server.state.pending


def test_the_token_goes_with_every_request_and_the_socket(server, job):
    server.token, server.step_seconds = "secret-token", 0.02
    hints: list = []
    run(Client(Address(server.url, "secret-token"), pace=Pace(first=0.3, slowest=0.3, unknown_gap=0.1)), job(steps=6), hints)
    assert len({hint.fraction for hint in hints}) > 5, "the socket was let in"
    with pytest.raises(errors.ServerRefused, match="token"):
        run(Client(Address(server.url, "wrong"), pace=HURRY), job())
    with pytest.raises(errors.ServerRefused, match="token"):
        run(Client(Address(server.url), pace=HURRY), job())


def test_an_address_that_was_judged_is_asked_and_not_looked_up_again(server, job):
    """Its name could lead elsewhere by now: here it leads nowhere."""
    port = server.url.rpartition(":")[2]
    client = Client(Address(f"http://comfy.invalid:{port}", ip="127.0.0.1"), pace=Pace(first=0.3, slowest=0.3, unknown_gap=0.1))
    server.step_seconds = 0.02
    hints: list = []
    assert run(client, job(steps=6), hints).size == (96, 64)
    assert len({hint.fraction for hint in hints}) > 5, "the socket, too"
    assert server.hosts == {f"comfy.invalid:{port}"}


def test_a_judged_address_is_asked_under_its_own_name_also_in_tls(tmp_path):
    authority, certificate, key = _certificate("comfy.invalid", tmp_path)
    with Simulator() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
        port = server.url.rpartition(":")[2]
        good, other = (Client(Address(f"https://{name}:{port}", ip="127.0.0.1"), pace=HURRY) for name in ("comfy.invalid", "other.invalid"))
        for client in (good, other):
            client.wire.session.verify = str(authority)
        assert good.stats()["system"]["comfyui_version"] == "0.3.64"
        with pytest.raises(errors.ServerDown):
            other.stats()


def _certificate(name: str, folder: Path) -> tuple[Path, Path, Path]:
    """A certificate for a name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files[0], files[0], files[1]


def test_the_same_picture_uploaded_twice_is_one_file(server, client):
    data = png(painted(16, 16, "x"))
    names = {client.upload(data, "a" * 64) for _ in range(2)}
    assert names == {"adsgem/" + "a" * 40 + ".png"}
    assert len(server.files) == 1


def test_a_page_of_something_else_is_no_comfyui(job):
    with Simulator() as server:
        server.fault("/system_stats", 200, times=9)
        with pytest.raises(errors.ServerRefused):
            Client(Address(server.url), pace=HURRY).stats()


def test_a_waiting_job_costs_at_most_two_requests_a_second(server, job):
    server.hang = True
    client = Client(Address(server.url), pace=Pace(connect=1, read=2))
    thread, _box = in_background(lambda: run(client, job()))
    server.wait_for(lambda: server.state.running)
    time.sleep(0.2)
    before, began = len(server.requests), time.monotonic()
    time.sleep(5)
    assert (len(server.requests) - before) / (time.monotonic() - began) <= 2
    server.hang = False
    thread.join(10)


def test_two_hundred_quick_jobs_in_a_row_end_well_and_are_sent_once_each(server, client, job):
    jobs = [job(seed=seed, steps=1, size=(64, 64)) for seed in range(200)]
    for ordered in jobs:
        assert run(client, ordered).size == (64, 64)
    assert server.posts == {str(ordered.id): 1 for ordered in jobs}


def test_two_workers_with_one_id_give_one_painting(server, client, job):
    server.step_seconds = 0.02
    ordered = job(id=uuid4(), steps=8)
    first, box = in_background(lambda: run(client, ordered))
    server.wait_for(lambda: str(ordered.id) in server.posts)
    assert run(Client(Address(server.url), pace=HURRY), ordered).size == (96, 64)
    first.join(5)
    assert box["made"].size == (96, 64)
    assert server.posts[str(ordered.id)] == 1


def test_a_smoke_picture_of_one_colour_is_let_through_only_where_it_is_meant():
    flat = png(painted(8, 8, "x") * 0)
    assert checked(flat, (8, 8), may_be_flat=True).size == (8, 8)
    with pytest.raises(errors.BadPicture, match="one flat colour"):
        checked(flat, (8, 8))
