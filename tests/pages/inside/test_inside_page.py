"""The Inside page: a network, an image, what every layer makes of it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import numpy as np
import pytest

from core.analysis import analyze
from core.inside.maps import layer_maps, probabilities
from core.inside.number import explain
from core.inside.shipped import SHIPPED
from core.inside.test_set import predicted
from core.inside.weights import Weights
from core.jobs.execution import execute
from core.jobs.run_weights import run_weights
from core.jobs.store import JobState, open_store
from core.specs import LabError, ModelSpec, RunSpec
from core.zoo.catalogue import complete
from pages.views.app.test_images import test_images as images_of
from pages.views.inside.image import _decoded
from tests.pages.inside.one_view import DROPOUT_NET
from tests.pages.opening import SHORT, open_page, shown
from tests.run_files import folder_of

PAGE = "pages/inside.py"


def trained_run(**options: str) -> int:
    """A run of 128 images and one epoch, in the store with its parameters."""
    store = open_store()
    spec = RunSpec(
        complete(ModelSpec("course-residual", image_size=28, options=tuple(options.items()))),
        "fashion-mini",
        replace(SHORT, epochs=1, normalize=True),
        train_images=128,
    )
    run_id = store.enqueue(spec)
    assert execute(store, store.claim()) is JobState.FINISHED
    return run_id


def picture(app) -> str:
    """The SVG of the graph, with a picture in each box."""
    [data] = [
        text
        for component in app.get("bidi_component")
        if "data-layer" in (text := str(component.proto))
    ]
    return data


def test_without_a_run_a_network_that_comes_with_the_lab_is_shown():
    app = open_page(PAGE)
    assert not app.error
    assert app.selectbox(key="in_network").value == f"lab/{next(iter(SHIPPED))}"
    drawn = picture(app)
    for path in ("stem1.conv", "residual1.add", "residual1.relu_2", "dense.linear"):
        assert f'data-layer="{path}"' in drawn.replace("\\", "")


def test_a_run_is_shown_with_its_best_its_last_and_its_first_parameters():
    run_id = trained_run()
    pixels = images_of("fashion-mini")[0][7]
    said = {}
    for which in ("best", "last", "initial"):
        app = open_page(PAGE, in_network=f"run/{run_id}", in_which=which, in_image="7")
        assert not app.error
        weights = run_weights(open_store().get(run_id), which)
        said[which] = probabilities(weights, pixels)
    assert np.array_equal(said["best"], said["last"])  # it had one epoch
    assert not np.allclose(said["best"], said["initial"])


def test_the_address_opens_the_same_image_of_a_class_again():
    app = open_page(PAGE, in_pick="class-3", in_image="2")
    assert "Dress" in shown(app) and not app.error
    third = int(np.flatnonzero(images_of(app_data())[1] == 3)[2])
    assert f"test image {third}: Dress" in shown(app)


def app_data() -> str:
    """The data set of the network that is shown first."""
    return next(iter(SHIPPED.values())).data.name


def test_the_surest_mistake_is_one_that_the_network_gets_wrong():
    row = next(iter(SHIPPED.values()))
    app = open_page(PAGE, in_pick="mistakes")
    caption = next(one.value for one in app.caption if one.value.startswith("test image"))
    index = int(caption.split(":")[0].removeprefix("test image "))
    images, labels = images_of(row.data.name)
    assert probabilities(row.weights, images[index]).argmax() != labels[index]


def test_any_network_can_be_looked_at_as_it_begins():
    app = open_page(PAGE, in_network="new", inside_network="densenet", in_seed="3")
    assert not app.error
    assert "as initialized by seed 3" in shown(app)


def test_a_second_network_stands_beside_the_first():
    app = open_page(PAGE, in_network="lab/residual", in_other="lab/plain")
    assert not app.error
    said = shown(app)
    assert SHIPPED["residual"].title in said and SHIPPED["plain"].title in said


def test_networks_of_other_classes_are_not_compared():
    [error] = open_page(PAGE, in_network="lab/residual", in_other="lab/digits").error
    assert "choose two of the same data set" in error.value


def test_a_run_that_is_gone_is_said_and_the_page_shows_its_first_network():
    app = open_page(PAGE, in_network="run/999")
    assert any("in_network=run/999" in one.value for one in app.warning)


def test_parameters_that_are_not_here_are_one_sentence():
    run_id = trained_run()
    run = open_store().get(run_id)
    (folder_of(run) / run.best_file.name).unlink()
    [error] = open_page(PAGE, in_network=f"run/{run_id}", in_which="best").error
    assert "has no best parameters on this machine" in error.value


def test_a_drawing_is_decoded_and_anything_else_refused():
    drawing = np.arange(784, dtype=np.uint8).reshape(28, 28)
    assert np.array_equal(_decoded(b64encode(drawing.tobytes()).decode()), drawing)
    for text in ("nonsense!", b64encode(b"short").decode(), "é" * 2000):
        with pytest.raises(LabError, match="no picture of 28 × 28 pixels"):
            _decoded(text)


def test_maps_have_one_range_for_a_layer_and_the_most_active_channels_first():
    weights = SHIPPED["residual"].weights
    pixels = images_of("fashion-mini")[0][0]
    [first, last] = layer_maps(weights, pixels, ["stem1.relu", "dense.linear"], 8)
    assert first.shape == (16, 24, 24) and first.low == 0 and not first.has_sign
    assert list(first.channels) == list(np.argsort(-first.means, kind="stable")[:8])
    assert first.maps.max() <= first.high
    assert last.is_vector and last.shape == (10,)
    assert np.nanmax(last.maps) == pytest.approx(last.high)


def test_every_network_that_comes_with_the_lab_is_as_good_as_its_table_says():
    for row in SHIPPED.values():
        if row.dataset == "mnist":
            continue  # its test images may not be on this machine
        labels = images_of("fashion-mini")[1]
        said = predicted(row.weights, "fashion-mini")
        right = (said.argmax(1) == labels[: len(said)]).mean()
        assert right == pytest.approx(row.known.accuracy, abs=0.03)  # part of the images


OWN = f"""{DROPOUT_NET}
class Map(nn.Module):
    def __init__(self, in_channels: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 6, 3)

    def forward(self, x):
        return self.conv(x)
"""


def test_a_layer_that_does_nothing_in_evaluation_is_one_sentence(networks_file):
    networks_file(OWN)
    spec = complete(ModelSpec("nets.py:Net", image_size=28))
    paths = [layer.path for layer in analyze(spec).layers if layer.inputs]
    ran = layer_maps(Weights(spec), images_of("fashion-mini")[0][0], paths, 1)
    [asleep] = set(paths) - {maps.path for maps in ran}
    app = open_page(PAGE, in_network="new", inside_network="nets.py:Net", in_layer=asleep)
    [error] = app.error
    assert error.value.startswith(f"{asleep} did not run for this image: in evaluation")


def test_a_number_behind_such_a_layer_is_explained_by_what_that_reads(networks_file):
    networks_file(OWN)
    weights = Weights(complete(ModelSpec("nets.py:Net", image_size=28)))
    explanation = explain(weights, images_of("fashion-mini")[0][0], "mean", 2, 0, 0)
    assert explanation.how.total == pytest.approx(explanation.value)
    app = open_page(PAGE, in_network="new", inside_network="nets.py:Net", in_layer="mean")
    assert not app.error


def test_mistakes_of_a_network_without_scores_are_one_sentence(networks_file):
    networks_file(OWN)
    app = open_page(PAGE, in_network="new", inside_network="nets.py:Map", in_pick="mistakes")
    [error] = app.error
    assert error.value == "This network gives no scores of classes, so it makes no mistakes."


def test_a_second_network_that_cannot_be_shown_leaves_the_first():
    app = open_page(PAGE, in_other="lab/digits")
    [error] = app.error
    assert "choose two of the same data set" in error.value
    assert 'data-layer="stem1.conv"' in picture(app).replace("\\", "")


DIVERGED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, in_channels=1, num_classes=10):
        super().__init__()
        self.linear = nn.Linear(784, num_classes)
        self.scale = nn.Parameter(torch.tensor(float("nan")))
    def forward(self, x):
        return self.linear(x.flatten(1)) * self.scale
"""


def test_scores_that_are_no_numbers_are_told_in_place_of_an_empty_chart(networks_file):
    networks_file(DIVERGED)
    app = open_page(PAGE, in_network="new", inside_network="nets.py:Net", inside_size="28")
    assert "are no finite numbers: its weights have diverged" in shown(app)
    assert not app.get("plotly_chart") and not app.error


def test_a_trained_network_of_the_lab_is_not_called_initialized_where_it_has_no_replay():
    app = open_page(PAGE, in_view="Replay")
    assert "Only a run of yours can be replayed" in shown(app)


def test_where_no_block_can_be_left_out_the_levels_with_parts_are_named():
    app = open_page(PAGE, in_network="lab/inception", in_view="Missing parts")
    [info] = app.info
    assert info.value.endswith("choose Branches or Channels above.")
