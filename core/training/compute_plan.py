"""How a run is computed fastest here: threads, memory format and, where the recipe allows another,
number format, chosen by a timed trial.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from math import inf
from time import perf_counter

import torch
from torch import Tensor, nn

from core.analysis.cpu import threads
from core.specs import RunSpec
from core.training.devices import describe, find_device, synchronize
from core.training.estimate import WORKING_BYTES
from core.training.passes import can_be_divided, passes_of
from core.training.processor import processor
from core.training.records import DETERMINISTIC, ComputePlan
from core.training.step import losses_by
from core.zoo.building import build

TRIAL_SECONDS = 0.6  # for all candidates together, after each has warmed up
TRIAL_SECONDS_ON_DEVICE = 0.25  # where steps are short, and so are runs
TRIAL_STEPS = 200  # a run of fewer steps would not win back what the trial costs
_LONG_STEP_SECONDS = 0.25  # where a step takes longer, only another number format is tried
_IMAGES_OF_A_REPLICA = 8  # at least: parts of fewer are not tried
_GRADIENTS_OF_REPLICAS = WORKING_BYTES // 4  # at most: what is told before a run leaves that much
_CLEARLY_FASTER = 0.95  # of the time: what is faster by less may be noise, and the default stays


def default_compute_plan(network: nn.Module, threads: int, device: torch.device) -> ComputePlan:
    """What is right more often than not, where nothing is tried."""
    channels_last = memory_format(network) is torch.channels_last
    return ComputePlan(threads, channels_last, captured=device.type == "cuda")


def memory_format(network: nn.Module, channels_last: bool = True) -> torch.memory_format:
    """channels_last if wanted, except where PyTorch's CPU kernels then fail.

    In torch 2.15 the weight gradient of a 1×1 convolution with a stride and fewer than 8 input
    channels (thin ResNets) writes past its memory: wrong by half, and now and then a crash.
    """
    broken = any(
        isinstance(module, nn.Conv2d)
        and module.kernel_size == (1, 1)
        and module.stride != (1, 1)
        and module.in_channels < 8
        for module in network.modules()
    )
    return torch.channels_last if channels_last and not broken else torch.contiguous_format


def pool_before_relu(network: nn.Module) -> nn.Module:
    """Max pooling in front of the ReLU that it follows, where both stand in one sequence.

    max(relu(x)) is relu(max(x)), and so are their gradients, to the bit; but ReLU is left with a
    quarter of the values. Neither has parameters, so the names of all parameters stay.
    """
    for sequence in network.modules():
        if isinstance(sequence, nn.Sequential):
            for index, (first, second) in enumerate(pairwise(list(sequence))):
                if isinstance(first, nn.ReLU) and isinstance(second, nn.MaxPool2d):
                    sequence[index], sequence[index + 1] = second, first
    return network


def candidates(
    network: nn.Module, device: torch.device, bfloat16: bool = False, most_replicas: int = 1
) -> list[ComputePlan]:
    """The default first, then what may be faster; with `bfloat16` also where that is computed in.

    CPUs with AVX512_BF16 or AMX multiply twice as many of these numbers at a time; of others those
    that do it in float32 anyway lose the trial. `most_replicas`: in how many parts at once a batch
    may be computed, a core each.
    """
    default = default_compute_plan(network, threads(), device)
    counts = [default.threads]
    if device.type == "cpu":
        counts = sorted({default.threads, max(1, default.threads // 2), 1}, reverse=True)
    formats = [True, False] if default.channels_last else [False]
    plans = [
        replace(default, threads=count, channels_last=channels_last)
        for count in counts
        for channels_last in formats
    ]
    if device.type != "cpu":
        return plans
    divided = [
        replace(default, threads=count, replicas=count)
        for count in dict.fromkeys(min(count, most_replicas) for count in counts)
        if count > 1
    ]
    if not (bfloat16 and has_bfloat16(device)):
        return plans + divided
    in_bfloat16 = [replace(default, threads=count) for count in counts] + divided
    return plans + divided + [replace(plan, bfloat16=True) for plan in in_bfloat16]


def choose_compute_plan(spec: RunSpec, steps: int, bfloat16: bool | None = None) -> ComputePlan:
    """The fastest way to compute the `steps` steps of `spec` here, found in a second or two.

    Every candidate is timed in turns with the others, on random images; the default stays unless
    another is clearly faster. `bfloat16`: only those that compute in it, or only the others; None:
    all. Raises LabError for a network or a device that is not here.
    """
    device = find_device(spec.device)
    with torch.random.fork_rng(devices=[]), threads_restored():
        network = pool_before_relu(build(spec.model)).to(device).train()
        plans = _wanted(candidates(network, device, spec.recipe.bfloat16), bfloat16)
        if len(plans) == 1 or steps < TRIAL_STEPS:
            return plans[0]
        images, labels = _random_batch(spec, device)
        if trial_step(spec, network, plans[0], images, labels) > _LONG_STEP_SECONDS:
            plans = [plans[0], *(plan for plan in plans[1:] if plan.bfloat16)][:2]
        else:
            most = _most_replicas(network, images)
            plans = _wanted(candidates(network, device, spec.recipe.bfloat16, most), bfloat16)
        seconds = dict.fromkeys(plans, inf)
        on_cpu = device.type == "cpu"
        for plan in _in_turns(plans, TRIAL_SECONDS if on_cpu else TRIAL_SECONDS_ON_DEVICE):
            seconds[plan] = min(seconds[plan], trial_step(spec, network, plan, images, labels))
    fastest = min(plans, key=seconds.__getitem__)
    return fastest if seconds[fastest] < _CLEARLY_FASTER * seconds[plans[0]] else plans[0]


def _wanted(plans: list[ComputePlan], bfloat16: bool | None) -> list[ComputePlan]:
    """Those of the number format, if there are any."""
    return [plan for plan in plans if bfloat16 in (None, plan.bfloat16)] or plans


def _random_batch(spec: RunSpec, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images (B, C, S, S) and labels (B,) as a step of `spec` has them."""
    model, count = spec.model, spec.recipe.batch_size
    images = torch.rand((count, model.in_channels, *model.sides))
    return images.to(device), torch.zeros(count, dtype=torch.int64, device=device)


def _most_replicas(network: nn.Module, images: Tensor) -> int:
    """In how many parts at once the batch (B, C, S, S) may be computed here."""
    if images.device.type != "cpu" or threads() == 1:
        return 1
    gradients = sum(one.nbytes for one in network.parameters() if one.requires_grad)
    replicas = 1 + _GRADIENTS_OF_REPLICAS // max(1, gradients)
    most = min(len(images) // _IMAGES_OF_A_REPLICA, replicas)
    return most if most > 1 and can_be_divided(network) else 1


def _in_turns(plans: list[ComputePlan], seconds: float) -> Iterator[ComputePlan]:
    """Each candidate at least three times, until `seconds` are over; the first turn warms up."""
    began = perf_counter()
    yield from plans
    turns = 0
    while turns < 2 or perf_counter() - began < seconds:
        yield from plans
        turns += 1


def trial_step(
    spec: RunSpec, network: nn.Module, plan: ComputePlan, images: Tensor, labels: Tensor
) -> float:
    """Seconds of one forward and backward pass; changing the memory format is left out."""
    torch.set_num_threads(plan.threads_of_an_operation)
    network.to(memory_format=memory_format(network, plan.channels_last))
    network.zero_grad(set_to_none=True)
    device = images.device
    losses_of = losses_by(spec, uses_bfloat16(spec, device, plan))
    passes = passes_of(network, plan.replicas)
    if plan.replicas > 1:  # their threads begin, and touch memory for the first time
        passes.backward(losses_of, images, labels)
        network.zero_grad(set_to_none=True)
    synchronize(device)
    began = perf_counter()
    passes.backward(losses_of, images, labels)
    synchronize(device)
    return perf_counter() - began


def has_bfloat16(device: torch.device) -> bool:
    """Whether it computes in bfloat16 itself, however fast."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def uses_bfloat16(
    spec: RunSpec, device: torch.device, compute_plan: ComputePlan | None = None
) -> bool:
    """Where the recipe allows it and the device gains by it: on a CPU, where its plan says so."""
    if device.type == "cuda":
        return spec.recipe.bfloat16 and has_bfloat16(device)
    is_faster = compute_plan is not None and compute_plan.bfloat16
    return spec.recipe.bfloat16 and device.type == "cpu" and is_faster


def precision(spec: RunSpec, plan: ComputePlan) -> str:
    """In which number format the run's convolutions multiply: float32, TF32 or bfloat16.

    NVIDIA's cards since Ampere do so in TF32, with 10 of 23 bits, unless PyTorch is told not to.
    """
    device = find_device(spec.device)
    if uses_bfloat16(spec, device, plan):
        return "bfloat16"
    if device.type == "cuda" and torch.backends.cudnn.allow_tf32 and _has_tf32(device):
        return "TF32"
    return "float32"


def _has_tf32(device: torch.device) -> bool:
    major, _minor = torch.cuda.get_device_capability(device)
    return major >= 8  # Ampere


def in_words(spec: RunSpec, plan: ComputePlan) -> str:
    """What the run is computed on, and in which way where that is not plain float32."""
    numbers = precision(spec, plan)
    parts = [describe(spec.device), "" if numbers == "float32" else numbers]
    parts.append(DETERMINISTIC if spec.deterministic else "")
    return ", ".join(filter(None, parts))


@contextmanager
def threads_restored() -> Iterator[None]:
    """Afterwards as many threads as before."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def compute_plan_key(spec: RunSpec, bfloat16: bool | None = None) -> str:
    """The key under which the choice for this network, batch and device is kept.

    With `bfloat16` that among plans of one number format, as choose_compute_plan has it. Machines
    of one kind share a choice, whatever they are called.
    """
    where = f"{describe(spec.device)}/{spec.device}/{threads()}/{torch.__version__}"
    recipe = f"{spec.recipe.batch_size}/{spec.recipe.bfloat16}"
    if spec.is_on_cuda:
        where += "/captured"  # older labs had chosen without
    elif spec.recipe.bfloat16:
        where += "/bfloat16"  # and without this
    if spec.device == "cpu" and threads() > 1:
        where += "/parts"
    if bfloat16 is not None:
        where += f"/{bfloat16} wanted"
    text = f"{where} {recipe} {spec.model.to_json()}"
    return f"execution {sha256(text.encode()).hexdigest()}"  # the column is short


def fingerprint(device_name: str) -> str:
    """What the bits of a run depend on, besides its spec and its compute plan."""
    if device_name == "cpu":
        computer = f"{processor()} with {torch.backends.cpu.get_cpu_capability()}"
    else:
        computer = describe(device_name)
    return f"{computer}, torch {torch.__version__}"
