"""timm's models as `timm/NAME`, against timm's own table; skipped where timm is not installed."""

from __future__ import annotations

import logging
import math
import socket
import warnings

import pytest

from core.analysis import analyze
from core.specs import LabError, ModelSpec
from core.zoo.building import build_on_meta
from core.zoo.catalogue import find
from core.zoo.export import source_code
from core.zoo.libraries import LIBRARIES, models_of_installed
from tests.core.networks import analysis_of, module_of
from tools.bench.timm_table import Counted, Published, norm_work, published_rows, sample

timm = pytest.importorskip("timm")
pytestmark = pytest.mark.slow  # its import takes seconds

TIMM = LIBRARIES["timm"]
ROWS = {(row.model, row.image_size): row for row in published_rows()}
FAMILIES = (  # one model each, as timm counts them: nothing in them is fused
    *("resnet18", "seresnet18", "skresnet18", "regnetx_002", "densenet121", "vgg11_bn"),
    *("mobilenetv3_small_100", "efficientnet_b0", "ghostnet_100", "convnext_atto", "dla46_c"),
    *("vit_tiny_patch16_224", "pit_ti_224", "xcit_nano_12_p16_224", "mixer_s32_224"),
)


def published(name: str) -> Published:
    """timm's own figures at the size that is the model's default."""
    return ROWS[name, TIMM.models[name].image_size]


def test_the_table_that_comes_with_the_lab_is_timm_s_own():
    if f"# timm {TIMM.version}" != TIMM.table.read_text().splitlines()[0]:
        pytest.skip("another timm is installed than the table is of")
    assert models_of_installed("timm") == TIMM.models
    assert list(TIMM.models) == timm.list_models()


def test_what_timm_publishes_is_read_whole():
    assert len(ROWS) == 1_627
    assert ROWS["resnet50", 224] == Published("resnet50", 224, 25.56, 4.11)
    assert ROWS["vit_giant_patch14_dinov2", 518].giga_macs == 1784.2


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_are_the_published_ones(name):
    network = module_of(find(f"timm/{name}").default)
    params = sum(parameter.numel() for parameter in network.parameters())
    assert Counted(published(name), params).has_equal_params


@pytest.mark.parametrize("name", ["resnet18", "regnetx_002", "vit_tiny_patch16_224"])
def test_multiply_adds_are_near_the_published_ones(name):
    totals = analysis_of(find(f"timm/{name}").default).totals
    assert Counted(published(name), totals.params, totals.macs).has_near_macs


def test_a_figure_that_differs_is_told_from_one_that_is_only_rounded():
    row = Published("small", 32, 0.37, 0.04)
    assert Counted(row, 374_999, 36_000_000).has_equal_params
    assert not Counted(row, 376_000, 0).has_equal_params
    assert Counted(row, 0, 36_000_000).has_near_macs  # 0.036 is 0.04 with two decimals
    assert not Counted(row, 0, 34_000_000).has_near_macs


def test_normalization_makes_up_for_what_timm_s_counter_has_more():
    """Two a number of BatchNorm, five of the others: EfficientNet-B0's 0.386 become 0.40."""
    analysis = analysis_of(find("timm/efficientnet_b0").default)
    norms = [layer for layer in analysis.layers if layer.kind == "normalisation"]
    numbers = sum(math.prod(layer.output_shape) for layer in norms)
    assert norm_work(analysis) == 2 * numbers
    counted = Counted(published("efficientnet_b0"), 0, analysis.totals.macs, norm_work(analysis))
    assert not counted.has_near_macs
    assert counted.is_near_with_norms and counted.reason == "they count normalization"


def test_what_nobody_has_explained_says_so():
    row = Published("sequencer2d_s", 224, 27.65, 4.96)
    assert Counted(row, macs=8_334_000_000).reason == "they leave recurrent layers out"
    assert Counted(Published("resnet18", 224, 11.69, 1.82), macs=1_000_000_000).reason == ""


def test_a_sample_is_always_the_same_and_never_more_than_there_is():
    rows = published_rows()
    assert sample(rows, 5) == sample(rows, 5) and len(set(sample(rows, 5))) == 5
    assert sample(rows, None) == sample(rows, 10_000) == rows


def test_other_channels_and_sizes_are_built_as_asked():
    """ViT of width 192: 16×16 patches of one channel, 6×6 of them and the class token."""
    spec = ModelSpec("timm/vit_tiny_patch16_224", 1, 96, in_channels=1, num_classes=7)
    network = build_on_meta(spec)
    assert network.patch_embed.proj.weight.shape == (192, 1, 16, 16)
    assert network.pos_embed.shape == (1, 6 * 6 + 1, 192)
    assert network.head.weight.shape == (7, 192)


def test_the_default_size_needs_no_argument_and_any_size_does_where_none_is_fixed():
    vit = find("timm/vit_tiny_patch16_224").default
    assert TIMM.keywords(vit) == {"pretrained": False, "num_classes": 1000}
    resnet = ModelSpec("timm/resnet18", 1, 96, 3, 10)
    assert TIMM.keywords(resnet) == {"pretrained": False, "num_classes": 10}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ModelSpec("timm/resnet-50", 1, 224, 3), "no classification model 'resnet-50'; try timm/"),
        (ModelSpec("timm/resnet50", 2, 224, 3), "timm/resnet50 has no ratio"),
        (ModelSpec("timm/vgg11", 1, 20, 3), "timm/vgg11 cannot be"),
        (ModelSpec("timm/nest_tiny", 1, 100, 3), "cannot be built for 100×100 pixels of 3"),
        (ModelSpec("timm/hf-hub:timm/resnet18", 1, 224, 3), "no classification model"),
    ],
)
def test_what_cannot_be_taken_apart_is_one_sentence(spec, words):
    with pytest.raises(LabError, match=words) as caught:
        analyze(spec)
    assert "\n" not in str(caught.value)


def test_building_says_nothing_and_asks_no_other_host(monkeypatch, caplog, capfd):
    def refuse(*_address, **_settings):
        raise AssertionError("a model asked another host")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        for name in ("resnet18", "vit_tiny_patch16_224", "inception_v3", "hrnet_w18_small"):
            build_on_meta(find(f"timm/{name}").default)
    assert not [record for record in caplog.records if record.name.startswith("timm")]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("spec", "call"),
    [
        (
            ModelSpec("timm/resnet18", 1, 224, 3, 7),
            'timm.create_model("resnet18", pretrained=False, num_classes=7)',
        ),
        (
            ModelSpec("timm/vit_tiny_patch16_224", 1, 96, 1, 7),
            'timm.create_model(\n        "vit_tiny_patch16_224",\n        pretrained=False,\n'
            "        num_classes=7,\n        in_chans=1,\n        img_size=96,\n    )",
        ),
    ],
)
def test_its_code_is_one_call(spec, call):
    source = source_code(spec)
    assert "\nimport timm\nimport torch\nfrom torch import nn\n" in source
    assert f"    return {call}\n" in source and "Ratio" not in source
    namespace = {"__name__": "taken_along"}
    exec(source, namespace)
    ours, theirs = module_of(spec).state_dict(), namespace["network"]().state_dict()
    assert [(name, value.shape) for name, value in ours.items()] == [
        (name, value.shape) for name, value in theirs.items()
    ]
