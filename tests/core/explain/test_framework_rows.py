"""The frameworks' rows, against what "Dive into Deep Learning" prints (7.6, 8.1, 8.2)."""

from __future__ import annotations

import pytest
from torch import nn

from core.analysis import analyze, analyze_module
from core.explain.framework_rows import framework_rows, keras_paddings
from core.report import formats
from core.report.tables.layers import framework_frame
from core.specs import LabError, ModelSpec
from core.zoo.building import build_on_meta
from core.zoo.catalogue import complete

MXNET = {
    "vgg11": "sequential1 1×64×112×112, sequential2 1×128×56×56, sequential3 1×256×28×28,"
    " sequential4 1×512×14×14, sequential5 1×512×7×7, dense0 1×4096, dropout0 1×4096,"
    " dense1 1×4096, dropout1 1×4096, dense2 1×10",
    "alexnet": "conv0 1×96×54×54, pool0 1×96×26×26, conv1 1×256×26×26, pool1 1×256×12×12,"
    " conv2 1×384×12×12, conv3 1×384×12×12, conv4 1×256×12×12, pool2 1×256×5×5, dense0 1×4096,"
    " dropout0 1×4096, dense1 1×4096, dropout1 1×4096, dense2 1×10",
    "lenet": "conv0 1×6×28×28, pool0 1×6×14×14, conv1 1×16×10×10, pool1 1×16×5×5, dense0 1×120,"
    " dense1 1×84, dense2 1×10",
}
KERAS = {
    "vgg11": "Sequential 1×112×112×64, Sequential 1×56×56×128, Sequential 1×28×28×256,"
    " Sequential 1×14×14×512, Sequential 1×7×7×512, Sequential 1×10",
    "lenet": "Conv2D 1×28×28×6, AveragePooling2D 1×14×14×6, Conv2D 1×10×10×16,"
    " AveragePooling2D 1×5×5×16, Flatten 1×400, Dense 1×120, Dense 1×84, Dense 1×10",
}


def default(name: str) -> ModelSpec:
    return ModelSpec(name, image_size=28 if name == "lenet" else 224)


def printed(rows, layout="NCHW") -> str:
    return ", ".join(f"{row.name} {formats.shape(row.output_shape, layout)}" for row in rows)


@pytest.mark.parametrize("name", MXNET)
def test_mxnet_prints_these_rows(name):
    assert printed(framework_rows(analyze(default(name))).mxnet) == MXNET[name]


@pytest.mark.parametrize("name", KERAS)
def test_keras_prints_these_rows(name):
    assert printed(framework_rows(analyze(default(name))).keras, "NHWC") == KERAS[name]


def test_pytorch_s_chapter_has_a_row_for_each_module_of_the_head():
    rows = framework_rows(analyze(default("vgg11"))).pytorch
    assert [row.name for row in rows] == [
        *["Sequential"] * 5,
        *("Flatten", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"),
    ]


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec("vgg19", 4, 96),
        ModelSpec("vgg16-forum", 2, (64, 96)),
        ModelSpec("alexnet", 3, 128, 3, 7),
        complete(ModelSpec("custom-vgg", image_size=32, options=(("conv_arch", "1x8 3x16"),))),
    ],
    ids=ModelSpec.to_text,
)
def test_every_layer_is_in_one_row_of_each_print(spec):
    analysis = analyze(spec)
    rows = framework_rows(analysis)
    paths = [layer.path for layer in analysis.layers]
    for prints in (rows.pytorch, rows.mxnet, rows.keras):
        assert [path for row in prints for path in row.paths] == paths
    assert len(paths) == sum(not list(one.children()) for one in build_on_meta(spec).modules())


def test_a_chain_that_is_no_chapter_s_is_named_by_the_same_rule():
    net = nn.Sequential(
        nn.Conv2d(3, 8, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(72, 4)
    )
    rows = framework_rows(analyze_module(net, (3, 10, 10)))
    assert [row.name for row in rows.mxnet] == ["conv0", "pool0", "dropout0", "dense0"]
    keras = ["Conv2D", "AveragePooling2D", "Dropout", "Flatten", "Dense"]
    assert [row.name for row in rows.keras] == keras


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("resnet18", "stem.norm is the module BatchNorm2d"),
        ("course-inception", "stem1.relu is an activation behind MaxPool2d"),
        ("vgg11-lrn", "block1.norm1 is the module LocalResponseNorm"),
    ],
)
def test_other_networks_are_refused_with_the_layer_in_the_way(name, reason):
    with pytest.raises(LabError, match=f"{reason}; the rows .* a chain of the modules"):
        framework_rows(analyze(complete(ModelSpec(name, image_size=28 if "-in" in name else 64))))


class _Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3), nn.Conv2d(1, 4, 3)

    def forward(self, images):
        return self.first(images) * self.second(images)


class _Function(_Branches):
    def forward(self, images):
        return self.first(images).relu()


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (_Branches(), "second does not read just what the layer before it gives"),
        (_Function(), "relu is the function relu"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), "It has no convolution"),
        (nn.Sequential(nn.ReLU(), nn.Conv2d(1, 2, 3)), "0 is an activation behind the image"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Dropout()), "2 stands between Flatten"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), "It has no convolution or no head"),
    ],
)
def test_networks_of_ones_own_are_refused_as_clearly(net, reason):
    with pytest.raises(LabError, match=reason):
        framework_rows(analyze_module(net, (1, 8, 8)))


def test_the_table_has_a_line_for_each_module_and_says_which_network_it_is():
    frame = framework_frame(analyze(ModelSpec("vgg13", 4, 64)))
    assert len(frame) == 33 and set(frame["image_size"].astype(str)) == {"64"}
    pool = frame.set_index("layer").loc["block2.pool"]
    assert (pool["mxnet_name"], pool["keras_row"], pool["pytorch_row"]) == ("sequential2", 2, 2)
    assert pool["output_shape_nhwc"] == "1×16×16×32"
    assert frame["weight_layer"].nunique() == 13


@pytest.mark.parametrize(("kernel", "stride", "side"), [(3, 1, 9), (5, 2, 11), (2, 3, 8)])
def test_keras_s_valid_padding_is_none(kernel, stride, side):
    """And `same` is ⌈side / stride⌉, by its definition."""
    net = nn.Conv2d(1, 1, kernel, stride)
    [one] = keras_paddings(analyze_module(net, (1, side, side)))
    assert one.valid == one.sides
    assert one.same == (-(-side // stride),) * 2
