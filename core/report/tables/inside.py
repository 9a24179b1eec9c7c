"""What was measured inside a network, as tables. Imports no torch."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.analysis.records import LayerCost
from core.inside.activity_records import Activity
from core.inside.effective_field_records import EffectiveField, WindowCounts
from core.inside.parts_records import MissingParts
from core.language import _
from core.report.sentences.effective_field import window_share
from core.report.sentences.parts import BECOMES


def missing_frame(result: MissingParts) -> pd.DataFrame:
    """One row a part, in the order of execution; the first is the whole network."""
    whole = {
        "part": "",
        "instead": _("the whole network"),
        "accuracy": result.accuracy,
        "change": 0.0,
        "loss": result.loss,
    }
    rows = [
        {
            "part": one.name,
            "instead": _(BECOMES[one.becomes]),
            "accuracy": one.accuracy,
            "change": one.accuracy - result.accuracy,
            "loss": one.loss,
        }
        for one in result.missing
    ]
    return pd.DataFrame([whole, *rows]).assign(level=result.level, images=result.images)


def activity_frame(activity: Activity) -> pd.DataFrame:
    """One row a channel of a convolution."""
    return pd.DataFrame(
        [
            {
                "layer": layer.path,
                "channel": one.channel,
                "read_at": layer.read_at,
                "dead": one.channel in layer.dead,
                "maximum": one.maximum,
                "minimum": one.minimum,
                "mean": one.mean,
                "active_images": one.active_images,
                "images": activity.images,
            }
            for layer in activity.layers
            for one in layer.channels
        ]
    )


def dead_frame(activity: Activity) -> pd.DataFrame:
    """One row a convolution: how many of its channels are dead, and which."""
    return pd.DataFrame(
        [
            {
                "layer": layer.path,
                "read_at": layer.read_at,
                "channels": len(layer.channels),
                "dead": len(layer.dead),
                "dead_share": len(layer.dead) / max(1, len(layer.channels)),
                "which": ", ".join(map(str, layer.dead)),
                "never_positive": sum(one.is_never_positive for one in layer.channels),
                "active_images": float(np.mean([one.active_images for one in layer.channels])),
            }
            for layer in activity.layers
        ]
    )


def window_frame(result: WindowCounts, layer: LayerCost) -> pd.DataFrame:
    """One row before and one after training: how much of the window counts."""
    states = [(_("as initialized"), result.before)]
    states += [(_("trained"), result.after)] if result.after else []
    return pd.DataFrame([_window_row(result, layer, state, field) for state, field in states])


def _window_row(
    result: WindowCounts, layer: LayerCost, state: str, field: EffectiveField
) -> dict[str, object]:
    return {
        "layer": result.layer,
        "state": state,
        "receptive_field": str(layer.receptive_field),
        "effective_side": field.side,
        "effective_area": field.area,
        "share_of_window": window_share(field, layer),
        "images": result.images,
    }


def pixel_frame(result: WindowCounts) -> pd.DataFrame:
    """One row a pixel of the image: the gradient there, before and after training."""
    rows, columns = np.indices(result.before.values.shape)
    frame = pd.DataFrame(
        {
            "row": rows.ravel(),
            "column": columns.ravel(),
            "as_initialized": result.before.values.ravel(),
        }
    )
    return frame.assign(trained=result.after.values.ravel()) if result.after else frame
