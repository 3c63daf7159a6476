"""A data set to a bundle: train each branch, choose prototypes, fuse, calibrate, write."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from protoecg.bundle import Bundle
from protoecg.network.projection import Source
from protoecg.network.protoecgnet import ProtoECGNet
from training import kept
from training.fit import choice
from training.fit.branches import Branches
from training.fit.config import ConfigError
from training.fit.finish import Finish
from training.fit.setup import Setup

# What `Fit.again` logs anew.
_LAST_STAGES = ("fusion", "solo", "bundle")


class Fit:
    """One training run, resumable from its work folder."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.branches, self._finish = Branches(setup), Finish(setup)

    def run(self, out: Path) -> Bundle:
        """Train what is not yet trained and write the bundle to `out`."""
        network = ProtoECGNet(self.setup.shapes, self.setup.codes)
        sources = {}
        for name in self.setup.shapes:
            trained = self.branches.trained(name)
            with kept.reading(self.setup.work / f"{name}.pt"):
                network.branches[name].load_state_dict(trained.state)
            sources[name] = trained.sources
        network.to(self.setup.device).eval()
        names = [name for name in self.setup.shapes if self.setup.config.branches[name].sure]
        codes = {code for name in names for code in self.setup.shapes[name].owners}
        return self._finish.bundle(network, self._finish.sure(network, sources, codes), out)

    def again(self, bundle: Bundle, out: Path) -> Bundle:
        """Do what comes after training anew, on a bundle's networks, and write it to `out`.

        Prototypes stay, but those of statements of which one now breaks a rule of `choice` that it
        did not break when the bundle was written.

        Raises
        ------
        ConfigError
            If the bundle was trained on other data.
        """
        if bundle.about.get("data_sha256") != self.setup.data_hash:
            raise ConfigError(
                f"{bundle.path} was trained on other ECGs, folds or labels than "
                f"{self.setup.root} holds. Name the data set that it was trained on."
            )
        for line in bundle.about.get("log", []):
            if line.get("stage") not in _LAST_STAGES:
                self.setup.log(**line)
        table = self.setup.train.dataset.table.set_index("record", drop=False)
        now = [choice.broken(table.loc[p.record], p.statement) for p in bundle.prototypes]
        stale = {
            p.statement
            for p, rules in zip(bundle.prototypes, now, strict=True)
            if set(rules) - set(p.relaxed)
        }
        sources = self._sources(bundle, table.index)
        network = bundle.network.to(self.setup.device)
        return self._finish.bundle(network, self._finish.sure(network, sources, stale), out)

    def _sources(self, bundle: Bundle, records: pd.Index) -> dict[str, list[Source]]:
        """Return where a bundle's prototypes are from."""
        sources: dict[str, list[Source]] = {name: [] for name in self.setup.shapes}
        for prototype in bundle.prototypes:
            cell = bundle.network.branches[prototype.branch].cell(prototype.window_s)
            row = int(records.get_loc(prototype.record))
            sources[prototype.branch].append(Source(row, cell))
        return sources
