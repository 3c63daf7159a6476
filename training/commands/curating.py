"""The command where ratings and training meet: it hands on what a rule proposes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Option, Typer

from protoecg.storage.files import write_json
from training.commands.options import Bundle

app = Typer()


@app.command()
def curate(
    bundle: Bundle,
    ratings: Annotated[
        str, Option(metavar="URL|DIR", help="database of ratings, or a folder that `export` wrote")
    ],
    rule: Annotated[Path, Option(metavar="TOML", help="which prototypes are retired")],
    out: Annotated[Path, Option(help="a new folder for the new bundle")],
    data: Annotated[
        Path | None, Option(help="that it was trained on; without it nothing is measured")
    ] = None,
    json: Annotated[Path | None, Option("--json", help="file for the comparison")] = None,
    work: Annotated[Path, Option(help="keeps similarities")] = Path("runs/curate"),
    draft: Annotated[
        Path | None, Option(metavar="STUDY.toml", help="file for a study of the newcomers")
    ] = None,
    retired: Annotated[
        Path | None, Option(metavar="TOML", help="file for the windows that were ever retired")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="print the proposals alone")] = False,
) -> None:
    """Retire prototypes by their ratings, replace them, and compare; resumes.

    The bundle itself stays as it is.
    """
    from protoecg.bundle import load_bundle
    from protoecg.prototypes.curation import curations, read_rule
    from review_db.curation.proposals import propose_from
    from training.curate.comparison import summary
    from training.curate.reporter import Reporter
    from training.curate.run import curate
    from training.curate.study import write_design
    from training.curate.swaps import dry
    from training.fit.forget import write_forgetting

    stated, parent = read_rule(rule), load_bundle(bundle)
    proposals = propose_from(ratings, stated, parent.path)
    _say(proposals.counted(len(parent.prototypes)))
    if dry_run:
        dry(parent, data, proposals, stated, say=_say)
        return
    made, results = curate(
        parent, data, proposals, stated, out=out, work=work, reporter=Reporter(_say)
    )
    if results:
        sys.stdout.write(summary(results))
    if json:
        write_json(json, results)
    if draft:
        write_design(made, draft, str(out))
    if retired:
        write_forgetting(retired, curations(made.about))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
