"""Where models and data lie: as the environment says, else in the project's own folders."""

from __future__ import annotations

from pathlib import Path

from protoecg.settings import settings

_BESIDE_THE_CODE = Path(__file__).resolve().parents[2]


def project() -> Path:
    """Return the checkout that this code runs from; for an installed package, where one works."""
    is_checkout = (_BESIDE_THE_CODE / "pyproject.toml").is_file()
    return _BESIDE_THE_CODE if is_checkout else Path.cwd()


def models() -> Path:
    """Return the folder of bundles: `PROTOECG_MODELS`, else `models` of the project."""
    return settings().models or project() / "models"


def of_models(file: str) -> list[Path]:
    """Return the folders of models that hold a file, but for those that are still being made."""
    found = sorted(file.parent for file in models().glob(f"*/{file}"))
    return [folder for folder in found if not folder.name.startswith(".")]


def ptbxl() -> Path:
    """Return the folder of a local PTB-XL: `PROTOECG_PTBXL`, else `data/ptbxl` of the project."""
    return settings().ptbxl or project() / "data" / "ptbxl"


def cache() -> Path:
    """Return the folder that keeps what was fetched: `PROTOECG_CACHE`, else `data/cache`."""
    return settings().cache or project() / "data" / "cache"


def ratings() -> Path:
    """Return the SQLite file of ratings, for where no database is named."""
    return project() / "data" / "ratings.db"
