"""`python -m protoecg`: explain, measure or print ECGs, get the ECGs behind prototypes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from protoecg import folders, wording
from protoecg.explanation import Explanation, Finding, Match


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; bad input gets one line on standard error."""
    args = _parser().parse_args(arguments)
    # After the options are read: torch takes seconds, which `--help` does without.
    from protoecg.batch import BatchError
    from protoecg.ecg import ECGError
    from protoecg.prototypes.manifest import BundleError
    from protoecg.prototypes.waveforms import WaveformUnavailable

    try:
        args.run(args)
    except (BatchError, BundleError, ECGError, WaveformUnavailable, OSError) as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. Run the same command again to go on from here.\n")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m protoecg", description=f"{__doc__} Research use only."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    explain = commands.add_parser("explain", help="findings, and the prototypes they rest on")
    explain.add_argument("file", type=Path, help="an ECG in any format that is read")
    _add_bundle(explain)
    explain.add_argument("--rate", type=float, help="Hz, for files that do not say it")
    explain.add_argument("--start", type=float, default=0.0, help="second to begin at")
    explain.add_argument("--json", action="store_true", help="print all findings as JSON")
    explain.set_defaults(run=_explain)

    measure = commands.add_parser("measure", help="heart rate, axis and intervals")
    measure.add_argument("file", type=Path, help="an ECG, as for explain")
    measure.add_argument("--rate", type=float, help="Hz, for files that do not say it")
    measure.add_argument("--start", type=float, default=0.0, help="second to begin at")
    measure.add_argument("--json", action="store_true", help="print all values as JSON")
    measure.set_defaults(run=_measure)

    report = commands.add_parser("report", help="one page to print: tracing, findings, matches")
    report.add_argument("file", type=Path, help="an ECG, as for explain")
    _add_bundle(report)
    report.add_argument("--rate", type=float, help="Hz, for files that do not say it")
    report.add_argument("--start", type=float, default=0.0, help="second to begin at")
    report.add_argument("--out", type=_page, required=True, help="the .pdf or .png to write")
    report.add_argument("--earlier", type=Path, help="of the same patient: say what changed since")
    report.add_argument(
        "--earlier-start",
        type=float,
        help="second of the earlier ECG to begin at; that of --start unless given",
    )
    report.add_argument("--paper", choices=["A4", "letter"], default="A4", help="A4 unless given")
    report.set_defaults(run=_report)

    batch = commands.add_parser(
        "batch", help="a table of many ECGs, one row each; resumes, and tries again what failed"
    )
    batch.add_argument("ecgs", type=Path, help="a folder or a ZIP archive")
    _add_bundle(batch)
    batch.add_argument("--rate", type=float, help="Hz, for files that do not say it")
    batch.add_argument(
        "--out", type=Path, required=True, help="the .csv or .parquet to write or go on"
    )
    batch.set_defaults(run=_batch)

    fetch = commands.add_parser("fetch", help="get the source ECGs of a bundle's prototypes")
    fetch.add_argument("bundle", type=Path, help="a bundle's folder, such as models/ptbxl")
    fetch.set_defaults(run=_fetch)
    return parser


def _add_bundle(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--bundle",
        type=Path,
        default=folders.models() / "ptbxl",
        help="a bundle's folder (default: ptbxl in $PROTOECG_MODELS, else models/ptbxl)",
    )


def _page(name: str) -> Path:
    path = Path(name)
    if path.suffix.lower() not in {".pdf", ".png"}:
        raise argparse.ArgumentTypeError(f"{name} ends neither in .pdf nor in .png")
    return path


def _explain(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from protoecg.explain import explain
    from protoecg.isolation import read_path

    ecg = read_path(args.file, rate=args.rate, start=args.start)
    explanation = explain(ecg, load_bundle(args.bundle))
    if args.json:
        sys.stdout.write(json.dumps(explanation.to_json(), indent=1) + "\n")
    else:
        sys.stdout.write("\n".join(_in_words(explanation)) + "\n")


def _in_words(explanation: Explanation) -> list[str]:
    kind = " (simulated)" if explanation.simulated else ""
    lines = [f"{explanation.source} by {explanation.bundle}{kind}. Research use only.", ""]
    lines += [f"! {note}" for note in (*explanation.quality, *explanation.notes)]
    if explanation.abstains:
        lines += [f"! {explanation.abstains}", "! What follows is not to be relied on.", ""]
    for finding in explanation.findings:
        if finding.present:
            lines += _finding_in_words(finding)
    possible = [finding for finding in explanation.findings if finding.certainty == "possible"]
    return [*lines, *(["", "Possible:"] if possible else []), *map(_in_a_line, possible)]


def _in_a_line(finding: Finding) -> str:
    from protoecg.labels import describe

    few = ", low evidence" if finding.low_evidence else ""
    probability = wording.probability(finding.probability, 1)
    return f"{probability:>7}  {finding.code}  {describe(finding.code)}{few}"


def _finding_in_words(finding: Finding) -> list[str]:
    lines = [_in_a_line(finding)]
    for match in finding.speaking[:3]:
        start, end = match.window_s
        lines.append(
            f"        {match.contribution:+.2f} = {match.weight:+.2f} x {match.similarity:+.2f}  "
            f"{match.prototype.name} ({match.prototype.record}), at {start:.2f}-{end:.2f} s"
            f"{_chief_leads(match)}"
        )
    return lines


def _chief_leads(match: Match) -> str:
    chief = list(match.lead_shares.items())[:3]
    return "".join(f", {lead} {wording.share(share)}" for lead, share in chief)


def _measure(args: argparse.Namespace) -> None:
    from protoecg.isolation import read_path
    from protoecg.measure import in_words, measure
    from protoecg.quality import quality

    ecg = read_path(args.file, rate=args.rate, start=args.start)
    measured, warnings = measure(ecg), quality(ecg).sentences
    if args.json:
        told = {**measured.to_json(), "notes": ecg.notes, "quality": warnings}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
    else:
        lines = [f"{ecg.source}, computed. Research use only.", ""]
        lines += [f"! {note}" for note in (*warnings, *ecg.notes)]
        lines += [f"{name:12}{value}" for name, value in in_words(measured)]
        sys.stdout.write("\n".join(lines) + "\n")


def _report(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from protoecg.evidence.change import compare
    from protoecg.explain import explain
    from protoecg.isolation import read_path
    from protoecg.measure import measure
    from protoecg.printing.raster import png
    from protoecg.printing.report import pdf

    ecg, bundle = read_path(args.file, rate=args.rate, start=args.start), load_bundle(args.bundle)
    explanation, measured, since = explain(ecg, bundle), measure(ecg), None
    if args.earlier:
        start = args.start if args.earlier_start is None else args.earlier_start
        then = read_path(args.earlier, rate=args.rate, start=start)
        since = compare(explain(then, bundle), explanation, measure(then), measured)
    page = pdf(ecg, explanation, measured, revision=bundle.revision, since=since, paper=args.paper)
    args.out.write_bytes(png(page) if args.out.suffix.lower() == ".png" else page)


def _batch(args: argparse.Namespace) -> None:
    from tqdm import tqdm

    from protoecg.batch import forget_failures, open_files, run
    from protoecg.bundle import load_bundle

    bundle, files = load_bundle(args.bundle), open_files(args.ecgs, args.out)
    forget_failures(files, bundle, args.out)
    with tqdm(desc="explaining", unit="ECG") as bar:
        for had, total in run(files, bundle, args.out, rate=args.rate):
            bar.total, bar.n = total, had
            bar.refresh()


def _fetch(args: argparse.Namespace) -> None:
    from tqdm import tqdm

    from protoecg.bundle import load_bundle
    from protoecg.prototypes.waveforms import Waveforms

    bundle = load_bundle(args.bundle)
    waveforms = Waveforms.for_bundle(bundle.path, bundle.simulated)
    with tqdm(desc="source ECGs", unit="ECG") as bar:
        for had, total in waveforms.fetch_all(bundle.prototypes):
            bar.total, bar.n = total, had
            bar.refresh()


if __name__ == "__main__":
    sys.exit(main())
