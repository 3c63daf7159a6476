"""What several commands ask for, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

if TYPE_CHECKING:
    import torch

    from training.engine import Engine

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
OnRay = Annotated[
    str | None,
    Option("--ray", metavar="ADDRESS", help="of a Ray cluster, or auto for a local one"),
]
Device = Annotated[str, Option(help="cpu, cuda, or auto")]


def engine_at(ray: str | None) -> Engine:
    """Return where networks look at ECGs: in this process, unless Ray is asked for."""
    from protoecg.batch.on_ray import Ray
    from training.engine import by_ray, here

    return by_ray(Ray(None if ray == "auto" else ray, None)) if ray else here


def device_named(name: str) -> torch.device:
    """Return a device; "auto" is the GPU where there is one."""
    import torch

    auto = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(auto if name == "auto" else name)
