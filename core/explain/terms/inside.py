"""Words for what goes on inside a trained network, and how it is made visible."""

from __future__ import annotations

from core.explain.terms.term import Term
from core.language import N_

_WHY, _ERRORS = "inside?in_view=Why", "inside?in_view=Errors"
_ADEBAYO, _LI = "https://arxiv.org/abs/1810.03292", "https://arxiv.org/abs/1712.09913"
_SUNDARARAJAN = "https://arxiv.org/abs/1703.01365"

TERMS = (
    Term(
        "attribution",
        N_(
            "Shares out a class's score among the pixels or places of an image: how much each one"
            " speaks for the class or against it."
        ),
        "Sundararajan et al. 2017, section 1",
        _SUNDARARAJAN,
        ("attributions", "saliency", "saliency map", "saliency maps"),
        ("Grad-CAM", "occlusion sensitivity", "integrated gradients", "sanity check"),
    ),
    Term(
        "Grad-CAM",
        N_(
            "Each channel of a layer's map, weighted by the mean gradient of the class's score with"
            " respect to it; added up, then ReLU."
        ),
        "Selvaraju et al. 2016, section 3",
        "https://arxiv.org/abs/1610.02391",
        (),
        ("attribution", "feature map", "sanity check"),
        (_WHY,),
    ),
    Term(
        "occlusion sensitivity",
        N_(
            "By how much the class's score falls where a plain cover lies over the image; each"
            " pixel gets the mean of all covers over it."
        ),
        "Zeiler & Fergus 2013, section 4.2",
        "https://arxiv.org/abs/1311.2901",
        ("occlusion",),
        ("attribution", "sanity check"),
        (_WHY,),
    ),
    Term(
        "integrated gradients",
        N_(
            "Gradients added up along the straight way from a plain image to this one, so that the"
            " pixels' parts add up to the change of the score."
        ),
        "Sundararajan et al. 2017, section 3",
        _SUNDARARAJAN,
        (),
        ("attribution", "gradient", "sanity check"),
        (_WHY,),
    ),
    Term(
        "sanity check",
        N_(
            "The same map of a network with random weights: where it looks alike, the map shows the"
            " image and nothing that was learned."
        ),
        "Adebayo et al. 2018, section 3",
        _ADEBAYO,
        ("sanity checks",),
        ("attribution", "initialization"),
        (_WHY,),
    ),
    Term(
        "CKA",
        N_(
            "How alike two layers treat the same images: 1 if their numbers differ by a rotation"
            " and a factor only, 0 if they have nothing in common."
        ),
        "Kornblith et al. 2019, section 3",
        "https://arxiv.org/abs/1905.00414",
        ("linear CKA", "centered kernel alignment"),
        ("feature map", "principal components"),
        ("inside?in_view=Two+networks&in_other=lab%2Fplain",),
    ),
    Term(
        "effective receptive field",
        N_(
            "The part of the receptive field that counts: its pixels send a unit clearly more"
            " gradient than the rest, most of them in the middle."
        ),
        "Luo et al. 2017, section 1",
        "https://arxiv.org/abs/1701.04128",
        ("effective receptive fields",),
        ("receptive field", "gradient"),
        ("inside?in_view=Window",),
    ),
    Term(
        "dead channel",
        N_(
            "A channel whose ReLU gives 0 for every image, so that no gradient reaches its weights"
            " and training cannot wake it up."
        ),
        "Lu et al. 2019, section 1",
        "https://arxiv.org/abs/1903.06733",
        ("dead channels", "dead ReLU", "dying ReLU"),
        ("channel", "ReLU"),
        ("inside?in_view=Dead+channels",),
    ),
    Term(
        "loss landscape",
        N_(
            "The loss over all parameters, of which a picture shows two directions: hills are"
            " parameters that fit badly."
        ),
        "Li et al. 2017, section 3",
        _LI,
        ("loss landscapes", "landscape", "landscapes"),
        ("filter normalization", "loss"),
        ("gradients",),
    ),
    Term(
        "filter normalization",
        N_(
            "Random directions are made as long as the network's own weights, filter by filter, so"
            " that landscapes of two networks can be compared."
        ),
        "Li et al. 2017, section 4",
        _LI,
        ("filter-normalized", "filter-wise normalization"),
        ("loss landscape",),
        ("gradients",),
    ),
    Term(
        "principal components",
        N_(
            "The directions along which points differ most, each at right angles to those before;"
            " the first two make the plane that keeps distances best."
        ),
        "Jolliffe & Cadima 2016, section 2",
        "https://doi.org/10.1098/rsta.2015.0202",
        ("principal component", "PCA"),
        ("t-SNE",),
        (_ERRORS,),
    ),
    Term(
        "t-SNE",
        N_(
            "Points in two dimensions that keep who is near whom: groups come out, and the"
            " distances between groups mean little."
        ),
        "van der Maaten & Hinton 2008, section 3",
        "https://jmlr.org/papers/v9/vandermaaten08a.html",
        (),
        ("principal components",),
        (_ERRORS,),
    ),
)
