"""What `docker/` says fits what AdsGem reads: no container engine is needed to see a setting that nobody knows, or a queue that nobody serves."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands
from moto.server import ThreadedMotoServer

from tests.adsgem.test_settings import environment, python

ROOT = Path(__file__).parent.parent.parent
DOCKER = ROOT / "docker"
SETTINGS = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
UVICORNS = {"FORWARDED_ALLOW_IPS"}
OURS = {"prepare", "web", "worker-words", "worker-pictures", "worker-files", "sweep"}
PROGRAMS = {"celery", "uvicorn", "python", "sh"}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yml").read_text())
    return found


def manifests() -> Iterator[dict[str, Any]]:
    for path in sorted((DOCKER / "kubernetes").glob("*.yaml")):
        yield from (each for each in yaml.safe_load_all(path.read_text()) if each)


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests() if each["kind"] == kind}


def pods() -> dict[str, dict[str, Any]]:
    return {name: each["spec"]["template"]["spec"] for kind in ("Deployment", "Job") for name, each in of_kind(kind).items()}


def unknown(names: Any) -> list[str]:
    return [name for name in names if name not in SETTINGS | UVICORNS and name.removesuffix("_FILE") not in SETTINGS]


def filled(text: str) -> str:
    """As compose fills `${NAME:-default}` in an empty environment."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def queues(command: list[str]) -> list[str]:
    return command[command.index("--queues") + 1].split(",") if "--queues" in command else []


def runs(command: list[str]) -> None:
    """A command of ours is one that exists."""
    line = " ".join(command)
    assert command[0] in PROGRAMS, line
    for name in re.findall(r"manage\.py,? (\w+)", line):
        assert name in get_commands(), line


# --- compose


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder that docker/make-secrets makes."""
    script = tmp_path / "make-secrets"
    script.write_bytes((DOCKER / "make-secrets").read_bytes())
    script.chmod(0o755)
    subprocess.run([str(script)], check=True, capture_output=True, timeout=60)
    return tmp_path / "secrets"


@pytest.mark.parametrize("service", sorted(OURS))
def test_every_setting_in_compose_is_one_that_adsgem_reads(service: str) -> None:
    assert unknown(compose()["services"][service]["environment"]) == []


def test_adsgem_starts_with_composes_settings_and_secrets(secrets: Path, tmp_path: Path) -> None:
    given = {name: filled(str(value)) for name, value in compose()["services"]["web"]["environment"].items()}
    given = {name: value.replace("/run/secrets", str(secrets)) for name, value in given.items()} | {"ADSGEM_DATA": str(tmp_path / "data")}
    done = python("-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING", env=environment(tmp_path, **given))
    assert done.returncode == 0, done.stderr
    asked = "import json, adsgem.settings as s; print(json.dumps([s.SECRET_KEY, s.DATABASES['default']['PASSWORD'], s.STORAGES['default']['OPTIONS']['secret_key']]))"
    found = json.loads(python("-c", asked, env=environment(tmp_path, **given)).stdout)
    assert found == [(secrets / name).read_text().strip() for name in ("secret_key", "postgres_password", "s3_secret_access_key")]
    assert not (tmp_path / "data" / "secrets.json").exists() or "SECRET_KEY" not in (tmp_path / "data" / "secrets.json").read_text()


def test_secrets_are_made_once_and_are_not_in_the_repository(secrets: Path) -> None:
    first = {path.name: path.read_bytes() for path in secrets.iterdir()}
    subprocess.run([str(secrets.parent / "make-secrets")], check=True, capture_output=True, timeout=60)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == first
    assert set(compose()["secrets"]) == set(first)
    assert secrets.stat().st_mode & 0o077 == 0
    assert json.loads(first["s3_config"])["identities"][0]["credentials"][0]["secretKey"] == first["s3_secret_access_key"].decode().strip()
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text().split()


def test_every_secret_network_and_volume_that_is_used_is_there() -> None:
    whole = compose()
    for name, service in whole["services"].items():
        assert set(service.get("secrets", [])) <= set(whole["secrets"]), name
        assert set(service.get("networks", [])) <= set(whole["networks"]), name
        used = {mount.split(":")[0] for mount in service.get("volumes", [])}
        assert {mount for mount in used if not mount.startswith("./")} <= set(whole["volumes"]), name
        assert all((DOCKER / mount).exists() for mount in used if mount.startswith("./")), name
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"], (name, variable)


def test_what_waits_for_health_waits_for_something_that_tells_its_health() -> None:
    services = compose()["services"]
    waits = [(name, other, how["condition"]) for name, service in services.items() for other, how in service.get("depends_on", {}).items()]
    assert {name for name, _, _ in waits} >= OURS
    for name, other, condition in waits:
        assert other in services, name
        if condition == "service_healthy":
            assert services[other]["healthcheck"].get("test"), (name, other)
        else:
            assert services[other]["restart"] == "no", (name, other)


def test_every_container_has_limits_and_ours_run_with_nothing_they_do_not_need() -> None:
    for name, service in compose()["services"].items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
        assert "privileged" not in service, name
        assert not re.search(r":latest$", service["image"]) or name in OURS, name
        if name in OURS:
            assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    published = [name for name, service in compose()["services"].items() if service.get("ports")]
    assert published == ["proxy"]
    assert not [
        name
        for name, service in compose()["services"].items()
        if name in ("postgres", "redis", "store") and service["networks"] != ["inside"]
    ]


def test_uvicorn_believes_the_proxy_and_nobody_else() -> None:
    services = compose()["services"]
    assert services["web"]["environment"]["FORWARDED_ALLOW_IPS"] == services["proxy"]["networks"]["inside"]["ipv4_address"]


def test_compose_serves_every_queue_and_sweeps() -> None:
    services = compose()["services"]
    served = [queue for name in OURS for queue in queues(services[name].get("command", []))]
    assert sorted(served) == sorted(settings.QUEUES)
    for name in OURS - {"web"}:
        runs(services[name]["command"])
    assert services["sweep"]["command"] == ["python", "manage.py", "sweep"]


def test_work_in_hand_has_longer_to_end_than_a_worker_takes() -> None:
    services = compose()["services"]
    for name in ("worker-words", "worker-pictures", "worker-files"):
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT
    for name in ("adsgem-words", "adsgem-pictures", "adsgem-files"):
        assert pods()[name]["terminationGracePeriodSeconds"] > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT


def test_a_process_has_connections_for_all_that_it_has_in_hand() -> None:
    """Each row in hand takes one, and its heartbeat another; the sweep and the hourly round take two more."""
    pool = 8  # adsgem/settings.py, on PostgreSQL
    commands = [service["command"] for service in compose()["services"].values() if "--concurrency" in service.get("command", [])]
    commands += [args for pod in pods().values() if "--concurrency" in (args := pod["containers"][0].get("args", []))]
    assert commands
    for command in commands:
        assert 2 * int(command[command.index("--concurrency") + 1]) + 2 <= pool


def test_the_graphics_card_is_for_a_service_that_compose_has() -> None:
    more = yaml.safe_load((DOCKER / "compose.gpu.yml").read_text())["services"]
    assert set(more) <= set(compose()["services"])
    assert more["comfyui"]["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]


# --- the image


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "hadolint"), str(DOCKER / "Dockerfile")], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_takes_along_every_room_and_nothing_that_is_not_let_in() -> None:
    lines = (DOCKER / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY") and "--from" not in line for word in shlex.split(line)[1:-1]}
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)
    rooms = {app.split(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.split(".")[0]).is_dir()}
    assert rooms | {"instructions", "painting", "finishing"} <= copied
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]


class Answers(BaseHTTPRequestHandler):
    """Says how it is, to whoever knows its name."""

    def do_GET(self) -> None:
        well = self.path == "/health/live" and self.headers["Host"] == "ads.example.com"
        self.send_response(200 if well else 400)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(("public", "code"), [("https://ads.example.com", 0), ("https://elsewhere.example.com", 1)])
def test_the_image_says_whether_it_is_well(public: str, code: int) -> None:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [sys.executable, str(DOCKER / "healthy.py"), str(server.server_port)]
    try:
        assert subprocess.run(command, env={**os.environ, "PUBLIC_URL": public}, timeout=30).returncode == code
    finally:
        server.shutdown()
        server.server_close()
    assert subprocess.run(command, env={**os.environ, "PUBLIC_URL": public}, timeout=30).returncode == 1


# --- the bucket


@pytest.fixture
def store() -> Iterator[str]:
    """The address of a store that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def test_the_bucket_is_made_once(store: str, tmp_path: Path) -> None:
    given = environment(
        tmp_path, S3_BUCKET="adsgem-media", S3_ENDPOINT_URL=store, S3_REGION="us-east-1", S3_ACCESS_KEY_ID="a", S3_SECRET_ACCESS_KEY="b"
    )
    said = [python("manage.py", "make_bucket", env=given) for _ in range(2)]
    assert [each.stdout.strip() for each in said] == ["The bucket adsgem-media is made.", "The bucket adsgem-media is there."], said[
        0
    ].stderr
    client = boto3.client("s3", endpoint_url=store, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    assert [each["Name"] for each in client.list_buckets()["Buckets"]] == ["adsgem-media"]


def test_a_store_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    given = environment(
        tmp_path, S3_BUCKET="adsgem-media", S3_ENDPOINT_URL="http://127.0.0.1:9", S3_ACCESS_KEY_ID="a", S3_SECRET_ACCESS_KEY="b"
    )
    done = python("manage.py", "make_bucket", env=given)
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The bucket adsgem-media could not be made:") and "Traceback" not in done.stderr


def test_without_a_bucket_in_the_settings_none_is_made() -> None:
    with pytest.raises(CommandError, match="Set S3_BUCKET"):
        call_command("make_bucket")


# --- Kubernetes


def test_kubernetes_takes_the_manifests() -> None:
    tool = Path(sys.executable).parent / "kubernetes-validate"
    files = [str(path) for path in sorted((DOCKER / "kubernetes").glob("*.yaml"))]
    done = subprocess.run([str(tool), "--strict", *files], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_in_the_manifests_is_one_that_adsgem_reads() -> None:
    given = of_kind("ConfigMap")["adsgem-settings"]["data"]
    assert unknown(given) == []
    for pod in pods().values():
        assert unknown(each["name"] for each in pod["containers"][0].get("env", [])) == []


def test_every_secret_that_a_pod_reads_is_named_in_the_example() -> None:
    named = set(of_kind("Secret")["adsgem-secrets-example"]["stringData"])
    read = {
        Path(value).name for value in of_kind("ConfigMap")["adsgem-settings"]["data"].values() if value.startswith("/run/secrets/adsgem/")
    }
    assert read == named


def test_kubernetes_serves_every_queue_sweeps_and_scales_on_the_age_of_each_queue() -> None:
    commands = {name: pod["containers"][0].get("args", []) for name, pod in pods().items()}
    assert sorted(queue for command in commands.values() for queue in queues(command)) == sorted(settings.QUEUES)
    for name, command in commands.items():
        if name != "adsgem-web":
            runs(command)
    scaled = {name: each["spec"] for name, each in of_kind("HorizontalPodAutoscaler").items()}
    for queue in settings.QUEUES:
        spec = scaled[f"adsgem-{queue}"]
        metric = spec["metrics"][0]["external"]["metric"]
        assert metric == {"name": "adsgem_queue_age_seconds", "selector": {"matchLabels": {"queue": queue}}}
        assert queues(commands[spec["scaleTargetRef"]["name"]]) == [queue]
    assert "replicas" not in of_kind("Deployment")["adsgem-pictures"]["spec"]  # the autoscaler says how many


def test_pods_run_with_nothing_they_do_not_need() -> None:
    for name, pod in pods().items():
        container = pod["containers"][0]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]["cpu"], name


def test_probes_ask_by_the_name_that_adsgem_answers_to() -> None:
    public = of_kind("ConfigMap")["adsgem-settings"]["data"]["PUBLIC_URL"].removeprefix("https://")
    web = pods()["adsgem-web"]["containers"][0]
    for probe in ("livenessProbe", "readinessProbe"):
        assert web[probe]["httpGet"]["httpHeaders"] == [{"name": "Host", "value": public}]
    assert of_kind("Ingress")["adsgem"]["spec"]["rules"][0]["host"] == public


# --- systemd


def test_systemd_runs_every_process_of_ours() -> None:
    units = {path.name: path.read_text() for path in (DOCKER / "systemd").iterdir()}
    lines = {name: shlex.split(found[1]) for name, text in units.items() if (found := re.search(r"^ExecStart=(.*)$", text, re.MULTILINE))}
    for line in lines.values():
        runs([Path(line[0]).name, *line[1:]])
    wanted = re.search(r"^Wants=(.*)$", units["adsgem.target"], re.MULTILINE)
    assert wanted
    served = re.findall(r"adsgem-worker@(\w+)\.service", wanted[1])
    assert sorted(served) == sorted(settings.QUEUES)
    for name in re.findall(r"adsgem-(\w+)\.service", wanted[1]):
        assert f"adsgem-{name}.service" in units
    assert queues(lines["adsgem-worker@.service"]) == ["%i"]
    for name, text in units.items():
        if name.endswith(".service"):
            assert "NoNewPrivileges=yes" in text and "User=adsgem" in text, name
    assert int(re.search(r"TimeoutStopSec=(\d+)", units["adsgem-worker@.service"])[1]) > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT  # type: ignore[index]


# --- the board


def test_the_board_shows_only_figures_that_there_are() -> None:
    asked = set(re.findall(r"\badsgem_\w+", json.dumps(json.loads((ROOT / "docs" / "grafana" / "adsgem.json").read_text())["panels"])))
    told = set(
        re.findall(r'"(adsgem_\w+)"', (ROOT / "generations" / "figures.py").read_text() + (ROOT / "adsgem" / "metrics.py").read_text())
    )
    assert asked and asked - told == set()


def test_what_to_watch_names_only_figures_that_there_are() -> None:
    asked = set(re.findall(r"\badsgem_\w+", (ROOT / "docs" / "deploy.md").read_text()))
    told = (ROOT / "generations" / "figures.py").read_text()
    assert asked and [name for name in asked if f'"{name}"' not in told] == []
