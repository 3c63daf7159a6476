from pathlib import Path

import pytest

from review_db import open_database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ratings.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
def engine(url: str):
    engine = open_database(url)
    yield engine
    engine.dispose()
