"""Words for layers and the shapes of what goes through them."""

from __future__ import annotations

from core.explain.terms.term import Term
from core.language import N_

_WINDOW = "calculators?calc_tool=Output+size"
_ARITHMETIC = "https://arxiv.org/abs/1603.07285"
_CONV2D = "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html"
_D2L = "https://d2l.ai/chapter_convolutional-neural-networks/"
_MLP = "https://d2l.ai/chapter_multilayer-perceptrons/mlp.html"
_SOFTMAX = "https://d2l.ai/chapter_linear-classification/softmax-regression.html"

TERMS = (
    Term(
        "convolution",
        N_(
            "A small window of weights slides over a map; at each position it multiplies what it"
            " covers and adds up."
        ),
        "Dive into Deep Learning 7.2",
        f"{_D2L}conv-layer.html",
        ("convolutions", "convolutional"),
        ("kernel", "stride", "padding"),
        ("calculators", ""),
    ),
    Term(
        "kernel",
        N_(
            "The window of a convolution or pooling: the pixels a side that it reads at one"
            " position."
        ),
        "Dumoulin & Visin 2016, section 1.1",
        _ARITHMETIC,
        ("kernels",),
        ("stride", "padding", "receptive field"),
        (_WINDOW,),
    ),
    Term(
        "stride",
        N_("The pixels that the window moves from one position to the next."),
        "Dumoulin & Visin 2016, section 1.1",
        _ARITHMETIC,
        ("strides",),
        ("kernel", "padding"),
        (_WINDOW, "calculators"),
    ),
    Term(
        "padding",
        N_("Pixels, usually zeros, that are added around a map before the window slides over it."),
        "Dumoulin & Visin 2016, section 1.1",
        _ARITHMETIC,
        (),
        ("kernel", "stride"),
        (_WINDOW, "calculators"),
    ),
    Term(
        "dilation",
        N_("Pixels from one cell that the window reads to the next; 1 reads neighbors."),
        "Dumoulin & Visin 2016, section 5.1",
        _ARITHMETIC,
        (),
        ("kernel", "receptive field"),
        (_WINDOW,),
    ),
    Term(
        "channel",
        N_(
            "One of the maps that lie on top of each other: an image has 1 or 3, a layer gives one"
            " for each of its kernels."
        ),
        "Dive into Deep Learning 7.4",
        f"{_D2L}channels.html",
        ("channels",),
        ("feature map", "ratio"),
        ("calculators",),
    ),
    Term(
        "feature map",
        N_("What a layer gives out for an image: one number for each channel and position."),
        "Dive into Deep Learning 7.2.6",
        f"{_D2L}conv-layer.html",
        ("feature maps",),
        ("channel", "receptive field"),
        ("inside",),
    ),
    Term(
        "pooling",
        N_(
            "A window slides over each channel and keeps the largest value or the mean; it has no"
            " weights."
        ),
        "Dive into Deep Learning 7.5",
        f"{_D2L}pooling.html",
        ("max-pool", "max-pooling", "average pooling"),
        ("kernel", "stride"),
        ("architecture?net_view=Memory", _WINDOW),
    ),
    Term(
        "linear layer",
        N_(
            "Every output is a weighted sum of all inputs, plus a bias; also called fully connected"
            " or dense."
        ),
        N_("PyTorch documentation, Linear"),
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html",
        ("linear layers", "fully connected"),
        ("weight", "logits"),
        ("compare?cmp_view=Sweep",),
    ),
    Term(
        "ReLU",
        N_("Replaces what is below 0 by 0 and leaves the rest as it is."),
        "Dive into Deep Learning 5.1.2",
        _MLP,
        (),
        ("sigmoid", "element-wise operation"),
        ("architecture?net_view=Memory",),
    ),
    Term(
        "sigmoid",
        N_("Squeezes each number by itself into the range from 0 to 1."),
        "Dive into Deep Learning 5.1.2",
        _MLP,
        ("sigmoids",),
        ("softmax", "ReLU"),
    ),
    Term(
        "softmax",
        N_("Turns the logits of an image into shares that are positive and add up to 1."),
        "Dive into Deep Learning 4.1.1",
        _SOFTMAX,
        (),
        ("logits", "cross-entropy", "sigmoid"),
    ),
    Term(
        "logits",
        N_("The numbers that the last layer gives for the classes, before softmax."),
        "Dive into Deep Learning 4.5.2",
        "https://d2l.ai/chapter_linear-classification/softmax-regression-concise.html",
        ("logit",),
        ("softmax", "cross-entropy"),
    ),
    Term(
        "dropout",
        N_(
            "Sets a random share of the values to 0 in each training step and scales up the others;"
            " it does nothing afterwards."
        ),
        "Srivastava et al. 2014, section 4",
        "https://jmlr.org/papers/v15/srivastava14a.html",
        (),
        ("seed",),
        ("architecture?net_view=Memory",),
    ),
    Term(
        "grouped convolution",
        N_(
            "Channels are split into groups, and each output channel reads only its own group's"
            " inputs."
        ),
        N_("PyTorch documentation, Conv2d, groups"),
        _CONV2D,
        ("grouped convolutions",),
        ("depthwise convolution", "convolution"),
    ),
    Term(
        "depthwise convolution",
        N_(
            "A grouped convolution with as many groups as channels: each channel has a kernel of"
            " its own."
        ),
        "Howard et al. 2017, section 3.1",
        "https://arxiv.org/abs/1704.04861",
        ("depthwise convolutions", "depthwise"),
        ("grouped convolution",),
    ),
    Term(
        "transposed convolution",
        N_(
            "Spreads each input pixel over a window of the output, so that a map grows; shapes go"
            " the other way round."
        ),
        "Dumoulin & Visin 2016, chapter 4",
        _ARITHMETIC,
        ("transposed convolutions",),
        ("convolution", "stride"),
    ),
    Term(
        "attention",
        N_(
            "Each position takes a weighted mean of all positions, with weights computed from the"
            " data themselves."
        ),
        "Vaswani et al. 2017, section 3.2",
        "https://arxiv.org/abs/1706.03762",
        (),
        ("receptive field",),
    ),
    Term(
        "NCHW",
        N_("The order of a tensor's sides in PyTorch: images, channels, height, width."),
        N_("PyTorch tutorial, Channels last memory format"),
        "https://docs.pytorch.org/tutorials/intermediate/memory_format_tutorial.html",
        (),
        ("NHWC", "channels-last"),
        ("architecture",),
    ),
    Term(
        "NHWC",
        N_("The order of a tensor's sides in Keras: images, height, width, channels."),
        N_("Keras documentation, Conv2D, data_format"),
        "https://keras.io/api/layers/convolution_layers/convolution2d/",
        (),
        ("NCHW", "channels-last"),
        ("architecture",),
    ),
)
