"""Analyses on disk: what comes back is what was traced, and nothing that other code has made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.analysis import analyze, kept
from core.analysis.kept import analyze_once, kept_analysis
from core.language import CHINESE, in_language
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import CATALOGUE, find
from tests.core.networks import DEFAULTS, analysis_of

SMALL = ModelSpec("lenet", ratio=2, image_size=32)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A cache of this test's own."""
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))
    return tmp_path / "analyses"


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*/*"))


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_default_comes_with_the_lab(name, folder):
    """Where this fails, `python -m tools.make_shipped_analyses` makes shipped.zip anew."""
    assert kept_analysis(CATALOGUE[name].default) == analysis_of(DEFAULTS[name])
    assert files(folder) == []


def test_what_was_traced_is_kept_and_comes_back_equal(folder, monkeypatch):
    assert kept_analysis(SMALL) is None
    traced = analyze_once(SMALL)
    assert traced == analyze(SMALL)
    monkeypatch.setattr(kept, "analyze", None)  # it is not called again
    assert analyze_once(SMALL) == kept_analysis(SMALL) == traced
    assert len(files(folder)) == 1 and files(folder)[0].stat().st_size < 10_000


def test_warnings_are_kept_for_readers_of_any_language(folder):
    traced = analyze_once(ModelSpec("vgg16-forum", 4))
    again = kept_analysis(traced.spec)
    assert again.warnings == traced.warnings and "1×1 convolutions was added" in again.warnings[0]
    with in_language(CHINESE):
        assert again.warnings[0].startswith("比例为 4 时，没有一个块达到 256 个通道")


def test_a_spec_and_the_same_with_its_options_written_out_are_one(folder):
    short = ModelSpec("course-residual", 2, 28)
    analyze_once(short)
    written_out = ModelSpec("course-residual", 2, 28, options={"shortcut": "identity"})
    assert kept_analysis(written_out) is not None
    assert kept_analysis(replace(written_out, options=(("shortcut", "none"),))) is None


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_traced_again(folder, damage):
    traced = analyze_once(SMALL)
    [file] = files(folder)
    file.write_bytes(file.read_bytes()[:100] if damage is None else damage)
    assert kept_analysis(SMALL) is None
    assert analyze_once(SMALL) == kept_analysis(SMALL) == traced


def test_other_code_finds_nothing_and_what_it_kept_goes(folder, monkeypatch):
    analyze_once(SMALL)
    [before] = files(folder)
    monkeypatch.setattr(kept, "code_hash", lambda: "other code")
    kept._shipped.cache_clear()
    try:
        assert kept_analysis(SMALL) is None
        assert kept_analysis(CATALOGUE["vgg11"].default) is None
        analyze_once(SMALL)
    finally:
        kept._shipped.cache_clear()
    [after] = files(folder)
    assert after.parent != before.parent


def test_of_too_many_the_older_half_goes(folder, monkeypatch):
    monkeypatch.setattr(kept, "_MOST_FILES", 4)
    specs = [replace(SMALL, image_size=size) for size in range(28, 34)]
    for spec in specs:
        analyze_once(spec)
    assert len(files(folder)) <= 4
    assert kept_analysis(specs[-1]) is not None and kept_analysis(specs[0]) is None


def test_a_folder_that_cannot_be_written_keeps_nothing_and_hides_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "file"))
    assert analyze_once(SMALL) == analyze(SMALL)


def test_errors_are_those_of_an_analysis(folder):
    with pytest.raises(LabError, match="cannot take 3×3 pixels"):
        analyze_once(replace(SMALL, image_size=3))
    with pytest.raises(LabError, match="has no option"):
        analyze_once(replace(SMALL, options=(("shortcut", "none"),)))
    assert files(folder) == []


@pytest.mark.slow
def test_torchvision_s_models_are_not_kept(folder):
    spec = find("torchvision/squeezenet1_1").default
    assert analyze_once(spec) == analysis_of(spec)
    assert kept_analysis(spec) is None and files(folder) == []
