"""`python -m protoecg`: explain, measure or print ECGs, get the ECGs behind prototypes.

Longer than 300 lines, as each command states its options here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, BadParameter, Option

from protoecg import command_line
from protoecg.storage import folders

if TYPE_CHECKING:
    from protoecg.batch.parts import Workers

File = Annotated[Path, Argument(help="an ECG in any format that is read")]
BundleFolder = Annotated[
    Path,
    Option(
        "--bundle",
        default_factory=lambda: folders.models() / "ptbxl",
        show_default="ptbxl in $PROTOECG_MODELS, else models/ptbxl",
        help="a bundle's folder",
    ),
]
Rate = Annotated[float | None, Option(help="Hz, for files that do not say it")]
Unit = Annotated[
    str | None,
    Option(help="mV, uV, V, or what one count is, such as '4.88 uV', for files that do not say it"),
]
Leads = Annotated[
    str | None,
    Option(
        help="of each channel, such as I,II,V1,V2,V3,V4,V5,V6, '-' for one that is none, for files "
        "that do not name them"
    ),
]
Exam = Annotated[
    str | None, Option(help="exam_id, or number from 1, of one ECG of a file that holds several")
]
Start = Annotated[float, Option(help="second to begin at")]
Fhir = Annotated[
    Path | None, Option(help="also write a FHIR R4 DiagnosticReport to this .json, without names")
]
WithTaken = Annotated[
    bool,
    Option(
        "--taken",
        help="also tell when it was taken, and of whom: age and sex, where the file says it",
    ),
]
# Endings of files that no batch is written as.
_NO_TABLES = {".xlsx", ".xls", ".ods", ".tsv", ".txt", ".json", ".pq"}
AsJson = Annotated[bool, Option("--json", help="print all that is known as JSON")]

app = command_line.commands(f"{(__doc__ or '').splitlines()[0]} Research use only.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; bad input gets one line on standard error."""
    return command_line.run(app, arguments, name="python -m protoecg", errors=_errors)


def _errors() -> tuple[type[Exception], ...]:
    from protoecg.batch.table import BatchError
    from protoecg.ecg import ECGError
    from protoecg.hospital.dicom import IdentityError
    from protoecg.prototypes.gathering import SetError
    from protoecg.prototypes.manifest import BundleError
    from protoecg.prototypes.waveforms import WaveformUnavailable

    return BatchError, BundleError, ECGError, IdentityError, SetError, WaveformUnavailable


def _page(name: str) -> Path:
    path = Path(name)
    if path.suffix.lower() not in {".pdf", ".png"}:
        raise BadParameter(f"{name} ends neither in .pdf nor in .png")
    return path


@app.command()
def explain(
    file: File,
    bundle: BundleFolder,
    rate: Rate = None,
    unit: Unit = None,
    leads: Leads = None,
    exam: Exam = None,
    start: Start = 0.0,
    as_json: AsJson = False,
    with_taken: WithTaken = False,
    fhir: Fhir = None,
) -> None:
    """Print findings, and the prototypes they rest on."""
    from protoecg.bundle import load_bundle
    from protoecg.explain import explain
    from protoecg.hospital.fhir import diagnostic_report, write_report
    from protoecg.in_words import in_words
    from protoecg.isolation import read_path
    from protoecg.measure import delineate, measurements
    from protoecg.taken import UNKNOWN

    ecg = read_path(file, start=start, rate=rate, unit=unit, leads=leads, exam=exam)
    model = load_bundle(bundle)
    waves = delineate(ecg)
    explanation = explain(ecg, model, waves)
    if fhir:
        measured = measurements(waves)
        write_report(fhir, diagnostic_report(explanation, measured, model.revision))
    if as_json:
        taken = {"taken": ecg.taken.to_json()} if with_taken else {}
        _print([json.dumps({**explanation.to_json(), **taken}, indent=1)])
    else:
        _print(in_words(explanation, ecg.taken if with_taken else UNKNOWN))


@app.command()
def measure(
    file: File,
    rate: Rate = None,
    unit: Unit = None,
    leads: Leads = None,
    exam: Exam = None,
    start: Start = 0.0,
    as_json: AsJson = False,
) -> None:
    """Print heart rate, axis and intervals."""
    from protoecg.isolation import read_path
    from protoecg.measure import in_words, measure
    from protoecg.quality import quality

    ecg = read_path(file, start=start, rate=rate, unit=unit, leads=leads, exam=exam)
    measured, warnings = measure(ecg), quality(ecg).sentences
    if as_json:
        fields = {**measured.to_json(), "notes": ecg.notes, "quality": warnings}
        _print([json.dumps(fields, indent=1)])
        return
    _print([f"{ecg.source}, computed. Research use only.", ""])
    _print(f"! {note}" for note in (*warnings, *ecg.notes))
    _print(f"{name:12}{value}" for name, value in in_words(measured))


@app.command()
def report(
    file: File,
    bundle: BundleFolder,
    out: Annotated[
        Path | None, Option(parser=_page, metavar="FILE", help="the .pdf or .png to write")
    ] = None,
    rate: Rate = None,
    unit: Unit = None,
    leads: Leads = None,
    exam: Exam = None,
    start: Start = 0.0,
    earlier: Annotated[
        Path | None, Option(help="of the same patient: say what changed since")
    ] = None,
    earlier_start: Annotated[
        float | None,
        Option(help="second of the earlier ECG to begin at; that of --start unless given"),
    ] = None,
    paper: Annotated[Literal["A4", "letter"], Option(help="to print on")] = "A4",
    with_taken: WithTaken = False,
    fhir: Fhir = None,
    dicom: Annotated[
        Path | None, Option(metavar="FILE", help="the .dcm to write: the page as Encapsulated PDF")
    ] = None,
    patient_name: Annotated[str, Option(help="for DICOM, as Family^Given; else empty")] = "",
    patient_id: Annotated[str, Option(help="for DICOM; else empty")] = "",
    accession: Annotated[str, Option(help="number, for DICOM; else empty")] = "",
    study_uid: Annotated[str, Option(help="of the study in DICOM that it belongs to")] = "",
) -> None:
    """Write one page to print: tracing, findings, the case most alike, measurements."""
    from dataclasses import replace
    from functools import partial

    from protoecg.bundle import load_bundle
    from protoecg.evidence.change import compare
    from protoecg.explain import explain
    from protoecg.hospital.dicom import Identity, encapsulated
    from protoecg.hospital.fhir import diagnostic_report, write_report
    from protoecg.isolation import read_path
    from protoecg.measure import measure
    from protoecg.printing.case import leading_case
    from protoecg.printing.raster import png
    from protoecg.printing.report import pdf
    from protoecg.prototypes.waveforms import Waveforms
    from protoecg.readers.given import ReadOptions
    from protoecg.storage.files import write_bytes
    from protoecg.taken import UNKNOWN

    if not (out or fhir or dicom):
        raise BadParameter("Name the file to write with --out, --fhir or --dicom.")
    whose = Identity(patient_name, patient_id, accession, study_uid)
    options = ReadOptions(rate=rate, unit=unit, leads=leads, exam=exam)
    ecg, model = read_path(file, start=start, **options), load_bundle(bundle)
    explanation, measured, since = explain(ecg, model), measure(ecg), None
    taken, taken_then = ecg.taken if with_taken else UNKNOWN, UNKNOWN
    if earlier:
        begin = start if earlier_start is None else earlier_start
        then = read_path(earlier, start=begin, **options)
        since = compare(explain(then, model), explanation, measure(then), measured)
        taken_then = then.taken if with_taken else UNKNOWN
    page = partial(
        pdf,
        explanation=explanation,
        measured=measured,
        revision=model.revision,
        case=leading_case(explanation, Waveforms.for_bundle(model.path, model.self_contained)),
        since=since,
        paper=paper,
        taken=taken,
        earlier=taken_then,
    )
    if out:
        write_bytes(out, png(page(ecg)) if out.suffix.lower() == ".png" else page(ecg))
    if fhir:
        write_report(fhir, diagnostic_report(explanation, measured, model.revision))
    if dicom:
        # The name of a file may be a patient's.
        nameless = since and replace(since, then=replace(since.then, source=""))
        unnamed = page(replace(ecg, source=""), since=nameless)
        write_bytes(dicom, encapsulated(unnamed, model.name, model.revision, whose))


@app.command()
def batch(
    ecgs: Annotated[
        str, Argument(help="a folder, a ZIP archive, a .txt or .parquet of paths, or s3://...")
    ],
    bundle: BundleFolder,
    out: Annotated[
        Path, Option(help="the .csv or .parquet to write or go on; else a folder of Parquet parts")
    ],
    rate: Rate = None,
    unit: Unit = None,
    leads: Leads = None,
    jobs: Annotated[
        int | None, Option(min=1, help="processes, for a folder of parts; else one a core")
    ] = None,
    ray: Annotated[
        str | None,
        Option(help="a Ray cluster's address, for a folder of parts; `auto` starts a local one"),
    ] = None,
    fhir: Annotated[
        Path | None, Option(metavar="DIR", help="also write a FHIR report of each ECG, for a table")
    ] = None,
) -> None:
    """Write a table of many ECGs, a row each; resumes.

    What failed is tried again.
    """
    from protoecg.batch.listed import is_list
    from protoecg.readers.given import Given

    given = Given.of(rate, unit, leads)
    if out.suffix.lower() in _NO_TABLES:
        raise BadParameter(
            f"A table is written as .csv or .parquet, not as {out.suffix}; a name without an "
            "ending is that of a folder of Parquet parts.",
            param_hint="--out",
        )
    if out.suffix.lower() not in {".csv", ".parquet"}:
        if fhir:
            raise BadParameter("FHIR reports are written beside a table: name a .csv or .parquet.")
        from protoecg.batch.parts import Task, run_parts

        _show_progress("explaining", run_parts(Task(ecgs, bundle, out, given), _workers(jobs, ray)))
        return
    if ray or (jobs and jobs > 1) or is_list(ecgs):
        raise BadParameter("A table is written by one process; name a folder with --out for more.")
    from protoecg.batch.reports import Reports
    from protoecg.batch.run import forget_failures, ignored, run
    from protoecg.batch.sources import open_files
    from protoecg.bundle import load_bundle

    model, files = load_bundle(bundle), open_files(ecgs, out)
    forget_failures(files, model, out)
    on_explained = Reports(fhir, model.revision) if fhir else ignored
    _show_progress("explaining", run(files, model, out, given=given, on_explained=on_explained))


@app.command()
def fetch(
    bundle: Annotated[Path, Argument(help="a bundle's folder, such as models/ptbxl")],
) -> None:
    """Get the source ECGs of a bundle's prototypes."""
    from protoecg.bundle import load_bundle
    from protoecg.prototypes.waveforms import Waveforms

    model = load_bundle(bundle)
    waveforms = Waveforms.for_bundle(model.path, model.self_contained)
    _show_progress("source ECGs", waveforms.fetch_all(model.prototypes))


@app.command()
def gather(
    manifest: Annotated[Path, Argument(help="a JSON file that names prototypes and their ECGs")],
    out: Annotated[Path, Option(help="a new folder, in that of the models")],
) -> None:
    """Make prototypes of any model a set that reviewers can rate."""
    from protoecg.prototypes.gathering import gather

    made = gather(manifest, out)
    _print([f"{out}: prototypes to rate: {len(made.prototypes)}"])


@app.command()
def settings() -> None:
    """Print what the environment and the server's files set, without secrets."""
    from protoecg.settings.listing import server_files, shown, unknown

    _print(f"{name:26}{value}" for name, value in shown())
    _print(f"! {name} is no setting of this program: misspelt?" for name in unknown())
    _print(["", *server_files(folders.project())])


def _workers(jobs: int | None, ray: str | None) -> Workers:
    if ray:
        from protoecg.batch.on_ray import Ray, by_ray

        return by_ray(Ray(None if ray == "auto" else ray, jobs))
    from protoecg.batch.processes import by_processes

    return by_processes(jobs or _cores())


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _show_progress(what: str, counts: Iterable[tuple[int, int]]) -> None:
    from tqdm import tqdm

    steps = iter(counts)
    had, total = next(steps, (0, 0))
    # What an earlier run had done says nothing of the time that is left.
    with tqdm(desc=what, unit="ECG", initial=had, total=total) as bar:
        for had, _ in steps:
            bar.update(had - bar.n)


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
