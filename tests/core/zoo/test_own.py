"""Networks in files of the user's own: found, described, built, and explained where they fail."""

from __future__ import annotations

import os

import pytest

from core.analysis import analyze
from core.cli.commands import main
from core.specs import LabError, ModelSpec
from core.zoo import own
from core.zoo.catalogue import complete, find
from core.zoo.own import name_files, own_networks, problems, version_of

FILE = '''
from enum import Enum
from typing import Literal
import torch
from torch import nn

class Way(Enum):
    SHORT = 1
    LONG = 2

class Part(nn.Module):  # needs an argument: no network by itself
    def __init__(self, channels):
        super().__init__()

class Net(nn.Module):
    """A small net.

    More of it.
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 10, width: int = 8,
                 mode: Literal["plain", "double"] = "plain", way: Way = Way.SHORT,
                 slope: float = 0.1, bias: bool = True):
        super().__init__()
        convolutions = [nn.Conv2d(in_channels, width, 3, bias=bias), nn.LeakyReLU(slope)]
        if mode == "double" or way is Way.LONG:
            convolutions += [nn.Conv2d(width, width, 3, bias=bias)]
        self.body = nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.head(self.body(x))

class Siamese(nn.Module):
    def __init__(self, image_size: int = 28):
        super().__init__()
        self.line = nn.Linear(image_size, 4)

    def forward(self, first, second, scale=1.0):
        return self.line(first) - self.line(second)

def wide() -> nn.Module:
    return Net(width=32, in_channels=3)

def helper(x):
    return x

class Fails(nn.Module):
    def forward(self, x):
        return x @ torch.zeros(7, 7)

class CannotBeBuilt(nn.Module):
    def __init__(self, width: int = 3):
        super().__init__()
        raise ValueError("no width is right")
'''


@pytest.fixture
def file(networks_file):
    return networks_file(FILE)


def analysis_of(arch: str, **changes):
    return analyze(ModelSpec.from_dict({**find(arch).default.to_dict(), **changes}))


def test_every_class_or_function_that_gives_a_network_is_found(file):
    names = [name.rpartition(":")[2] for name in own_networks()]
    assert names == ["Net", "Siamese", "wide", "Fails", "CannotBeBuilt"]
    assert own_networks()["nets.py:Net"].about == "A small net."


def test_arguments_become_options_and_sizes(file):
    row = find("nets.py:Net")
    assert row.takes == {"in_channels", "num_classes"}
    assert (row.default.in_channels, row.default.num_classes) == (1, 10)
    options = {option.name: option for option in row.options}
    assert list(options) == ["width", "mode", "way", "slope", "bias"]
    assert (options["width"].default, options["width"].maximum) == (8, 32)
    assert [value for value, _ in options["mode"].choices] == ["plain", "double"]
    assert [value for value, _ in options["way"].choices] == ["SHORT", "LONG"]
    with pytest.raises(LabError, match="mode must be one of plain, double"):
        complete(ModelSpec("nets.py:Net", options={"mode": "triple"}))


def test_the_network_is_counted_with_the_chosen_arguments(file):
    small = analysis_of("nets.py:Net").totals
    assert small.params == 9 * 8 + 8 + 8 * 10 + 10 and small.macs == 222**2 * 72 + 80
    long = analysis_of("nets.py:Net", image_size=28, options={"way": "LONG", "bias": "false"})
    assert long.totals.params == 72 + 9 * 64 + 90
    assert long.totals.macs == 26**2 * 72 + 24**2 * 9 * 64 + 80


def test_a_siamese_net_is_given_two_images(file):
    totals = analysis_of("nets.py:Siamese", in_channels=1).totals
    assert totals.macs == 2 * 28 * 28 * 4 and totals.params == 116
    assert analysis_of("nets.py:wide").totals.params == 27 * 32 + 32 + 330


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("Fails", "return x @ torch.zeros(7, 7)", "Fails fails at 3×224×224: RuntimeError"),
        ("CannotBeBuilt", "raise ValueError", "CannotBeBuilt cannot be built: ValueError: no"),
    ],
)
def test_an_error_is_the_user_s_own_traceback(file, name, line, says):
    with pytest.raises(LabError) as caught:
        analyze(find(f"nets.py:{name}").default)
    sentence, _, trace = str(caught.value).partition("\n\n")
    number = 1 + next(n for n, text in enumerate(FILE.splitlines()) if line in text)
    assert sentence.startswith(says) and f"(nets.py, line {number})" in sentence
    assert line in trace and "core/" not in trace and "/torch/" not in trace


def test_a_broken_file_keeps_the_names_it_had_and_says_why(file):
    own_networks()
    file.write_text("class Net(:")
    assert "nets.py:Net" in own_networks()
    [problem] = problems().values()
    assert problem.startswith("nets.py cannot be imported: SyntaxError: invalid syntax (nets.py,")
    file.write_text("raise SystemExit(3)")
    assert "SystemExit: 3" in problems()["nets.py"]


def test_a_saved_file_is_another_version_and_read_anew(file):
    before, params = version_of("nets.py:Net"), analysis_of("nets.py:Net").totals.params
    file.write_text(FILE.replace("width: int = 8", "width: int = 16"))
    assert version_of("nets.py:Net") != before
    assert analysis_of("nets.py:Net").totals.params > params


def test_what_lies_beside_the_file_is_read_anew_too(file):
    beside = file.parent / "beside_nets.py"
    beside.write_text("WIDTH = 4")
    file.write_text(
        "from torch import nn\nfrom beside_nets import WIDTH\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        super().__init__(nn.Conv2d(3, WIDTH, 1))\n"
    )
    assert analyze(find("nets.py:Net").default).totals.params == 16
    beside.write_text("WIDTH = 64")
    assert analyze(find("nets.py:Net").default).totals.params == 256


@pytest.mark.parametrize(
    ("arch", "says"),
    [
        ("nets.py:Nett", "it has Net"),
        ("other.py:Net", "is not open here"),
        ("/etc/passwd.py:Net", "is not open here"),
        ("nets.py:helper", "has no network 'helper'"),
        ("nets.py:Part", "has no network 'Part'"),
    ],
)
def test_only_networks_of_named_files_can_be_asked_for(file, arch, says):
    with pytest.raises(LabError, match=says):
        find(arch)


def test_a_file_that_is_none_cannot_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv(own.VARIABLE, "")
    (tmp_path / "text.txt").write_text("")
    for path in (tmp_path / "missing.py", tmp_path / "text.txt", tmp_path):
        with pytest.raises(LabError, match="no Python file"):
            name_files([path])
    assert os.environ[own.VARIABLE] == ""


def test_the_command_line_takes_a_file_and_a_name(file, capsys):
    path = f"{file}:Net"
    assert main(["analyze", path, "--size", "28", "--option", "width=16", "--format", "json"]) == 0
    assert '"params": 330' in capsys.readouterr().out
    assert main(["analyze", f"{file.parent}/missing.py:Net"]) == 2
    assert "no Python file" in capsys.readouterr().err


def test_the_command_shows_a_pass_that_fails_as_far_as_it_ran(tmp_path, capsys):
    file = tmp_path / "nets.py"
    file.write_text(FILE.replace("self.head(self.body(x))", "self.head(self.body[0](x))"))
    assert main(["analyze", f"{file}:Net", "--size", "28"]) == 2
    told = capsys.readouterr()
    assert "body.0" in told.out
    assert "As far as it ran: 1 layer or operation ran before head failed" in told.err


SIZED = """
from torch import nn

class Pair(nn.Module):
    def __init__(self, image_size=(32, 48)):
        super().__init__()
        height, width = image_size
        self.line = nn.Linear(height * width, 4)

    def forward(self, x):
        return self.line(x.flatten(1))

class One(nn.Module):
    def __init__(self, image_size=32):
        super().__init__()
        self.line = nn.Linear(image_size * image_size, 4)

    def forward(self, x):
        return self.line(x.flatten(1))

class Says(nn.Module):
    def forward(self, x):
        raise ValueError("long " * 300_000)
"""


@pytest.fixture
def sized(networks_file):
    networks_file(SIZED, "sized.py")
    return lambda name, **sizes: analyze(ModelSpec(f"sized.py:{name}", in_channels=1, **sizes))


def test_an_image_size_that_is_a_pair_stays_one(sized):
    assert find("sized.py:Pair").default.image_size == (32, 48)
    assert sized("Pair", image_size=(24, 32)).totals.params == 24 * 32 * 4 + 4
    assert sized("Pair", image_size=24).totals.params == 24 * 24 * 4 + 4


def test_one_number_takes_no_pair(sized):
    assert sized("One", image_size=24).totals.params == 24 * 24 * 4 + 4
    with pytest.raises(LabError, match="takes image_size as one number"):
        sized("One", image_size=(24, 32))


def test_a_huge_error_is_cut(sized):
    with pytest.raises(LabError) as caught:
        sized("Says", image_size=24)
    assert len(str(caught.value)) < 7_000
