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
    from training.recalibrate.gain import summary
    from training.recalibrate.run import recalibrate

    made, done = recalibrate(load_bundle(bundle), data, out)
    sys.stdout.write(
        f"{out}: calibrated at {done.words}, {len(done.statements)} of {len(made.statements)} "
        f"statements; revision {made.revision}\n{summary(done.comparison)}"
    )


@app.command()
def onnx(bundle: Bundle) -> None:
    """Write a bundle's networks as an ONNX graph beside it, and compare the two.

    Where torch is not installed, the bundle is explained by that.
    """
    import numpy as np

    from protoecg.bundle import load_bundle
    from protoecg.network.onnx_export import export
    from protoecg.network.onnx_network import GRAPH
    from protoecg.signals import model_input
    from protoecg.simulate import EXAMPLES, simulate

    model = load_bundle(bundle)
    ecgs = [simulate(codes, seed=n).ecg for n, codes in enumerate(EXAMPLES.values())]
    off = export(model.network, bundle, model.revision, np.stack([model_input(e) for e in ecgs]))
    sys.stdout.write(
        f"{bundle / GRAPH}: similarities of {len(ecgs)} simulated ECGs differ by {off:.1e}\n"
    )


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
    from training.recalibrate.enough import enough, summary

    results = enough(load_bundle(bundle), data, folds, times=times)
    write_json(json, results)
    sys.stdout.write(summary(results))
