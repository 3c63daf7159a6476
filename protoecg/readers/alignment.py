"""Leads that began at different moments, cut to the time that all of them have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from protoecg.readers.channels import Channel


def aligned(
    channels: Sequence[Channel], skews: Sequence[float]
) -> tuple[list[Channel], tuple[str, ...]]:
    """Cut channels to the time that all of them have, and say which began late.

    Parameters
    ----------
    skews : samples by which the first one of each channel was taken later than that of the others
    """
    late = [round(skew) for skew in skews]
    if len(set(late)) < 2:
        return list(channels), ()
    each = [(channel, max(late) - own) for channel, own in zip(channels, late, strict=True)]
    samples = max(min(len(channel.values) - start for channel, start in each), 0)
    names = [c.name for c, own in zip(channels, late, strict=True) if own > min(late)]
    span_ms = 1000 * (max(late) - min(late)) / (channels[0].rate or 1.0)
    return (
        [replace(c, values=c.values[start : start + samples]) for c, start in each],
        (f"{', '.join(names)} began up to {span_ms:.0f} ms after the other leads: aligned.",),
    )
