"""What Curate has of training: a desk for each bundle, and bundles being made."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.shell import words
from protoecg import defects
from protoecg.bundle import Bundle
from protoecg.prototypes.curation import CurationError, Proposals, Rule
from protoecg.storage import folders
from protoecg.storage.files import in_words
from training.curate.desk import Desk
from training.curate.reporter import Reporter
from training.curate.run import curate
from training.data import ptbxl

WORK = ("runs", "curate")


@dataclass(frozen=True)
class Step:
    """How far a step is that takes long.

    Parameters
    ----------
    what : in words; `unit` is what is counted
    began : when, by `time.monotonic`
    """

    what: str
    unit: str
    done: int
    total: int
    began: float

    @property
    def words(self) -> str:
        """How far it is, and about how long it takes still."""
        text = f"{self.what}: {self.done} of {self.total} {self.unit}s"
        if not self.done:
            return text
        left_s = (time.monotonic() - self.began) * (self.total - self.done) / self.done
        if left_s < 60:
            return f"{text}, less than a minute left"
        return f"{text}, about {left_s / 60:.0f} min left"


class Making:
    """A bundle that is made in the background; a reload of the page loses nothing.

    Parameters
    ----------
    out : the folder that it comes to lie in
    """

    def __init__(self, desk: Desk, proposals: Proposals, rule: Rule, out: Path) -> None:
        self.out = out
        self.lines: list[str] = []
        self.step: Step | None = None
        self.problem = ""
        self.made: Bundle | None = None
        self.comparison: Mapping[str, object] = {}
        self._given = desk, proposals, rule
        self._thread = threading.Thread(target=self._make, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it is being made."""
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait for its end, at most so long."""
        self._thread.join(seconds)

    def _make(self) -> None:
        desk, proposals, rule = self._given
        try:
            self.made, self.comparison = curate(
                desk.bundle,
                desk.root,
                proposals,
                rule,
                out=self.out,
                work=work(),
                reporter=Reporter(self.lines.append, self._follow),
            )
        except (CurationError, ptbxl.DataError, OSError) as error:
            self.problem = in_words(error)
        except Exception as error:
            number = defects.report(error, "curating a bundle")
            self.problem = f"Something that nobody has foreseen; report the number {number}."

    def _follow(self, items: Sequence[Any], *, desc: str, unit: str, **_: object) -> Iterator[Any]:
        """Hand on the items of a step, and keep how far it is; called as `tqdm` is."""
        began = time.monotonic()
        for done, item in enumerate(items):
            self.step = Step(words.capitalised(desc), unit, done, len(items), began)
            yield item
        self.step = None


def work() -> Path:
    """Return the folder that keeps what curations go on with."""
    return folders.project().joinpath(*WORK)


@st.cache_resource(max_entries=4, show_spinner="Looking for the training ECGs")
def desk(_bundle: Bundle, revision: str) -> Desk:
    """Return the desk of a bundle, by its revision; all who curate it share one."""
    return Desk(_bundle, _root(_bundle))


@st.cache_resource(show_spinner=False)
def makings() -> dict[Path, Making]:
    """Return the bundles that were begun on this server, by their folder."""
    return {}


def _root(bundle: Bundle) -> Path | None:
    """Return where the data set lies that a bundle was trained on; None where it is not here."""
    try:
        found = ptbxl.load(folders.ptbxl())
    except (ptbxl.DataError, OSError):
        return None
    is_own = found.checksum == bundle.about.get("data_sha256")
    return folders.ptbxl() if is_own else None
