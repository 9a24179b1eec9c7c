"""Our counts against timm's own table of parameters and multiply-adds.

`python -m tools.bench.timm_table` compares all 1,627 rows of it (a model at an image size), which
takes a core twelve minutes and goes on where it was interrupted; `python -m tools.bench.timm_table
100` draws so many. `make bench` draws 260, always the same.
"""

from __future__ import annotations

import csv
import json
import math
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.bench.figures import Row, row
from tools.bench.kept import keep, results_folder

if TYPE_CHECKING:
    from torch import nn

    from core.analysis import Analysis

TABLE = Path(__file__).parents[2] / "tests/core/zoo/timm_published.csv"
SAMPLE, SEED = 260, 0
_NEAR = 0.02  # of the published multiply-adds: what counts as the same
_DECIMALS = 2  # of a million parameters, and of a thousand million multiply-adds
_SHOWN = 160  # characters of the sentence that says why a model is not taken apart
_STANDARDIZED = "they count the standardizing of the weights"
_ONCE = "they count the position bias, which is computed once, not for each image"
_REASONS = {  # names of models → why their multiply-adds differ, besides normalization
    "sequencer2d_*": "they leave recurrent layers out",
    "convmixer_*": 'they leave convolutions with padding="same" out',
    "csatv2*": "it attends to the other images of a batch: its work an image grows with the batch",
    "ghostnetv3_*": "they count interpolation",
    "ecaresnext50t_32x4d": "theirs was a network of 26 layers then",
    "vit_d*wee_*": "they subtract the two attentions before the one product with the values",
    "vit_dlittle_*": "they subtract the two attentions before the one product with the values",
    "swinv2_cr_*": _ONCE,
    "max*_rmlp_*": _ONCE,
    "nf_*": _STANDARDIZED,
    "*nfnet_*": _STANDARDIZED,
    "resnetv2_*_bit": _STANDARDIZED,
    "vit_*_r26_*": _STANDARDIZED,
}


@dataclass(frozen=True)
class Published:
    """A row of timm's table: a model at an image size, parameters fused where the model can."""

    model: str
    image_size: int  # pixels a side
    million_params: float
    giga_macs: float  # thousand millions of multiply-adds


@dataclass(frozen=True)
class Counted:
    """The same model, counted by us; or why it could not be."""

    published: Published
    params: int = 0
    macs: int = 0
    norm_work: int = 0  # of normalization, which they take for multiply-adds; see `norm_work`
    problem: str = ""

    @property
    def has_equal_params(self) -> bool:
        """Rounded as the table is."""
        return round(self.params / 1e6, _DECIMALS) == self.published.million_params

    @property
    def has_near_macs(self) -> bool:
        """Within 2 %, or equal when rounded as the table is."""
        return self._is_near(self.macs)

    @property
    def is_near_with_norms(self) -> bool:
        """The same, with normalization as they count it."""
        return self._is_near(self.macs + self.norm_work)

    def _is_near(self, macs: int) -> bool:
        ours, theirs = macs / 1e9, self.published.giga_macs
        return abs(ours - theirs) <= _NEAR * theirs or round(ours, _DECIMALS) == theirs

    @property
    def reason(self) -> str:
        """Why the multiply-adds differ; empty where nobody has looked yet."""
        if self.is_near_with_norms:
            return "they count normalization"
        names = (name for name in _REASONS if fnmatch(self.published.model, name))
        return next((_REASONS[name] for name in names), "")


def timm_table(count: int | None = SAMPLE) -> list[Row]:
    """How many rows are taken apart and agree, and each that does not; None: every row."""
    if find_spec("timm") is None:
        print("timm: it is not installed here, nothing compared", file=sys.stderr)
        return []
    counted = list(count_each(sample(published_rows(), count)))
    apart = [one for one in counted if not one.problem]
    equal = sum(one.has_equal_params for one in apart)
    near = sum(one.has_near_macs for one in apart)
    with_norms = sum(one.is_near_with_norms for one in apart)
    explained = sum(one.has_near_macs or bool(one.reason) for one in apart)
    share, of_all = 100 / max(1, len(apart)), f"of {len(counted)}"
    return [
        row("timm's models taken apart", len(apart), "models", of_all),
        row("timm: the same parameters", share * equal, "%", ""),
        row("timm: multiply-adds within 2 %", share * near, "%", ""),
        row("the same, normalization counted as they do", share * with_norms, "%", ""),
        row("timm: multiply-adds within 2 %, or the reason known", share * explained, "%", "100"),
        *(line for one in counted for line in _differences(one)),
    ]


def _differences(one: Counted) -> list[Row]:
    """A line for each figure of a model that is not the published one."""
    published = one.published
    name = f"{published.model} at {published.image_size}"
    if one.problem:
        return [row(f"{name}: not taken apart", 0, "models", f"1; {one.problem[:_SHOWN]}")]
    lines = []
    if not one.has_equal_params:
        theirs = f"{published.million_params} published"
        lines.append(row(f"{name}: parameters", one.params / 1e6, "million", theirs))
    if not one.has_near_macs:
        theirs = f"{published.giga_macs} published; {one.reason or 'not explained'}"
        lines.append(row(f"{name}: multiply-adds", one.macs / 1e9, "G", theirs))
    return lines


def published_rows() -> list[Published]:
    """timm's table."""
    _source, *lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [
        Published(
            line["model"],
            int(line["image_size"]),
            float(line["million_params"]),
            float(line["giga_macs"]),
        )
        for line in csv.DictReader(lines)
    ]


def sample(rows: Sequence[Published], count: int | None) -> list[Published]:
    """So many of the rows, always the same; None, or more than there are: all of them."""
    if count is None or count >= len(rows):
        return list(rows)
    return random.Random(SEED).sample(rows, count)


def count_each(rows: Iterable[Published]) -> Iterator[Counted]:
    """Each model's counts; what an interrupted run of the same code has counted is kept."""
    from core.analysis.kept import code_hash

    kept = results_folder() / f"timm-counts-{code_hash()[:12]}.jsonl"
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    known = {line["model"]: line["counted"] for line in map(json.loads, lines)}
    for published in rows:
        name = f"{published.model} {published.image_size}"
        if name not in known:
            known[name] = asdict(count_one(published)) | {"published": None}
            with open(kept, "a", encoding="utf-8") as file:
                file.write(json.dumps({"model": name, "counted": known[name]}) + "\n")
        yield Counted(**(known[name] | {"published": published}))


def count_one(published: Published) -> Counted:
    """The model as timm's table has it: its own classes, fused for inference."""
    from core.analysis import analyze_module
    from core.specs import LabError

    side = published.image_size
    try:
        analysis = analyze_module(fused(published), (3, side, side))
    except LabError as error:
        return Counted(published, problem=str(error))
    totals = analysis.totals
    return Counted(published, totals.params, totals.macs, norm_work(analysis))


def norm_work(analysis: Analysis) -> int:
    """What timm's counter (fvcore, flop_count.py) takes for multiply-adds of normalization.

    A number costs 2 in BatchNorm, which only scales and shifts it, 5 in others, which also take its
    mean and variance; one less without weights.
    """
    work = 0
    for layer in analysis.layers:
        if layer.kind == "normalisation":
            name = layer.operation.lower().replace("_", "")  # BatchNorm2d or native_batch_norm
            each = 2 if "batchnorm" in name else 5
            work += math.prod(layer.output_shape) * (each - (not layer.params))
    return work


def fused(published: Published) -> nn.Module:
    """timm's model with the branches of each block added up, where it has such blocks.

    On meta where that can be done without numbers.
    """
    import timm
    from timm.models import reparameterize_model

    from core.zoo.meta import OnMeta

    settings = timm.get_pretrained_cfg(published.model)
    side = published.image_size
    given: dict[str, Any] = {}
    if settings.fixed_input_size and settings.input_size[1:] != (side, side):
        given["img_size"] = side
    try:
        with OnMeta():
            network = timm.create_model(published.model, **given)
            return reparameterize_model(network, inplace=True)
    except RuntimeError:  # some branches can only be added up with numbers
        return reparameterize_model(timm.create_model(published.model, **given), inplace=True)


if __name__ == "__main__":
    keep(timm_table(int(sys.argv[1]) if sys.argv[1:] else None), "timm-")
