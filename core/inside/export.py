"""The network with its parameters as files to take along, which run without the lab."""

from __future__ import annotations

import contextlib
import io
import logging
import textwrap
import warnings
import zipfile
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from core.inside.one_image import check_size, network_of, with_plain_forward
from core.inside.weights import Weights
from core.specs import LabError
from core.training.parameters import tensors_of
from core.zoo.export import code_files

Facts = Sequence[tuple[str, str]]  # what else is known: run, epoch, data set
_BATCH = 2  # images of the example: the exporter takes a batch of one for a fixed size
_LAYERS_LOGGER = "torch.onnx"  # what it tells of its steps is nothing for the reader


def onnx_file(weights: Weights, facts: Facts = ()) -> bytes:
    """The network as one ONNX file: `image` (N, C, H, W) float32 to `scores` (N, classes).

    Its metadata hold the spec, how pixels are scaled, and these facts. In evaluation; batch
    normalization may be folded into the convolution before it. Raises LabError where the network
    cannot be written, and as `network_of` and `check_size`.
    """
    import onnx  # half a second, which only this needs

    check_size(weights)
    network = network_of(weights)
    example = torch.zeros(_BATCH, weights.spec.in_channels, *weights.spec.sides)
    with torch.no_grad():
        is_tensor = isinstance(network(example), Tensor)
    with _quiet():
        data = _exported(with_plain_forward(network), example, ["scores"] if is_tensor else None)
    model = onnx.load_from_string(data)
    onnx.helper.set_model_props(model, dict(_facts(weights, facts)))
    return bytes(model.SerializeToString())


def _exported(network: nn.Module, example: Tensor, output_names: list[str] | None) -> bytes:
    """An ONNX model, its first dimension free. Raises LabError."""
    for export in (_traced, _followed):
        with contextlib.suppress(Exception):  # whatever exporters make of somebody's own forward
            return export(network, example, output_names)
    raise LabError(
        "The network cannot be written as ONNX, which has no room for choices that its forward"
        " makes by the numbers, nor for a fixed batch size; take safetensors with the code."
    )


def _traced(network: nn.Module, example: Tensor, output_names: list[str] | None) -> bytes:
    """By a pass that is written down: a tenth of the other's time.

    Where the pass has depended on its numbers, torch warns, and that is an error here: another
    image might have gone another way. Some pooling sizes it cannot write.
    """
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=torch.jit.TracerWarning)
        torch.onnx.export(
            network,
            (example,),
            file,  # type: ignore[arg-type]  # the older exporter writes into files too
            dynamo=False,
            input_names=["image"],
            output_names=output_names,
            dynamic_axes={"image": {0: "N"}} | {name: {0: "N"} for name in output_names or ()},
        )
    return file.getvalue()


def _followed(network: nn.Module, example: Tensor, output_names: list[str] | None) -> bytes:
    """By following the code for any batch, as torch recommends: seconds for a course net."""
    program = torch.onnx.export(
        network,
        (example,),
        dynamo=True,
        input_names=["image"],
        output_names=output_names,
        dynamic_shapes=({0: torch.export.Dim("N")},),
        verbose=False,
    )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks, which concern its authors."""
    logger = logging.getLogger(_LAYERS_LOGGER)
    before, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


def safetensors_zip(weights: Weights, facts: Facts = ()) -> bytes:
    """A zip: model.safetensors, the code that builds the network, and README.txt.

    Raises LabError as `network_of`, `check_size` and `core.zoo.export.code_files`.
    """
    from safetensors.torch import save

    check_size(weights)
    told = _facts(weights, facts)
    tensors = tensors_of(network_of(weights))
    code = code_files(weights.spec)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # not compressed: parameters hardly shrink
        for name, text in code.files:
            archive.writestr(name, text)
        archive.writestr("model.safetensors", save(tensors, metadata=dict(told)))
        archive.writestr("README.txt", _readme(weights, code.building, told))
    return file.getvalue()


def _facts(weights: Weights, facts: Facts) -> tuple[tuple[str, str], ...]:
    """What the files say of themselves; the run's own facts come first."""
    drawn = f"as initialized ({weights.initialization}), seed {weights.seed}"
    return (
        *facts,
        ("spec", weights.spec.to_json()),
        ("parameters", f"trained, SHA-256 {weights.sha256}" if weights.file else drawn),
        ("normalization", _scaling(weights)),
    )


def _scaling(weights: Weights) -> str:
    """`(pixel / 255 - 0.1307) / 0.3081`: what the network reads, from a gray level 0 to 255."""
    if weights.mean is None or weights.std is None:
        return "pixel / 255"
    return f"(pixel / 255 - {weights.mean:g}) / {weights.std:g}"


def _readme(weights: Weights, building: str, told: Facts) -> str:
    spec = weights.spec
    shape = ", ".join(map(str, (spec.in_channels, *spec.sides)))
    facts = "\n".join(f"{name}: {value}" for name, value in told)
    return (
        textwrap.dedent(
            """\
            A network of the CNN Architecture Lab with its parameters. With torch and safetensors:

            {loading}

            The network reads float32 of the shape (N, {shape}), each number {scaling}
            with pixels from 0 to 255; a gray image has the same numbers in every channel. It gives
            one score for each class; softmax makes probabilities of them.

            {facts}
            """
        )
        .replace("{loading}", textwrap.indent(loading(building), "    "))
        .replace("{shape}", shape)
        .replace("{scaling}", _scaling(weights))
        .replace("{facts}", facts)
    )


def loading(building: str) -> str:
    """The lines that make `model`, with its parameters and in evaluation, in the zip's folder."""
    return (
        f"from safetensors.torch import load_file\n{building}\n"
        'model.load_state_dict(load_file("model.safetensors"))\nmodel.eval()'
    )
