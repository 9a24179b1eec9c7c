"""deploy/kubernetes, as far as it can be judged without a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from core.cli.commands import LAB
from core.jobs.status import StoreStatus
from core.jobs.store import open_store
from tests.deploy.dockerfile import PROJECT
from tests.prometheus import read_metrics

NAMES = ("workers.yaml", "raycluster.yaml")


def manifest(name: str) -> dict:
    return yaml.safe_load((PROJECT / "deploy" / "kubernetes" / name).read_text(encoding="utf-8"))


def pods(part: object) -> Iterator[dict]:
    """The specs of all pods, however deep they stand."""
    if isinstance(part, dict):
        if "containers" in part:
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from pods(each)


@pytest.mark.parametrize("name", NAMES)
def test_pods_are_nobody_special_and_have_bounds(name):
    found = list(pods(manifest(name)))
    assert found
    for pod in found:
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 1000
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
            assert container["resources"]["requests"]["cpu"]
            assert container["resources"]["limits"]["memory"]
            for variable in container["env"]:  # what is secret stands elsewhere
                assert "value" in variable or variable["valueFrom"]["secretKeyRef"]


def test_workers_are_a_command_that_the_lab_has():
    workers = manifest("workers.yaml")
    assert (workers["apiVersion"], workers["kind"]) == ("keda.sh/v1alpha1", "ScaledJob")
    [pod] = pods(workers["spec"]["jobTargetRef"])
    assert pod["restartPolicy"] == "Never" and pod["terminationGracePeriodSeconds"] >= 60
    [container] = pod["containers"]
    python, module, core, name, *flags = container["command"]
    assert [python, module, core] == ["python", "-m", "core"]
    command = LAB.commands[name]
    with command.make_context(name, flags) as context:
        assert context.params["drain"] and context.params["http"] == "0.0.0.0:9100"
    assert container["ports"] == [{"name": "metrics", "containerPort": 9100}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}


def test_workers_follow_a_figure_that_page_servers_tell(tmp_path):
    [trigger] = manifest("workers.yaml")["spec"]["triggers"]
    query = trigger["metadata"]["query"]
    [(by, figure, state)] = re.findall(r"by \((\w+)\) \((\w+)\{state=\"(\w+)\"\}", query)
    status = StoreStatus()
    status.store = open_store(f"sqlite:///{tmp_path}/lab.sqlite")
    assert status.problem() is None
    assert (figure, ((by, "train"), ("state", state))) in read_metrics(status.lines())
    status.store.close()


def test_the_ray_cluster_has_what_its_definition_requires():
    """Fields of ray.io/v1; parameters of `ray start` are texts; no run on the head."""
    cluster = manifest("raycluster.yaml")
    assert (cluster["apiVersion"], cluster["kind"]) == ("ray.io/v1", "RayCluster")
    head, groups = cluster["spec"]["headGroupSpec"], cluster["spec"]["workerGroupSpecs"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    for group in (head, *groups):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        [container] = group["template"]["spec"]["containers"]
        settings = {variable["name"]: variable for variable in container["env"]}
        assert settings["RAY_AUTH_MODE"]["value"] == "token" and "RAY_AUTH_TOKEN" in settings
    assert len({group["groupName"] for group in groups}) == len(groups)
    for group in groups:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        [container] = group["template"]["spec"]["containers"]
        assert container["resources"]["limits"]["cpu"].isdecimal()  # Ray reads its cores there
