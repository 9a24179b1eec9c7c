"""What people may take of the lab and have taken, in words. Imports no torch."""

from __future__ import annotations

from core.jobs.people import Allowance
from core.language import _, comma
from core.report import formats


def allowance_sentence(allowance: Allowance | None) -> str:
    """What somebody has of what they may take; empty where nothing is limited."""
    if allowance is None:
        return ""
    quotas, taken = allowance.quotas, allowance.taken
    parts = []
    if (limit := quotas.runs_at_once) is not None:
        parts.append(_("{taken} of {limit} runs at once", taken=taken.running, limit=limit))
    if (limit := quotas.queued) is not None:
        parts.append(_("{taken} of {limit} jobs in the queue", taken=taken.queued, limit=limit))
    if (limit := quotas.minutes_a_day) is not None:
        minutes = round(taken.minutes_today)
        parts.append(_("{taken} of {limit} minutes today", taken=minutes, limit=limit))
    if (limit := quotas.kept_bytes) is not None:
        kept, most = formats.mebibytes(taken.kept_bytes), formats.mebibytes(limit)
        parts.append(_("{taken} of {limit} of files", taken=kept, limit=most))
    return _("Yours so far: {parts}.", parts=comma().join(parts)) if parts else ""
