"""What several commands ask for, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

if TYPE_CHECKING:
    import torch

CONFIGS = Path(__file__).parents[1] / "configs"

Bundle = Annotated[Path, Option(help="folder of the bundle")]


def _folder(given: str) -> Path:
    from training.data.convert import dataset_folder

    return dataset_folder(Path(given))


Data = Annotated[
    Path,
    Option(parser=_folder, metavar="PATH", help="PTB-XL, a set in its layout, or a DATASET.toml"),
]
Fold = Annotated[int, Option(help="to measure on")]
Folds = Annotated[list[int], Option("--fold", help="one or more")]
Json = Annotated[Path, Option("--json", help="file for the results")]
Device = Annotated[str, Option(help="cpu, cuda, or auto")]


def device_named(name: str) -> torch.device:
    """Return a device; "auto" is the GPU where there is one."""
    import torch

    auto = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(auto if name == "auto" else name)
