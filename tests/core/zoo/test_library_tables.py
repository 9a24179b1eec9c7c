"""The tables of what libraries have: read without them, and asked for where they are of others."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from time import process_time

import pytest

from core.specs import LabError, ModelSpec
from core.zoo import libraries
from core.zoo.catalogue import complete, find
from core.zoo.libraries import LIBRARIES, LibraryModel, installed_libraries, library_of


@pytest.fixture
def installed(monkeypatch):
    """Decides which versions are installed; what was read of others is forgotten."""
    versions: dict[str, str] = {}

    def version(name):
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(libraries, "version", version)
    for known in (libraries._installed, libraries._models):
        known.cache_clear()
    yield versions
    for known in (libraries._installed, libraries._models):
        known.cache_clear()


def version_of_table(name: str) -> str:
    """Which version the table that comes with the lab was made for."""
    first, *_ = LIBRARIES[name].table.read_text(encoding="utf-8").splitlines()
    assert first.startswith(f"# {name} ")
    return first.removeprefix(f"# {name} ")


@pytest.mark.parametrize(
    ("arch", "library"),
    [
        ("torchvision/resnet18", "torchvision"),
        ("timm/resnet18", "timm"),
        ("timm", None),
        ("vgg11", None),
        ("timm2/resnet18", None),
    ],
)
def test_the_library_stands_before_the_slash(arch, library):
    found = library_of(arch)
    assert (found and found.name) == library


@pytest.mark.parametrize(("name", "last"), [("torchvision", ".9"), ("timm", "")])
def test_the_table_of_the_installed_version_is_read(installed, monkeypatch, name, last):
    """torchvision's models do not change with the last number of its version, timm's do."""
    installed[name] = version_of_table(name) + last
    monkeypatch.setattr(libraries, "call_where_torch_is", None)  # it is not called
    assert [library.name for library in installed_libraries()] == [name]
    row = find(f"{name}/resnet50")
    assert row.default == ModelSpec(f"{name}/resnet50", 1, 224, 3, 1000)
    assert row.family == name


def test_torchvision_s_figures_are_exact_and_timm_has_none(installed):
    installed |= {name: version_of_table(name) for name in LIBRARIES}
    assert LIBRARIES["torchvision"].models["resnet50"] == LibraryModel(224, 25_557_032, 4.089)
    assert LIBRARIES["timm"].models["tinynet_e"] == LibraryModel(106)


def test_another_version_is_asked_where_torch_is_and_once_only(installed, monkeypatch):
    asked = []

    def answer(function, *arguments):
        asked.append((function, *arguments))
        return {"new_net": LibraryModel(333)}

    monkeypatch.setattr(libraries, "call_where_torch_is", answer)
    installed["timm"] = "99.0.0"
    for _ in range(2):
        assert find("timm/new_net").default.image_size == 333
    assert asked == [("core.zoo.libraries:models_of_installed", "timm")]
    with pytest.raises(LabError, match=r"no classification model 'resnet50'; try timm/new_net\."):
        find("timm/resnet50")


def test_a_library_that_is_missing_says_how_to_install_it(installed):
    assert installed_libraries() == []
    with pytest.raises(LabError, match="timm is not installed here; `pip install timm` adds"):
        complete(ModelSpec("timm/resnet50"))


def test_a_row_is_found_at_once_for_each_of_ten_thousand_runs(installed):
    installed["timm"] = version_of_table("timm")
    began = process_time()
    for _ in range(10_000):
        find("timm/resnet50")
    assert process_time() - began < 1
