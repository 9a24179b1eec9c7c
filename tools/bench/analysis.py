"""How long an analysis takes, and how near its memory comes to what the allocator hands out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tools.bench.figures import ROUNDS, Row, interleaved, ratios, row


def analysis() -> list[Row]:
    """Analyses of VGG-19 and DenseNet-121, interleaved with torchinfo on the real VGG-19.

    torchinfo is given the network as it is (with its 0.6 GB of weights) and, as a reader without
    this lab would do it, with the network still to be built.
    """
    import torchinfo

    from core.analysis import analyze
    from core.analysis.sweep import RATIOS, SIZES
    from core.specs import ModelSpec
    from core.zoo.building import build

    vgg, shape = ModelSpec("vgg19"), (1, 1, 224, 224)
    dense = ModelSpec("densenet121", in_channels=3, num_classes=1000)
    real = build(vgg)
    work: dict[str, Callable[[], object]] = {
        "ours": lambda: analyze(vgg),
        "torchinfo": lambda: torchinfo.summary(real, shape, verbose=0),
        "building and torchinfo": lambda: torchinfo.summary(build(vgg), shape, verbose=0),
        "dense": lambda: analyze(dense),
    }
    times = interleaved(work, 2 * ROUNDS)
    ours, other, built = times["ours"], times["torchinfo"], times["building and torchinfo"]
    milliseconds = {name: [1000 * one for one in its] for name, its in times.items()}
    grid = [
        replace(ModelSpec("vgg16"), ratio=ratio, image_size=size)
        for ratio in RATIOS
        for size in SIZES[-8:]
    ]
    sweeps = interleaved({"grid": lambda: [analyze(spec) for spec in grid]}, 3)["grid"]
    return [
        row("analyze VGG-19 at 224", milliseconds["ours"], "ms", "under 60"),
        row("analyze DenseNet-121 at 224", milliseconds["dense"], "ms", "under 500"),
        row("torchinfo on the real VGG-19 ÷ analyze", ratios(other, ours), "×", "at least 40"),
        row("building VGG-19 and torchinfo ÷ analyze", ratios(built, ours), "×", ""),
        row("VGG-16 at 8 ratios × 8 sizes", sweeps, "s", "under 3"),
    ]


MEMORY_NETWORKS = (  # ratio and size so that a step with 128 images takes seconds, not minutes
    "vgg11/4/96/1/10",
    "vgg11/1/64/1/10",
    "alexnet/4/96/1/10",
    "alexnet/1/96/1/10",
    "resnet18/4/64/3/10",
    "resnet18/1/64/3/10",
    "densenet/2/64/1/10",
    "densenet/1/64/1/10",
    "course-inception/1/28/1/10",
    "course-residual/1/28/1/10",
)


def memory() -> list[Row]:
    """The memory estimates against the allocator's peak in a real step, and in inference."""
    import torch

    from core.analysis import analyze
    from core.specs import ModelSpec
    from tools.peak_memory import inference_peak, training_peak

    rows = []
    for text in MEMORY_NETWORKS:
        spec = ModelSpec.from_text(text)
        counted = analyze(spec)
        for batch in (32, 128):
            measured = training_peak(spec, batch)
            estimated = counted.training_bytes(batch, threads=torch.get_num_threads())
            named = f"{text}, batch {batch}"
            rows.append(row(f"peak of a training step, {named}", measured / 2**20, "MiB", ""))
            rows.append(row(f"estimate ÷ peak, {named}", estimated / measured, "×", "0.9 to 1.1"))
        measured = inference_peak(spec, 128)
        ratio = counted.inference_bytes(128) / measured
        rows.append(row(f"inference: estimate ÷ peak, {text}, batch 128", ratio, "×", "0.9 to 1.1"))
    return rows
