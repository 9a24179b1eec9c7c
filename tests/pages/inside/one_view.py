"""A page with a view of Inside alone, of a run's last parameters or of a network as it begins."""

from __future__ import annotations

from core.analysis import analyze
from core.data.catalogue import find_dataset
from core.inside.weights import Weights
from core.jobs.run_weights import LAST, run_weights
from core.jobs.store import open_store
from core.specs import ModelSpec
from core.zoo.catalogue import complete
from pages.views.app.address import address_checked
from pages.views.app.test_images import test_images as images_of
from pages.views.inside.chosen import Chosen, Subject
from pages.views.inside.filters import filters_view
from pages.views.inside.replay import replay_view

DROPOUT_NET = """
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 10):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 6, 3)
        self.head = nn.Linear(6, num_classes)

    def forward(self, x):
        x = F.dropout(self.conv(x).relu(), 0.5, self.training)
        return self.head(x.mean((2, 3)))
"""  # a network of one's own with an operation that does nothing in evaluation
_VIEWS = {"replay": replay_view, "filters": filters_view}


def draw(view: str, run_id: int | None) -> None:
    """Draw it, for the first test image."""
    run = open_store().get(run_id) if run_id else None
    begun = Weights(complete(ModelSpec("course-residual", image_size=28)))
    weights = run_weights(run, LAST) if run else begun
    subject = Subject(weights, analyze(weights.spec), run, "last", lambda: "the network")
    pixels = images_of("fashion-mini")[0][0]
    chosen = Chosen(subject, find_dataset("fashion-mini"), pixels, "test image 0", 0, 9)
    with address_checked():
        _VIEWS[view](chosen)
