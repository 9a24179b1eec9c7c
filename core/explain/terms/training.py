"""Words for how a network is trained."""

from __future__ import annotations

from core.explain.terms.term import Term
from core.language import N_

_FORM, _STACKED = "train", "calculators?calc_tool=Stacked+3×3"
_MINIBATCH = "https://d2l.ai/chapter_optimization/minibatch-sgd.html"
_STABILITY = "https://d2l.ai/chapter_multilayer-perceptrons/numerical-stability-and-init.html"
_SOFTMAX = "https://d2l.ai/chapter_linear-classification/softmax-regression.html"

TERMS = (
    Term(
        "recipe",
        N_(
            "How a network is trained: optimizer, learning rate and schedule, batch size, epochs,"
            " initialization."
        ),
        N_("this lab's rule: docs/architecture.md, The words"),
        "",
        ("recipes",),
        ("one-cycle", "learning rate", "batch", "epoch"),
        (_FORM, "residual"),
    ),
    Term(
        "epoch",
        N_("One pass over all training images."),
        "Dive into Deep Learning 12.5",
        _MINIBATCH,
        ("epochs",),
        ("batch",),
        (_FORM, "residual"),
    ),
    Term(
        "batch",
        N_(
            "The images that go through the network together in one step; memory grows with their"
            " number."
        ),
        "Dive into Deep Learning 12.5",
        _MINIBATCH,
        ("batches", "batch size", "minibatch"),
        ("epoch", "training memory"),
        (_FORM, "compare"),
    ),
    Term(
        "loss",
        N_(
            "The number that training makes smaller: how far the network's answers are from the"
            " right ones."
        ),
        "Dive into Deep Learning 4.1.2",
        _SOFTMAX,
        ("losses",),
        ("cross-entropy",),
    ),
    Term(
        "cross-entropy",
        N_(
            "The loss of a classifier: minus the logarithm of the share that softmax gives to the"
            " right class."
        ),
        "Dive into Deep Learning 4.1.2",
        _SOFTMAX,
        (),
        ("loss", "softmax", "logits"),
    ),
    Term(
        "label smoothing",
        N_(
            "A small share of each target goes to all classes alike, so that the network is not"
            " driven to be ever surer."
        ),
        "Szegedy et al. 2016, section 7",
        "https://arxiv.org/abs/1512.00567",
        ("smoothed labels", "labels smoothed"),
        ("cross-entropy", "overfitting"),
        (_FORM,),
    ),
    Term(
        "gradient",
        N_(
            "How much the loss changes with each parameter; a step moves the parameters against it."
        ),
        "Dive into Deep Learning 2.4",
        "https://d2l.ai/chapter_preliminaries/calculus.html",
        ("gradients",),
        ("backward pass", "vanishing gradient"),
        ("gradients",),
    ),
    Term(
        "forward pass",
        N_("From the image through all layers to the classes."),
        "Dive into Deep Learning 5.3",
        "https://d2l.ai/chapter_multilayer-perceptrons/backprop.html",
        ("forward passes",),
        ("backward pass", "MACs"),
        (_STACKED,),
    ),
    Term(
        "backward pass",
        N_(
            "From the loss back through all layers: the gradients of the weights, and of each"
            " layer's input."
        ),
        "Dive into Deep Learning 5.3",
        "https://d2l.ai/chapter_multilayer-perceptrons/backprop.html",
        ("backward passes",),
        ("gradient", "saved activations"),
        (_STACKED,),
    ),
    Term(
        "autograd",
        N_("The part of PyTorch that notes what was computed and works out the gradients from it."),
        N_("PyTorch notes, Autograd mechanics"),
        "https://docs.pytorch.org/docs/stable/notes/autograd.html",
        (),
        ("backward pass", "saved activations"),
        ("architecture?net_view=Memory",),
    ),
    Term(
        "optimizer",
        N_("The rule by which a step changes the parameters, such as SGD with momentum."),
        N_("PyTorch documentation, torch.optim"),
        "https://docs.pytorch.org/docs/stable/optim.html",
        (),
        ("SGD", "Muon", "learning rate"),
    ),
    Term(
        "Muon",
        N_(
            "An optimizer for matrices, here for the filters of convolutions: momentum whose step"
            " is made equally long in all directions, so that rare ones are learned as fast."
        ),
        "Jordan et al. 2024",
        "https://kellerjordan.github.io/posts/muon/",
        (),
        ("optimizer", "momentum", "SGD"),
        (_FORM,),
    ),
    Term(
        "SGD",
        N_(
            "Stochastic gradient descent: each step follows the gradient of one batch, times the"
            " learning rate."
        ),
        "Dive into Deep Learning 12.5",
        _MINIBATCH,
        (),
        ("momentum", "learning rate", "batch"),
    ),
    Term(
        "learning rate",
        N_(
            "How far a step goes along the gradient; constant, or the peak where the recipe is"
            " one-cycle."
        ),
        "Dive into Deep Learning 12.11",
        "https://d2l.ai/chapter_optimization/lr-scheduler.html",
        ("learning rates",),
        ("one-cycle", "SGD", "learning-rate range test"),
        (_FORM,),
    ),
    Term(
        "learning-rate range test",
        N_(
            "A short training in which the learning rate grows from step to step; where its loss"
            " begins to rise, the rate is too large."
        ),
        "Smith 2015, 3.3",
        "https://arxiv.org/abs/1506.01186",
        ("learning rate range test", "LR range test", "LR finder"),
        ("learning rate", "one-cycle"),
        ("train?train_view=Find+a+rate",),
    ),
    Term(
        "one-cycle",
        N_(
            "The learning rate rises to its peak over the first quarter of the run and falls to 0"
            " over the rest."
        ),
        "Smith & Topin 2017",
        "https://arxiv.org/abs/1708.07120",
        ("1cycle",),
        ("learning rate", "recipe"),
        (_FORM,),
    ),
    Term(
        "momentum",
        N_(
            "Each step also follows the earlier ones, which fade; it keeps one more number for each"
            " parameter."
        ),
        "Dive into Deep Learning 12.6",
        "https://d2l.ai/chapter_optimization/momentum.html",
        (),
        ("Nesterov momentum", "SGD", "training memory"),
        ("architecture?net_view=Memory",),
    ),
    Term(
        "Nesterov momentum",
        N_("Momentum that takes the gradient a little ahead, where the earlier steps are leading."),
        "Sutskever et al. 2013, section 2",
        "https://proceedings.mlr.press/v28/sutskever13.html",
        ("Nesterov",),
        ("momentum",),
    ),
    Term(
        "weight decay",
        N_("Each step also makes every weight a little smaller, which works against overfitting."),
        "Dive into Deep Learning 3.7",
        "https://d2l.ai/chapter_linear-regression/weight-decay.html",
        (),
        ("SGD", "overfitting"),
    ),
    Term(
        "initialization",
        N_(
            "How the weights are drawn before training; it decides whether a plain net's gradient"
            " vanishes."
        ),
        "Dive into Deep Learning 5.4",
        _STABILITY,
        ("initialized",),
        ("Xavier initialization", "He initialization", "seed"),
        ("gradients",),
    ),
    Term(
        "Xavier initialization",
        N_(
            "Weights are drawn so that the variance stays about the same from layer to layer,"
            " forward and backward."
        ),
        "Glorot & Bengio 2010, equation 16",
        "https://proceedings.mlr.press/v9/glorot10a.html",
        ("Xavier",),
        ("He initialization", "vanishing gradient"),
    ),
    Term(
        "He initialization",
        N_(
            "Weights are drawn with twice the variance, because ReLU sets about half of the values"
            " to 0."
        ),
        "He et al. 2015, Delving Deep into Rectifiers, equation 10",
        "https://arxiv.org/abs/1502.01852",
        (),
        ("Xavier initialization", "ReLU"),
    ),
    Term(
        "seed",
        N_(
            "Decides initial weights, batch order and dropout: the same seed on the same machine"
            " gives the same curve."
        ),
        N_("PyTorch notes, Reproducibility"),
        "https://docs.pytorch.org/docs/stable/notes/randomness.html",
        ("seeds",),
        ("initialization", "dropout"),
        (_FORM, "residual"),
    ),
    Term(
        "accuracy",
        N_("Share of the test images that the network gets right."),
        "Dive into Deep Learning 4.3",
        "https://d2l.ai/chapter_linear-classification/classification.html",
        ("accuracies",),
        ("best epoch", "confusion matrix"),
        ("residual",),
    ),
    Term(
        "best epoch",
        N_(
            "The epoch with the highest test accuracy; it is chosen on the test images themselves,"
            " so its accuracy is an optimistic figure."
        ),
        "Dive into Deep Learning 4.6",
        "https://d2l.ai/chapter_linear-classification/generalization-classification.html",
        (),
        ("accuracy", "epoch"),
    ),
    Term(
        "confusion matrix",
        N_(
            "A row for each true class and a column for each answer: which classes are taken for"
            " which."
        ),
        "Dive into Deep Learning 4.7",
        "https://d2l.ai/chapter_linear-classification/environment-and-distribution-shift.html",
        (),
        ("accuracy",),
    ),
    Term(
        "overfitting",
        N_(
            "The network gets better on its training images, and not on images that it has not"
            " seen."
        ),
        "Dive into Deep Learning 3.6",
        "https://d2l.ai/chapter_linear-regression/generalization.html",
        (),
        ("weight decay", "dropout"),
    ),
)
