"""Words for residual nets, DenseNets and Inception."""

from __future__ import annotations

from core.explain.terms.term import Term
from core.language import N_

_HE_2015, _HE_2016 = "https://arxiv.org/abs/1512.03385", "https://arxiv.org/abs/1603.05027"
_SZEGEDY, _HUANG = "https://arxiv.org/abs/1409.4842", "https://arxiv.org/abs/1608.06993"

TERMS = (
    Term(
        "residual unit",
        N_(
            "Layers whose output is added to their own input, so that they learn only the"
            " difference."
        ),
        "He et al. 2015, section 3.2",
        _HE_2015,
        ("residual units", "residual block", "residual blocks"),
        ("shortcut", "pre-activation", "plain net"),
        ("gradients",),
    ),
    Term(
        "shortcut",
        N_(
            "What carries a block's input past its convolutions: the input itself, scaled, gated or"
            " through a 1×1 convolution."
        ),
        "He et al. 2016, section 3",
        _HE_2016,
        ("shortcuts", "skip connection"),
        ("residual unit", "variant"),
        ("residual", "gradients"),
    ),
    Term(
        "plain net",
        N_("The same layers as a residual net, without its shortcuts."),
        "He et al. 2015, section 3.3",
        _HE_2015,
        ("plain nets",),
        ("residual unit", "vanishing gradient"),
        ("gradients",),
    ),
    Term(
        "pre-activation",
        N_(
            "A residual unit with BatchNorm and ReLU before its convolutions, so that nothing"
            " follows the addition."
        ),
        "He et al. 2016, section 4",
        _HE_2016,
        (),
        ("residual unit", "BatchNorm"),
    ),
    Term(
        "BatchNorm",
        N_(
            "Brings each channel of a batch to mean 0 and variance 1, then scales and shifts it by"
            " two learned numbers."
        ),
        "Ioffe & Szegedy 2015, section 3",
        "https://arxiv.org/abs/1502.03167",
        ("batch normalization",),
        ("batch", "element-wise operation"),
        ("gradients",),
    ),
    Term(
        "bottleneck",
        N_("A 1×1 convolution to fewer channels before a large one, which makes that one cheaper."),
        "Szegedy et al. 2014, section 4",
        _SZEGEDY,
        ("bottlenecks",),
        ("Inception block", "MACs"),
        ("calculators",),
    ),
    Term(
        "Inception block",
        N_(
            "Branches with different kernels read the same input; their outputs are concatenated"
            " along the channels."
        ),
        "Szegedy et al. 2014, section 4",
        _SZEGEDY,
        ("Inception blocks", "Inception module"),
        ("bottleneck",),
    ),
    Term(
        "dense block",
        N_("Each layer reads the outputs of all layers before it, concatenated."),
        "Huang et al. 2016, section 3",
        _HUANG,
        ("dense blocks",),
        ("growth rate",),
        ("architecture?net_network=densenet121&net_view=Growth",),
    ),
    Term(
        "growth rate",
        N_("Channels that each layer of a dense block adds to the concatenation."),
        "Huang et al. 2016, section 3",
        _HUANG,
        (),
        ("dense block", "channel"),
        ("architecture?net_network=densenet121&net_view=Growth",),
    ),
    Term(
        "transition",
        N_(
            "Between two dense blocks: a 1×1 convolution keeps a share of the channels, an average"
            " pool halves the sides."
        ),
        "Huang et al. 2016, section 3",
        _HUANG,
        ("transitions",),
        ("dense block", "pooling"),
        ("architecture?net_network=densenet121&net_view=Growth",),
    ),
    Term(
        "vanishing gradient",
        N_(
            "The gradient shrinks from layer to layer on its way back, so that the first layers"
            " hardly learn."
        ),
        "Glorot & Bengio 2010, section 4.2",
        "https://proceedings.mlr.press/v9/glorot10a.html",
        ("vanishing gradients", "vanishes", "vanishing", "vanish"),
        ("gradient", "shortcut", "Xavier initialization"),
        ("gradients",),
    ),
    Term(
        "variant",
        N_("A network of a study that differs from the others in its options only."),
        N_("this lab's rule: docs/architecture.md, The words"),
        "",
        ("variants",),
        ("shortcut", "study"),
        ("residual",),
    ),
)
