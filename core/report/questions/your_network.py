"""Questions about networks that are not of the catalogue. Imports no torch."""

from __future__ import annotations

from core.language import N_, _, comma, ngettext
from core.report.questions.question import Evidence, Question
from core.zoo.libraries import LIBRARIES
from core.zoo.own import own_files, own_networks

_TIMM, _TORCHVISION = LIBRARIES["timm"], LIBRARIES["torchvision"]
_LIBRARY = _TIMM if _TIMM.version else _TORCHVISION  # whose models can be opened here


def _own_network(evidence: Evidence) -> str:
    if files := own_files():
        return ngettext(
            "{files}: {number:,} network under “Yours” in every picker. Each follows the file as"
            " you save it, and is compared, trained and exported like the lab's own.",
            "{files}: {number:,} networks under “Yours” in every picker. Each follows the file as"
            " you save it, and is compared, trained and exported like the lab's own.",
            len(own_networks()),
            files=comma().join(files),
        )
    return _(
        "Yes: start the lab with streamlit run dashboard.py -- my_nets.py; every nn.Module class"
        " of the file, and every function that is marked to give one, stands under “Yours” in the"
        " picker, and the page follows the file as you save it. In Python, analyze_module(net,"
        " (3, 224, 224)) counts it."
    )


def _timm(evidence: Evidence) -> str:
    if _TIMM.version is None:
        return _("On Architecture, as timm/NAME, once it is there: {how}", how=_TIMM.how_to_install)
    return _(
        "On Architecture: type timm/ and a name. {models:,} models of timm can be taken apart,"
        " with parameters, multiply-adds and memory of every layer, and compared with any other"
        " network.",
        models=len(_TIMM.models),
    )


QUESTIONS = (
    Question(
        "own-network",
        N_("Can I see my own network?"),
        _own_network,
        "architecture",
        {"net_network": "custom-vgg"},
        is_of_this_machine=True,
        words=N_("yours file my_nets.py notebook analyze_module"),
    ),
    Question(
        "timm",
        N_("Where do I read what a network of timm costs?"),
        _timm,
        "architecture",
        {"net_network": _LIBRARY.name},
        words=N_("library torchvision"),
    ),
)
