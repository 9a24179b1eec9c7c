"""Imports point one way, and what a page needs first costs no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
CORE = PROJECT / "core"
FILES = sorted(CORE.rglob("*.py"))

# What each part of core may import besides itself: the design's arrows, read from the right.
MAY_IMPORT = {
    "specs": set(),
    "variants": {"specs"},
    "zoo": {"specs", "variants"},
    "data": {"specs"},
    "analysis": {"specs", "zoo", "published"},
    "training": {"specs", "zoo", "data", "analysis"},
    "runs": {"specs", "zoo", "data", "analysis", "training"},
    "formats": set(),
    "statistics": set(),
    "studies": {"specs", "variants", "statistics", "training", "runs"},
    "reproduction": {"specs", "variants", "published", "statistics"},
    "study_figures": {"figures", "statistics"},
    "study_tables": {"specs", "formats", "tables", "statistics", "studies", "reproduction"},
    "calculators": {"specs", "analysis"},
    "calculator_figures": {"calculators", "formats", "figures"},
    "published": {"specs"},
    "figures": {"specs", "formats", "analysis", "training", "runs", "published"},
    "graph": {"specs", "formats", "analysis", "figures"},
    "run_figures": {"formats", "training", "figures"},
    "layer_figures": {"formats", "analysis", "training", "figures"},
    "gradient_verdict": {"specs", "variants", "formats", "training"},
    "gradient_figures": {"formats", "training", "figures", "gradient_verdict"},
    "branch_figures": {"figures", "runs"},
    "prediction_figures": {"figures"},
    "growth_figures": {"formats", "analysis", "figures", "statistics"},
    "equal_accuracy": {"specs", "statistics", "reproduction"},
    "evidence_tables": {"analysis", "data", "runs", "training", "tables", "gradient_verdict"},
    "tables": {"specs", "formats", "analysis", "training", "runs", "published"},
}
RECORDS = {  # of these parts, what figures and tables may read
    "core",
    "core.report.formats",
    "core.specs",
    "core.studies.published",
    "core.analysis.records",
    "core.explain.formulas",
    "core.explain.hand_count.check",
    "core.explain.reconcile",
    "core.training.records",
    "core.jobs.store",
}
PAGE_NEEDS = (
    "core.specs",
    "core.jobs.store",
    "core.jobs.files",
    "core.jobs.engines.local",
    "core.data",
    "core.analysis",
    "core.training.recipes",
    "core.training.records",
    "core.training.estimate",
    "core.training.time_split",
)


def imports(path: Path) -> set[str]:
    """The modules that a file imports anywhere, also inside functions; `from a import b` as a."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            assert all(alias.name != "*" for alias in node.names), f"{path} has a star import"
            found.add(node.module)
            if node.module == "core":
                found.update(f"core.{alias.name}" for alias in node.names)
    return found


def part(module: str) -> str:
    """specs of core.specs, zoo of core.zoo.vgg."""
    return [*module.split("."), ""][1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_imports_point_one_way(path):
    own = path.relative_to(CORE).parts[0].removesuffix(".py")
    used = {part(module) for module in imports(path) if module.split(".")[0] == "core"}
    if own in MAY_IMPORT:  # the command line may use everything
        assert used - {own, ""} <= MAY_IMPORT[own]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_core_knows_nothing_of_the_pages(path):
    assert not {module.split(".")[0] for module in imports(path)} & {"streamlit", "pages"}


@pytest.mark.parametrize("name", ["figures", "tables"])
def test_figures_and_tables_know_records_only(name):
    path = CORE / f"{name}.py"
    if not path.exists():
        pytest.skip(f"core/{name}.py is not written yet")
    used = imports(path)
    assert not {module.split(".")[0] for module in used} & {"torch", "torchvision", "torchinfo"}
    assert {module for module in used if module.split(".")[0] == "core"} <= RECORDS


def modules_after(*names: str) -> set[str]:
    """What a fresh interpreter has loaded after importing `names`."""
    program = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.slow
def test_what_the_first_page_needs_loads_no_torch():
    written = [name for name in ("core.report.figures.charts", "core.report.tables.tables")
               if (CORE / f"{part(name)}.py").exists()]  # fmt: skip
    loaded = modules_after(*PAGE_NEEDS, *written)
    assert not loaded & {"torch", "torchvision", "torchinfo", "streamlit"}


@pytest.mark.slow
def test_torchvision_is_imported_only_where_it_is_used():
    """It takes seconds: for a download, its own models, and the loop that others publish."""
    users = {path for path in FILES if any(name.split(".")[0] == "torchvision"
             for name in imports(path))}  # fmt: skip
    assert users == {
        CORE / "data" / "download.py",
        CORE / "training" / "conventional.py",
        CORE / "zoo" / "torchvision_models.py",
    }
    used = modules_after("core.zoo", "core.analysis.network", "core.training.fit")
    assert "torchvision" not in used
