"""The commands for a bundle at another hospital: calibrated there, run without torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from protoecg.storage.files import write_json
from training.commands.options import Bundle, Data, Folds, Json

app = Typer()


@app.command()
def recalibrate(
    bundle: Bundle,
    data: Data,
    out: Annotated[Path, Option(help="folder of the new bundle")],
) -> None:
    """Set scales and thresholds anew by a hospital's own labelled ECGs.

    Networks and prototypes stay, and so does the bundle itself.
    """
    from protoecg.bundle import load_bundle
    from training.graph import carry_graph
    from training.recalibrate.gain import summary
    from training.recalibrate.run import recalibrate

    parent = load_bundle(bundle)
    made, done = recalibrate(parent, data, out)
    sys.stdout.write(
        f"{out}: calibrated at {done.words}, {len(done.statements)} of {len(made.statements)} "
        f"statements; revision {made.revision}\n{summary(done.comparison)}"
    )
    if note := carry_graph(parent, made):
        sys.stdout.write(f"{note}\n")


@app.command()
def onnx(bundle: Bundle) -> None:
    """Write a bundle's networks as an ONNX graph beside it, and compare the two.

    Where torch is not installed, the bundle is explained by that.
    """
    from protoecg.bundle import load_bundle
    from training.graph import write_graph

    sys.stdout.write(f"{bundle}: {write_graph(load_bundle(bundle))}\n")


@app.command("recalibration_size")
def recalibration_size(
    bundle: Bundle,
    data: Data,
    folds: Folds,
    json: Json,
    times: Annotated[int, Option(min=1, help="simulations")] = 20,
) -> None:
    """Simulate how many labelled ECGs a recalibration needs."""
    from protoecg.bundle import load_bundle
    from training.recalibrate.sizes import simulate_sizes, summary

    results = simulate_sizes(load_bundle(bundle), data, folds, times=times)
    write_json(json, results)
    sys.stdout.write(summary(results))
