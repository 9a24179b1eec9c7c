"""The commands, flags and defaults that scripts of users call: they stay as they are."""

from __future__ import annotations

import click
import pytest

from core.cli.commands import LAB, main
from core.cli.flags import RunFlags

FORMAT = {"--format": "table"}
RUN = {"RUN": None}
NETWORK = {
    **{"ARCH": None, "--ratio": None, "--size": None, "--in-channels": None, "--classes": None},
    "--option": None,
}
TRAINING = NETWORK | {
    "--dataset": "fashion-mini",
    "--train-images": None,
    "--recipe": "fast",
    "--epochs": None,
    "--batch-size": None,
    "--lr": None,
    "--seed": 0,
    "--device": None,
    "--deterministic": False,
}
LANGUAGE = {"--language": "en"}
INTERFACE = {
    "serve": {"FILES": (), "--port": None},
    "list": FORMAT,
    "analyze": NETWORK | {"--weights": None, "--batch-size": 1, "--level": "module"} | FORMAT,
    "time": NETWORK | {"--batch-size": 32, "--passes": 9, "--device": None} | FORMAT,
    "bench": TRAINING
    | {"ARCH": "course-residual", "--batch-sizes": None, "--rounds": 5, "--all-devices": False}
    | FORMAT,
    "find-rate": TRAINING | {"ARCH": "course-residual", "--steps": 200, "--sweeps": None} | FORMAT,
    "estimate": TRAINING | {"ARCH": "course-residual"} | FORMAT,
    "gradients": NETWORK
    | {"ARCH": "", "--depths": (), "--shortcuts": (), "--batch-norm": None}
    | {"--initialization": "default", "--initialisation": "default", "--seeds": 3}
    | {"--batch-size": 16, "--dataset": "fashion-mini", "--runs": ()}
    | FORMAT,
    "predict": RUN | FORMAT,
    "inside": RUN
    | {("--network" if flag == "ARCH" else flag): None for flag in NETWORK}
    | {"--seed": None, "--which": "best", "--dataset": None}
    | {"--image": 0, "--file": None, "--inverted": False, "--layer": None, "--unit": None}
    | {"--format": "csv", "--out": None},
    "handout network": NETWORK | {"--batch-size": 128, "--out": None} | LANGUAGE,
    "handout compare": {"ARCHS": None, "--batch-size": 128, "--out": None} | LANGUAGE,
    "handout run": RUN | {"--out": None} | LANGUAGE,
    "handout study": {"STUDY": None, "--out": None} | LANGUAGE,
    "handout inside": RUN | {"--which": "best", "--image": 0, "--out": None} | LANGUAGE,
    "train": TRAINING | {"--csv": None},
    "submit": TRAINING,
    "study": {
        **{"--network": "course-residual", "--variants": (), "--argument": None, "--values": ()},
        **{"--seeds": 3, "--first-seed": 0, "--dataset": "fashion-mini", "--train-images": None},
        **{"--recipe": "fast", "--epochs": 3, "--device": None, "--go-on": None, "--csv": None},
    },
    "runs": FORMAT,
    "stop": RUN,
    "resume": RUN | {"--epochs": None},
    "export": RUN | {"--csv": None, "--steps": False, "--source": None},
    "reproduce": {"--rows": ("course",), "--seeds": 5, "--csv": None},
    "worker": {
        "--drain": False,
        "--exit-with-parent": False,
        "--only": "any",
        "--device": (),
        "--http": None,
    },
    "workers": FORMAT,
    "cluster up": {"--cpus": None, "--address": "", "--join": ""},
    "cluster status": FORMAT,
    "cluster dispatch": {"--exit-with-parent": False},
    "cluster down": {},
    "backup": {"FOLDER": None},
    "restore": {"FOLDER": None},
}


def commands(group: click.Group = LAB, before: str = "") -> dict[str, click.Command]:
    """Every command by its words, those of a group after its name."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
        else:
            found[f"{before}{name}"] = command
    return found


def read(*arguments: str) -> dict[str, object]:
    """The values that a command would get."""
    name, *flags = arguments
    return LAB.commands[name].make_context(name, flags).params


def test_every_command_is_there():
    assert list(commands()) == list(INTERFACE)


@pytest.mark.parametrize("name", INTERFACE)
def test_every_flag_is_there_with_its_default(name):
    command = commands()[name]
    values = command.make_context(name, [], resilient_parsing=True).params
    shown = {
        flag: values.get(param.name) or None
        for param in command.params
        if not getattr(param, "hidden", False)
        for flag in (param.opts if isinstance(param, click.Option) else [param.name.upper()])
    }
    assert shown == {flag: default or None for flag, default in INTERFACE[name].items()}


@pytest.mark.parametrize("name", INTERFACE)
def test_help_is_plain_text(name, capsys):
    assert main([*name.split(), "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: python -m core {name} ")
    assert err == "" and "\x1b" not in out


def test_several_values_follow_one_flag():
    values = read("gradients", "resnet20", "--depths", "8", "14", "--shortcuts", "conv", "none",
                  "--seeds", "2", "--runs", "1", "2", "3")  # fmt: skip
    assert values["depths"] == (8, 14)
    assert values["shortcuts"] == ("conv", "none")
    assert values["runs"] == (1, 2, 3)
    assert (values["arch"], values["seeds"]) == ("resnet20", 2)
    assert read("bench", "--batch-sizes", "32", "64", "128")["batch_sizes"] == (32, 64, 128)
    assert read("bench", "--batch-sizes=32")["batch_sizes"] == (32,)
    assert read("reproduce", "--csv", "x", "--rows", "course", "dense")["rows"] == (
        "course",
        "dense",
    )
    last = read("gradients", "--depths", "8", "14", "--depths", "20")
    assert last["depths"] == (20,)


def test_options_are_repeated_and_numbers_may_be_negative():
    flags = ("--option", "shortcut=conv", "--option", "gate_bias=-3", "--in-channels", "-1")
    values = read("analyze", "--ratio", "-2", "resnet20", *flags)
    assert values["option"] == ("shortcut=conv", "gate_bias=-3")
    assert (values["arch"], values["ratio"], values["in_channels"]) == ("resnet20", -2, -1)
    assert read("gradients", "--depths", "-8", "8")["depths"] == (-8, 8)


def test_the_spelling_of_before_is_still_read():
    assert read("gradients", "--initialisation", "he") == read(
        "gradients", "--initialization", "he"
    )


def test_flags_that_are_left_out_are_the_same_from_python():
    values = read("submit", "lenet")
    assert RunFlags(**values) == RunFlags("lenet")
