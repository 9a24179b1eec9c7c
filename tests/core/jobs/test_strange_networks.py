"""Networks as strangers write them: they are trained, or one sentence says why they cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.jobs.execution import execute, in_words
from core.jobs.files import best_path
from core.jobs.store import JobState, open_store
from core.measure.predict import predict
from core.specs import LabError, ModelSpec
from core.training.compute_plan import default_compute_plan
from core.zoo import build
from core.zoo.catalogue import complete
from tests.core.jobs.tiny_runs import TINY

FILE = '''
import sys
import torch
from torch import nn

class Net(nn.Module):
    """A convolution, then a linear layer; what the others have is made by `more`."""

    def __init__(self, in_channels: int = 1, num_classes: int = 10):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 8, 3, stride=2)
        self.head = nn.Linear(8, num_classes)
        self.more()

    def more(self):
        pass

    def body(self, x):
        return self.conv(x).relu().mean((2, 3))

    def forward(self, x):
        return self.head(self.body(x))

class Shared(Net):
    def more(self):
        self.layer = nn.Linear(8, 8)
        self.again = self.layer

    def body(self, x):
        return self.again(self.layer(super().body(x)))

class Repeated(Net):
    def more(self):
        self.layers = nn.Sequential(*[nn.Linear(8, 8)] * 3)

    def body(self, x):
        return self.layers(super().body(x))

class Tied(Shared):
    def more(self):
        self.layer, self.again = nn.Linear(8, 8), nn.Linear(8, 8)
        self.again.weight = self.layer.weight

class Views(Net):
    def more(self):
        self.register_buffer("whole", torch.zeros(8))
        self.register_buffer("part", self.whole[:4])

class Besides(Net):
    def get_extra_state(self):
        return {"version": 2}

    def set_extra_state(self, state):
        self.version = state["version"]

class Dropped(Net):
    """A layer that only every second batch takes, the first of them late."""

    def more(self):
        self.layer, self.batches = nn.Linear(8, 8), 0

    def body(self, x):
        self.batches += self.training
        features = super().body(x)
        return features if self.batches % 4 < 2 else features + self.layer(features)

class Complex(Net):
    def more(self):
        self.turned = nn.Parameter(torch.randn(8, 8, dtype=torch.complex64))

    def body(self, x):
        return (super().body(x).to(torch.complex64) @ self.turned).abs()

class Sparse(Net):
    def more(self):
        self.table = nn.Embedding(256, 8, sparse=True)

    def body(self, x):
        places = (255 * x[:, 0, ::9, ::9].flatten(1).clamp(0, 1)).long()
        return super().body(x) + self.table(places).mean(1)

class Parameterless(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :10]

class Frozen(Net):
    def more(self):
        self.requires_grad_(False)

class Detached(Net):
    def forward(self, x):
        return super().forward(x).detach()

class Tuple(Net):
    def forward(self, x):
        features = self.body(x)
        return self.head(features), features

class Exits(Net):
    def forward(self, x):
        if self.training and len(x) == 32 and x.device.type == "cpu":
            sys.exit(3)
        return super().forward(x)
'''


@pytest.fixture
def trained(networks_file):
    networks_file(FILE)
    store = open_store()

    def train(name: str):
        spec = replace(TINY, model=complete(ModelSpec(f"nets.py:{name}", image_size=28)))
        run = store.start_here(spec)
        execute(store, run)
        return store.get(run.id)

    yield train
    store.close()


@pytest.mark.parametrize(
    "name",
    ["Shared", "Repeated", "Tied", "Views", "Besides", "Dropped", "Complex", "Sparse"],
)
def test_a_run_is_trained_to_its_end_and_its_best_parameters_are_read_again(trained, name):
    run = trained(name)
    assert run.state is JobState.FINISHED, run.message
    plan = default_compute_plan(build(run.spec.model), 1, torch.device("cpu"))
    probabilities = torch.from_numpy(predict(run.spec, best_path(run), plan))
    torch.testing.assert_close(probabilities.sum(1), torch.ones(len(probabilities)))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Parameterless", "no parameters that training could change"),
        ("Frozen", "no parameters that training could change"),
        ("Detached", "No gradient reaches the parameters"),
        ("Tuple", "gives tuple, not a tensor of class scores"),
        ("Exits", "The run ended with SystemExit: 3"),
    ],
)
def test_a_run_that_cannot_be_trained_ends_with_the_reason(trained, name, words):
    run = trained(name)
    assert run.state is JobState.FAILED
    assert words in str(run.message)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("\n  Some tensors share memory\nmore"), "RuntimeError: Some tensors share"),
        (RuntimeError("  \n "), "RuntimeError: RuntimeError"),
        (RuntimeError(), "RuntimeError: RuntimeError"),
        (SystemExit(), "SystemExit: SystemExit"),
    ],
)
def test_an_error_is_never_told_without_words(error, said):
    assert said in str(LabError(in_words(error)))
