"""What a TOML file may say of a data set, part by part."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protoecg.storage.files import read_toml, toml_text
from training.data.dataset import DataError

PTBXL_LABELS = "PTB-XL"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ColumnNames(_Part):
    """Which column holds what; what is not named is not known.

    Parameters
    ----------
    record : path of an ECG below `records`, with or without suffix; needed where there is a table
    exam : number of an ECG in the HDF5 file that `record` names, see `training.data.exams`
    patient : else each ECG counts as a patient of its own
    fold : 1 to 10; else patients are dealt to folds, see `Split`
    """

    record: str = "record"
    exam: str | None = None
    patient: str | None = None
    fold: str | None = None
    age: str | None = None
    sex: str | None = None
    report: str | None = None


class Statements(_Part):
    """How the statements of an ECG are found.

    Parameters
    ----------
    lists : columns with several values in each cell, or with one
    separator : between them
    dictionary : whether the cells of `lists` are dictionaries as Python writes them, by statement
    each : columns of one statement, which an ECG carries where 1, true or yes stands in it
    map : of values (or names of columns) to one or several codes of the label set; a value that
        ends in `*` is of all that begin so, the longest one first. Without any, values are codes
    """

    lists: list[str] = []
    separator: str = ","
    dictionary: bool = False
    each: list[str] = []
    map: dict[str, str | list[str]] = {}


class Stated(_Part):
    """What the files of the ECGs do not state, see `protoecg.readers.given.ReadOptions`."""

    rate: Annotated[float | None, Field(gt=0)] = None
    unit: str = ""
    leads: list[str] = []


class Split(_Part):
    """How patients are dealt to folds where no column says.

    Parameters
    ----------
    by : "chance" deals all patients at once, as evenly as can be; "hash" goes by each one's number
        or record alone, so that nobody changes folds when others come
    """

    by: Literal["chance", "hash"] = "chance"
    folds: Annotated[int, Field(ge=3, le=100)] = 10
    seed: Annotated[int, Field(ge=0)] = 1


class Description(_Part):
    """A data set, as its TOML file describes it.

    Parameters
    ----------
    name : what to call it; a bundle says by it what it was trained on
    licence : that its ECGs are under
    records : folder of the ECGs, from the TOML file on
    sources : folders in there whose headers are read; all of them if empty
    tables : CSV files, joined by the column `on`; empty where the headers say all
    labels : CSV file of the label set, see `protoecg.labels`; or "PTB-XL"
    male, female : how the column of the sex says it
    given : what the files do not say
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    licence: Annotated[str, Field(min_length=1, max_length=120)]
    records: str = "."
    sources: list[str] = []
    tables: list[str] = []
    on: str | None = None
    labels: str = PTBXL_LABELS
    simulated: bool = False
    columns: ColumnNames = ColumnNames()
    statements: Statements
    split: Split = Split()
    given: Stated = Stated()
    male: list[str] = ["male", "Male", "M", "m"]
    female: list[str] = ["female", "Female", "F", "f"]


def read_description(file: Path) -> Description:
    """Read a description.

    Raises
    ------
    DataError
        If the file is no TOML, or says something else than a description may.
    """
    try:
        return Description.model_validate(read_toml(toml_text(file)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{file} cannot be used: {where}: {first['msg']}.") from error
    except ValueError as error:
        raise DataError(f"{file} is no TOML: {error}.") from error
