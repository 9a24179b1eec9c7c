"""Words for devices, speed and files."""

from __future__ import annotations

from core.explain.terms.term import Term
from core.language import N_

_FORMAT = "https://docs.pytorch.org/tutorials/intermediate/memory_format_tutorial.html"
_DTYPES = "https://docs.pytorch.org/docs/stable/tensor_attributes.html"
_TAKE_ALONG = "inside?in_view=Take+along"

TERMS = (
    Term(
        "throughput",
        N_("Training images each second by the clock, evaluation excluded."),
        N_("this lab's rule: README, How things are counted"),
        "",
        ("images/s",),
        ("data-bound", "GFLOP/s"),
        ("train?train_view=Throughput",),
    ),
    Term(
        "GFLOP/s",
        N_("Billions of floating-point operations each second: 2 × MACs ÷ time."),
        "Williams et al. 2009, Roofline",
        "https://doi.org/10.1145/1498765.1498785",
        (),
        ("FLOPs", "throughput", "roofline"),
    ),
    Term(
        "roofline",
        N_(
            "The most operations a second that a device allows a layer: as many as memory brings"
            " numbers for, and no more than its arithmetic does."
        ),
        "Williams et al. 2009, Roofline",
        "https://doi.org/10.1145/1498765.1498785",
        ("attainable",),
        ("GFLOP/s", "throughput"),
        ("architecture?net_view=Time",),
    ),
    Term(
        "data-bound",
        N_(
            "A large share of the training time goes into preparing and moving batches, so a faster"
            " device would help little."
        ),
        N_("this lab's rule: core/report/sentences/speed.py"),
        "",
        (),
        ("throughput",),
    ),
    Term(
        "launch-bound",
        N_(
            "The device computes for a small part of a step and waits for the rest until the host"
            " launches its next operation, so a faster device would wait more."
        ),
        N_("this lab's rule: core/report/sentences/speed.py"),
        "",
        (),
        ("throughput", "data-bound"),
    ),
    Term(
        "conventional loop",
        N_("Training as most tutorials write it: a DataLoader over PIL images."),
        N_("PyTorch tutorial, Training a classifier"),
        "https://docs.pytorch.org/tutorials/beginner/blitz/cifar10_tutorial.html",
        (),
        ("throughput", "data-bound"),
    ),
    Term(
        "CUDA graph",
        N_(
            "A training step that is recorded once and then replayed: one launch instead of"
            " hundreds, which helps small networks."
        ),
        N_("PyTorch notes, CUDA semantics, CUDA graphs"),
        "https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs",
        ("CUDA graphs", "captured step", "captured steps", "steps captured"),
        ("throughput",),
    ),
    Term(
        "channels-last",
        N_(
            "The channels of a pixel lie beside each other in memory, which makes convolutions"
            " faster on many devices; shapes stay NCHW."
        ),
        N_("PyTorch tutorial, Channels last memory format"),
        _FORMAT,
        ("channels last", "channels_last"),
        ("NHWC", "NCHW"),
    ),
    Term(
        "float32",
        N_("A number of 4 bytes with about 7 decimal digits."),
        N_("PyTorch documentation, torch.dtype"),
        _DTYPES,
        (),
        ("bfloat16",),
        ("calculators?calc_tool=Stacked+3×3", "residual"),
    ),
    Term(
        "bfloat16",
        N_("A number of 2 bytes with the range of float32 and 2 to 3 decimal digits."),
        "Kalamkar et al. 2019, section 3",
        "https://arxiv.org/abs/1905.12322",
        (),
        ("float32",),
        ("residual",),
    ),
    Term(
        "TF32",
        N_(
            "How NVIDIA's cards since Ampere multiply float32 numbers faster: with 10 of their 23"
            " bits after the point, added up in float32."
        ),
        N_("PyTorch documentation, CUDA semantics"),
        "https://docs.pytorch.org/docs/stable/notes/cuda.html",
        (),
        ("float32", "bfloat16"),
        ("train?train_recipe=published-course",),
    ),
    Term(
        "meta device",
        N_(
            "A device of PyTorch whose tensors have a shape and no numbers, so that a network is"
            " taken apart without memory."
        ),
        N_("PyTorch documentation, Meta device"),
        "https://docs.pytorch.org/docs/stable/meta.html",
        (),
        ("feature map",),
    ),
    Term(
        "state dict",
        N_("All parameters of a network by name, with the running means of BatchNorm."),
        N_("PyTorch documentation, Module.state_dict"),
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html",
        ("state_dict",),
        ("parameter", "safetensors"),
    ),
    Term(
        "safetensors",
        N_("A file of named tensors that holds no code, so that reading it is safe."),
        N_("Hugging Face documentation, safetensors"),
        "https://huggingface.co/docs/safetensors/index",
        (),
        ("state dict", "ONNX"),
        (_TAKE_ALONG,),
    ),
    Term(
        "ONNX",
        N_(
            "A file of a network as a graph of standard operations with their weights, which"
            " programs other than PyTorch run too."
        ),
        N_("ONNX documentation, ONNX Concepts"),
        "https://onnx.ai/onnx/intro/concepts.html",
        (),
        ("safetensors",),
        (_TAKE_ALONG,),
    ),
    Term(
        "SHA-256",
        N_(
            "A number of 256 bits computed from a file: a run names the source of its network by"
            " it, and any change gives another one."
        ),
        "NIST, FIPS 180-4",
        "https://doi.org/10.6028/NIST.FIPS.180-4",
        (),
        ("state dict",),
    ),
    Term(
        "checkpoint",
        N_(
            "What a run writes to disk so that it can go on after a stop, to the same bits; on a"
            " CUDA device equal within rounding, unless deterministic kernels were asked for."
        ),
        N_("PyTorch tutorial, Saving and loading models"),
        "https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html",
        ("checkpoints",),
        ("state dict", "seed"),
    ),
)
