"""A forward pass that fails: what ran before, what met where it failed, in which line."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from core.analysis import analyze_module
from core.analysis.broken_off import ForwardError
from core.language import CHINESE, in_language
from core.report.sentences.broken_off import how_far


class Net(nn.Module):
    """Two convolutions and a linear layer, used as the cases below have it."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, padding=1)
        self.b = nn.Conv2d(8, 16, 3, stride=2)
        self.c = nn.Linear(16, 4)


class Adds(Net):
    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x).relu()
        return self.c(y + self.b(y))


class ReadsMaps(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.c(self.b(self.a(x)))


class Inside(Net):
    def __init__(self) -> None:
        super().__init__()
        self.inner = ReadsMaps()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.a(x).view(-1, 7))


class OfItsOwn(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.a(x).no_such_thing


def broken_off(module: nn.Module) -> ForwardError:
    with pytest.raises(ForwardError) as caught:
        analyze_module(module, (3, 16, 16))
    return caught.value


def test_an_operation_that_fails_is_the_last_row_and_says_what_met():
    error = broken_off(Adds())
    assert [layer.path for layer in error.partial.layers] == ["a", "relu", "b", "add"]
    assert error.partial.layers[-1].inputs == ("relu", "b")
    assert error.failure is not None
    assert error.failure.shapes == ((1, 8, 16, 16), (1, 16, 7, 7))
    assert how_far(error) == (
        "3 layers and operations ran before add failed, which was given 1×8×16×16 from relu and"
        " 1×16×7×7 from b. It was run with 11 images at once, of which the error speaks."
    )


def test_what_was_sent_from_another_process_is_read_in_any_language():
    error = pickle.loads(pickle.dumps(broken_off(OfItsOwn())))
    assert "cannot be taken apart at 3×16×16: its forward pass says" in str(error)
    with in_language(CHINESE):
        assert "3×16×16 下无法拆解" in str(error) and "它的前向传播报错" in str(error)


def test_what_ran_costs_what_it_costs_in_a_network_that_runs():
    whole = analyze_module(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()), (3, 16, 16))
    for part, ran in zip(whole.layers, broken_off(Adds()).partial.layers, strict=False):
        assert (part.macs, part.backward_macs) == (ran.macs, ran.backward_macs)
        assert (part.output_shape, part.params) == (ran.output_shape, ran.params)


def test_a_layer_that_fails_says_what_it_reads_and_its_weight():
    assert how_far(broken_off(ReadsMaps())) == (
        "2 layers and operations ran before c failed, which was given 1×16×7×7 from b and 4×16 of"
        " a weight or a table. It was run with 11 images at once, of which the error speaks."
    )


def test_a_view_that_does_not_divide():
    error = broken_off(Inside())
    assert error.failure is not None and error.failure.path == "view"
    assert error.failure.makers == ("a",)


def test_an_error_that_is_none_of_torch_s():
    error = broken_off(OfItsOwn())
    assert error.failure is None
    assert how_far(error).startswith("1 layer or operation ran before the error")


def test_it_travels_between_processes():
    error = broken_off(Adds())
    twin = pickle.loads(pickle.dumps(error))
    assert str(twin) == str(error)
    assert twin.partial == error.partial and twin.failure == error.failure


def test_a_network_that_fails_at_once_has_no_rows():
    module = nn.Sequential(nn.Flatten(0), nn.Linear(7, 7))
    error = broken_off(module)
    assert error.partial.totals.macs == 0
    assert "cannot be taken apart" in str(error) and torch.is_grad_enabled()


class Recurrent(Net):
    """Its LSTM reads rows of another length: torch's own Python code refuses them."""

    def __init__(self) -> None:
        super().__init__()
        self.m = nn.LSTM(15, 8, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.m(self.a(x).flatten(1, 2))


class Caught(Net):
    """An operation is refused, which the network itself takes care of; then its code fails."""

    def forward(self, x: Tensor) -> Tensor:
        try:
            x = self.a(x).view(7, 7)
        except RuntimeError:
            x = self.a(x)
        raise ValueError("of my own")


class Ends(Net):
    def forward(self, x: Tensor) -> Tensor:
        self.a(x)
        raise SystemExit(0)


def test_a_layer_that_refuses_before_it_runs_an_operation_is_named_too():
    error = broken_off(Recurrent())
    assert error.failure is not None and error.failure.path == "m"
    failed = error.partial.layers[-1]
    assert (failed.path, failed.elementwise_ops, failed.receptive_field) == ("m", 0, None)


def test_what_the_network_has_caught_is_not_what_failed():
    assert broken_off(Caught()).failure is None


def test_a_network_that_ends_the_program_ends_only_its_analysis():
    error = broken_off(Ends())
    assert "SystemExit(0)" in str(error) and len(error.partial.layers) == 1


def test_two_threads_may_take_the_same_module_apart():
    module = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(12)))
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: analyze_module(module, (3, 8, 8)), range(6)))
    assert all(one == found[0] for one in found) and len(found[0].layers) == 12
    assert not any("_compiled_call_impl" in one.__dict__ for one in module.modules())


class Recovers(Net):
    """An operation is refused; the network goes on without it."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        try:
            return x.view(-1, 7).sum((0, 1))
        except RuntimeError:
            return self.b(x)


def test_what_the_network_has_caught_has_no_row():
    assert [layer.path for layer in analyze_module(Recovers(), (3, 16, 16)).layers[:2]] == [
        "a",
        "b",
    ]
    assert [layer.path for layer in broken_off(Caught()).partial.layers] == ["a", "a_2"]
