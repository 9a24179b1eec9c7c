"""Imports point one way, and importing a package of core costs neither torch nor plotly."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
FILES = sorted((PROJECT / "core").rglob("*.py"))

# What each part of core may import besides itself and EVERYBODY'S: the arrows of the house.
MAY_IMPORT = {
    "language": set(),
    "operating": set(),
    "specs": set(),
    "folders": set(),
    "host_memory": set(),
    "torch_process": set(),
    "weights_file": set(),
    "storage": set(),
    "zoo": {"storage"},
    "data": set(),
    "analysis": {"zoo"},
    "explain": {"zoo", "analysis"},
    "training": {"zoo", "data", "analysis"},
    "measure": {"zoo", "data", "analysis", "training", "inside"},
    "inside": {"zoo", "data", "analysis", "training"},
    "jobs": {"storage", "zoo", "data", "analysis", "training", "measure", "inside"},
    "studies": {"zoo", "data", "training", "jobs"},
    "report": {
        *("zoo", "data", "analysis", "explain", "training", "measure", "inside", "jobs", "studies"),
        "weights_file",
    },
}
EVERYBODYS = {
    *("", "specs", "folders", "host_memory", "torch_process", "version", "language", "operating"),
}
HEAVY = {"torch", "torchvision", "timm", "torchinfo", "plotly", "streamlit", "scipy", "captum"}
NEEDS_TORCHVISION = {  # it takes seconds
    "core/data/download.py",
    "core/measure/conventional_loop.py",
    "core/zoo/from_torchvision.py",
}
NEEDS_TIMM = {"core/zoo/from_timm.py"}  # as long, and not everybody has it
NEEDS_CAPTUM = {"core/inside/attribution.py"}  # it brings matplotlib, which takes seconds too


def imports(path: Path) -> set[str]:
    """The modules that a file imports anywhere, also inside functions."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert all(alias.name != "*" for alias in node.names), f"{path} has a star import"
            modules.add(str(node.module))
            if node.module == "core":
                modules.update(f"core.{alias.name}" for alias in node.names)
    return modules


def part(module: str) -> str:
    """specs of core.specs, zoo of core.zoo.families.vgg."""
    return [*module.split("."), ""][1]


def test_imports_point_one_way():
    for path in FILES:
        own = path.relative_to(PROJECT / "core").parts[0].removesuffix(".py")
        used = {part(module) for module in imports(path) if module.split(".")[0] == "core"}
        if own in MAY_IMPORT:  # the command line may use everything
            assert used - EVERYBODYS - {own} <= MAY_IMPORT[own], path


def test_core_knows_nothing_of_the_pages_and_libraries_of_models_have_few_users():
    users: dict[str, set[str]] = {"torchvision": set(), "timm": set(), "captum": set()}
    for path in FILES:
        roots = {module.split(".")[0] for module in imports(path)}
        assert not roots & {"streamlit", "pages"}, path
        for library in roots & users.keys():
            users[library].add(path.relative_to(PROJECT).as_posix())
    assert users == {"torchvision": NEEDS_TORCHVISION, "timm": NEEDS_TIMM, "captum": NEEDS_CAPTUM}


def test_importing_any_package_of_core_costs_nothing():
    packages = sorted({".".join(path.parent.relative_to(PROJECT).parts) for path in FILES})
    light = ["core.specs", "core.zoo.catalogue", "core.jobs.store", "core.training.recipes"]
    program = f"import sys, {', '.join([*packages, *light])}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(done.stdout.split()) & HEAVY


def test_the_page_server_imports_its_pages_without_torch_and_scipy():
    views = sorted((PROJECT / "pages" / "views").rglob("*.py"))
    modules = [".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in views]
    program = f"import sys, dashboard, {', '.join(modules)}; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & (HEAVY - {"streamlit", "plotly"})


def test_captum_is_not_imported_until_it_is_asked():
    program = "import sys, core.inside.attribution; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"captum", "matplotlib"}
