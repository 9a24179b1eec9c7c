"""Words for what a network costs: numbers, work, memory."""

from __future__ import annotations

from core.explain.terms.term import Term
from core.language import N_

_LAYERS, _MEMORY = "architecture", "architecture?net_view=Memory"
_COMPARED, _SCATTER = "compare", "compare?cmp_view=MACs+against+parameters"

TERMS = (
    Term(
        "parameter",
        N_("A number that training changes: the weights and biases of all layers."),
        "Dive into Deep Learning 6.2",
        "https://d2l.ai/chapter_builders-guide/parameters.html",
        ("parameters",),
        ("weight", "bias", "state dict"),
        (_LAYERS, _COMPARED),
    ),
    Term(
        "weight",
        N_(
            "A parameter that an input is multiplied with; a convolution uses the same ones at"
            " every position."
        ),
        "Dive into Deep Learning 7.1",
        "https://d2l.ai/chapter_convolutional-neural-networks/why-conv.html",
        ("weights",),
        ("bias", "parameter"),
        ("calculators",),
    ),
    Term(
        "bias",
        N_(
            "A parameter that is added to an output; a convolution has one for each output channel."
        ),
        N_("PyTorch documentation, Conv2d"),
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html",
        ("biases",),
        ("weight", "MACs"),
        ("architecture?net_view=Summary",),
    ),
    Term(
        "MACs",
        N_(
            "Multiply-adds of convolutions and matrix products, without bias, as in the papers; 1"
            " MAC = 2 FLOPs."
        ),
        "He et al. 2015, section 3.3",
        "https://arxiv.org/abs/1512.03385",
        ("MAC", "multiply-adds", "multiply-add"),
        ("FLOPs", "element-wise operation"),
        (_LAYERS, _COMPARED, _SCATTER, "calculators"),
    ),
    Term(
        "FLOPs",
        N_(
            "Floating-point operations: a multiplication and an addition are two, so 1 MAC = 2"
            " FLOPs; some papers say FLOPs and mean MACs."
        ),
        "Molchanov et al. 2016, appendix A.1",
        "https://arxiv.org/abs/1611.06440",
        ("FLOP",),
        ("MACs", "GFLOP/s"),
        (_LAYERS, "calculators"),
    ),
    Term(
        "element-wise operation",
        N_(
            "Work of ReLU, pooling, BatchNorm, addition and concatenation; it is counted beside the"
            " MACs and is not part of them."
        ),
        N_("this lab's rule: README, How things are counted"),
        "",
        ("element-wise operations", "element-wise"),
        ("MACs", "ReLU", "pooling"),
        (_LAYERS,),
    ),
    Term(
        "receptive field",
        N_("Pixels a side of the image that one unit of a feature map can see."),
        "Araujo et al. 2019",
        "https://distill.pub/2019/computing-receptive-fields/",
        ("receptive fields",),
        ("effective receptive field", "feature map", "kernel", "stride"),
        (_LAYERS, _COMPARED),
    ),
    Term(
        "saved activations",
        N_(
            "What autograd keeps of a forward pass for the backward pass; each tensor is counted"
            " once."
        ),
        N_("PyTorch notes, Autograd mechanics, Saved tensors"),
        "https://docs.pytorch.org/docs/stable/notes/autograd.html",
        ("saved activation", "kept for the backward pass", "saved for the backward pass"),
        ("autograd", "training memory", "checkpointing"),
        (_LAYERS, _COMPARED),
    ),
    Term(
        "training memory",
        N_(
            "What a training step holds: weights, gradients, momentum and saved activations, as"
            " float32."
        ),
        N_("this lab's rule, held against real steps: README, How things are counted"),
        "",
        (),
        ("saved activations", "work space", "momentum"),
        (_LAYERS, _COMPARED, _SCATTER),
    ),
    Term(
        "work space",
        N_("Memory that an operation takes while it runs and gives back at its end."),
        N_("NVIDIA cuDNN documentation, backend API, cudnnGetConvolutionForwardWorkspaceSize"),
        "https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-cnn-library.html",
        ("workspace",),
        ("training memory",),
        (_MEMORY,),
    ),
    Term(
        "checkpointing",
        N_(
            "Some activations are not saved but computed again in the backward pass: less memory,"
            " more work."
        ),
        "Chen et al. 2016, section 4",
        "https://arxiv.org/abs/1604.06174",
        ("checkpointed",),
        ("saved activations",),
    ),
    Term(
        "depth",
        N_("Layers with weights on the longest path from the image to the classes."),
        "Simonyan & Zisserman 2015, table 1",
        "https://arxiv.org/abs/1409.1556",
        (),
        ("weight layer",),
        (_LAYERS, _COMPARED),
    ),
    Term(
        "weight layer",
        N_("A convolution or linear layer; VGG-11 has 11 of them."),
        "Simonyan & Zisserman 2015, table 1",
        "https://arxiv.org/abs/1409.1556",
        ("weight layers",),
        ("depth", "convolution", "linear layer"),
        ("gradients",),
    ),
    Term(
        "ratio",
        N_("Divides the channels of every convolution; linear layers keep their width."),
        N_("this lab's rule: docs/architecture.md, The words"),
        "",
        ("ratios",),
        ("channel", "resize"),
        (_LAYERS,),
    ),
    Term(
        "resize",
        N_("Every image is resized to this many pixels a side before the first layer."),
        N_("torchvision documentation, Resize"),
        "https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Resize.html",
        (),
        ("ratio", "feature map"),
        (_LAYERS,),
    ),
    Term(
        "Pareto front",
        N_(
            "The networks that no other network beats in one of two quantities without being worse"
            " in the other."
        ),
        "Boyd & Vandenberghe 2004, section 4.7.3",
        "https://web.stanford.edu/~boyd/cvxbook/",
        ("Pareto optimal",),
        ("MACs", "accuracy"),
        (_SCATTER,),
    ),
)
