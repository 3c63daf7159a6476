"""Windows that reviewers rejected, and how training keeps away from them.

A prototype that is only taken away is learnt again, as what made it likely is still in the data.
So no prototype comes from an ECG whose window was rejected for its statement, and a hinge on the
similarity to those windows pushes the statement's prototypes from whatever else is like them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tomli_w
import torch
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from protoecg.network import losses
from protoecg.network.projection import Anchors, Source, latents
from protoecg.network.protoecgnet import Branch
from protoecg.prototypes.curation import Curation
from protoecg.storage.files import read_toml, toml_text, write_bytes
from training.data.dataset import Dataset
from training.fit.config import ConfigError

MAX_WINDOWS = 2000
_CHECKED = ConfigDict(extra="forbid", allow_inf_nan=False)
_HEAD = "# Windows that were retired: `python -m training fit --forget` keeps away from them.\n"


@dataclass(frozen=True, config=_CHECKED)
class Window:
    """A window of a training ECG that must not stand for a statement."""

    statement: str
    record: str
    start_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    end_s: Annotated[float, Field(gt=0, le=10)] = 10.0


@dataclass(frozen=True, config=_CHECKED)
class Forgetting:
    """What training keeps away from, and how hard.

    Parameters
    ----------
    windows : that were rejected
    weight : of the hinge, beside the cross-entropy of weight 1
    margin : cosine to such a window above which a prototype of its statement costs
    """

    windows: Annotated[tuple[Window, ...], Field(max_length=MAX_WINDOWS)] = ()
    weight: Annotated[float, Field(ge=0)] = 1.0
    margin: Annotated[float, Field(ge=-1, le=1)] = 0.5

    def rows(self, dataset: Dataset) -> list[int]:
        """Return the row of each window's ECG in a data set.

        Raises
        ------
        ConfigError
            If one is not there.
        """
        places = pd.Series(range(len(dataset.table)), index=dataset.table["record"])
        for window in self.windows:
            if window.record not in places.index:
                raise ConfigError(
                    f"{window.record}, which is to be forgotten, is no training ECG of "
                    f"{dataset.root}. Name the records of the data set that is trained on."
                )
        return [int(places[window.record]) for window in self.windows]

    def without(self, dataset: Dataset) -> Dataset:
        """Return a data set in which no ECG stands for what a window of it was rejected for."""
        table = dataset.table.copy()
        codes = list(table["codes"])
        for row, window in zip(self.rows(dataset), self.windows, strict=True):
            codes[row] = tuple(code for code in codes[row] if code != window.statement)
        table["codes"] = codes
        return replace(dataset, table=table)


class Away(nn.Module):
    """The hinge on the similarity of a branch's prototypes to forgotten windows.

    Parameters
    ----------
    anchors : model inputs of the windows, f of them
    same : (p, f) bool, which windows were rejected for the statement of each prototype
    """

    inputs: Tensor
    cells: Tensor
    same: Tensor

    def __init__(self, anchors: Anchors, same: Tensor, settings: Forgetting) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("inputs", anchors.inputs)
        self.register_buffer("cells", anchors.cells)
        self.register_buffer("same", same)

    def loss(self, branch: Branch, vectors: Tensor) -> Tensor:
        """Return the weighted hinge for the (p, latent) vectors of a branch."""
        with torch.no_grad(), _steady(branch.backbone):
            forgotten = latents(branch, Anchors(self.inputs, self.cells)).float()
        hinge = losses.forgetting(vectors, forgotten, self.same, self.settings.margin)
        return self.settings.weight * hinge


def sources(
    branch: Branch, forgetting: Forgetting, dataset: Dataset
) -> tuple[list[Source], Tensor] | None:
    """Return where a branch's forgotten windows are, and whose they are as `Away` takes it."""
    owners = branch.shape.owners
    rows = zip(forgetting.rows(dataset), forgetting.windows, strict=True)
    found = [(row, window) for row, window in rows if window.statement in owners]
    if not found:
        return None
    places = [Source(row, branch.cell((w.start_s, w.end_s))) for row, w in found]
    same = torch.tensor([[owner == w.statement for _, w in found] for owner in owners])
    return places, same


def read_forgetting(file: Path) -> Forgetting:
    """Read a file of forgotten windows.

    Raises
    ------
    ConfigError
        If it is no TOML, or holds something else.
    """
    try:
        return TypeAdapter(Forgetting).validate_python(read_toml(toml_text(file)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{file}: {place}: {first['msg']}.") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read as TOML: {error}.") from error


def write_forgetting(file: Path, done: Sequence[Curation]) -> None:
    """Write the windows that curations retired as a file that `read_forgetting` reads."""
    windows = [
        {
            "statement": change.statement,
            "record": change.record,
            "start_s": change.window_s[0],
            "end_s": change.window_s[1],
        }
        for curation in done
        for change in curation.changes
    ]
    own: dict[str, Any] = {"weight": Forgetting.weight, "margin": Forgetting.margin}
    write_bytes(file, (_HEAD + tomli_w.dumps({**own, "windows": windows})).encode())


@contextmanager
def _steady(module: nn.Module) -> Iterator[None]:
    """Keep the few windows out of the statistics of batch norms."""
    was = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in was:
            part.training = training
