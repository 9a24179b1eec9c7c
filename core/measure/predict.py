"""What a run's best parameters say to each test image, computed as the run itself was evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.load import Dataset, load
from core.specs import LabError, RunSpec
from core.training.compute_plan import memory_format, threads_restored, uses_bfloat16
from core.training.devices import available_devices, find_device
from core.training.fit import evaluation_batch_size, image_sets
from core.training.parameters import load_parameters
from core.training.passes import passes_of
from core.training.records import ComputePlan
from core.training.step import logits_by
from core.zoo.building import build


def predict(
    spec: RunSpec, parameters: Path, compute_plan: ComputePlan | None, data: Dataset | None = None
) -> NDArray[np.float32]:
    """Probabilities (test images, classes) by the parameters in a safetensors file.

    Batches, threads and memory format are those of the run's own evaluation, so that its accuracy
    comes out again; on the CPU where the run's device is not here. Raises LabError when the data
    set or the parameters are not.
    """
    data = data or load(spec.dataset)
    device = find_device(spec.device if spec.device in available_devices() else "cpu")
    network = build(spec.model)
    load_parameters(network, parameters)
    channels_last = compute_plan.channels_last if compute_plan else True
    layout = memory_format(network, channels_last)
    network = network.to(device, memory_format=layout).eval()  # type: ignore[call-overload]
    _, test = image_sets(spec, data, device)
    size = evaluation_batch_size(spec)
    logits_of = logits_by(uses_bfloat16(spec, device, compute_plan))
    passes = passes_of(network, compute_plan.replicas if compute_plan else 1)
    parts = []
    with threads_restored():
        if compute_plan is not None:
            torch.set_num_threads(compute_plan.threads_of_an_operation)
        for start in range(0, len(test.labels), size):
            images, _ = test.batch(slice(start, start + size))
            logits = passes.logits(logits_of, images)
            parts.append(logits.float().softmax(1).cpu())
    probabilities: NDArray[np.float32] = torch.cat(parts).numpy()
    if not np.isfinite(probabilities).all():
        raise LabError("The run's parameters give no numbers; train it again with a smaller rate.")
    return probabilities
