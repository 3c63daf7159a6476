"""`python -m training`: from PTB-XL to a trained bundle, and what it is worth."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from protoecg import command_line
from training.commands import curating, making, measuring, sites

app = command_line.commands(__doc__)
app.add_typer(making.app)
app.add_typer(measuring.app)
app.add_typer(curating.app)
app.add_typer(sites.app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; bad input gets one line on standard error."""
    return command_line.run(app, arguments, name="python -m training", errors=_errors)


def _errors() -> tuple[type[Exception], ...]:
    from protoecg.card.document import CardError
    from protoecg.ecg import ECGError
    from protoecg.evidence.neighbours import NeighboursError
    from protoecg.network.onnx_export import ExportError
    from protoecg.prototypes.curation import CurationError
    from protoecg.prototypes.manifest import BundleError
    from training.data.dataset import DataError
    from training.data.download import DownloadError
    from training.fit.config import ConfigError
    from training.kept import KeptError

    bundle = BundleError, CardError, CurationError, ExportError, NeighboursError
    return (*bundle, ConfigError, DataError, DownloadError, ECGError, KeptError)


if __name__ == "__main__":
    sys.exit(main())
