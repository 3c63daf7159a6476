"""How a branch is built: as a bundle's manifest has it, readable without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

View = Literal["window", "leads", "strip", "wide"]
Pooling = Literal["best", "mean"]


@dataclass(frozen=True)
class BranchShape:
    """All that is needed to build a branch.

    Parameters
    ----------
    view : "window" compares localised windows, "leads" the same lead by lead, "strip" the whole
        ten seconds, "wide" windows whose latents see more than the window (the published way, to
        be measured against)
    widths, strides, latent : of the backbone, see `WindowBackbone`
    owners : the statement of each prototype, in the order of the prototypes
    pooling : of the similarities over time, see `PrototypeLayer`
    members : backbones whose cosines are averaged, see `Ensemble`
    signed : whether being unlike a prototype counts as well: a similarity below zero. Else it is
        zero there, and no finding rests on what an ECG doesn't resemble
    """

    view: View
    widths: tuple[int, ...]
    strides: tuple[int, ...]
    latent: int
    owners: tuple[str, ...]
    pooling: Pooling = "best"
    members: int = 1
    signed: bool = True

    @property
    def features(self) -> int:
        """Size of a cell's latent vector, of all members together."""
        return self.latent * self.members

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements that its prototypes stand for, each once, in their order."""
        return tuple(dict.fromkeys(self.owners))
