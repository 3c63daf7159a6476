"""Results: what the reviewers found, and every rating to take away."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from pages.findings import score_bars, study_results
from pages.shell import choices, frame, models, reviews, words
from pages.shell.access import coordinators
from protoecg.labels import LabelSet
from protoecg.prototypes.sets import PrototypeSet
from review_db.questions.catalogue import SCALES
from review_db.ratings.export import export_zip
from review_db.ratings.results import GROUPS, RatedBundle, rated_bundles, scores

SINGLE, STUDY = "Single ratings", "A study"


def main() -> None:
    """Lay out the page."""
    frame.guard("Results")
    # Everybody's ratings can be taken away here.
    if not coordinators.admitted():
        return
    row = frame.titled("Results")
    bundle = models.choose_prototypes(row)
    with reviews.database() as engine:
        with row:
            models.badge(bundle)
            _export(engine)
        if _source() == STUDY:
            study_results.show(engine)
        else:
            _single_ratings(engine, bundle)


def _source() -> str:
    return choices.one_of(
        "Results of",
        [SINGLE, STUDY],
        key="of",
        help="Single ratings are given on Rate; a study has a design of its own, see Studies.",
    )


def _single_ratings(engine: Engine, bundle: PrototypeSet) -> None:
    rated = _version(engine, bundle)
    by = choices.one_of("Scores by", list(GROUPS), key="by", default="branch")
    table = scores(engine, bundle=rated.bundle, fingerprint=rated.fingerprint, by=by)
    if table.empty:
        _nothing_yet(rated)
    else:
        _show(table, by, bundle.labels)


def _export(engine: Engine) -> None:
    st.download_button(
        "All ratings as CSV, with codebook",
        lambda: export_zip(engine),
        file_name="protoecg_ratings.zip",
        mime="application/zip",
        on_click="ignore",
        icon=":material/download:",
        help="Every rating of every model and reviewer, its history, and what each column means. "
        "Of a study that has not ended, the answers that a look has opened.",
    )


def _version(engine: Engine, bundle: PrototypeSet) -> RatedBundle:
    """Return the chosen model's ratings, or those of another version that has some."""
    rated = rated_bundles(engine)
    current = next(
        (r for r in rated if (r.bundle, r.fingerprint) == (bundle.name, bundle.fingerprint)),
        RatedBundle(bundle.name, bundle.fingerprint, 0),
    )
    others = [r for r in rated if r != current]
    if not others:
        return current
    return st.selectbox(
        "Ratings of",
        [current, *others],
        format_func=lambda r: f"{r.bundle}, version {r.fingerprint[:8]}: {r.answers} answers",
        key=f"version {current.fingerprint}",
        help="A rating follows its window into every version that has it. The count is of answers "
        "that were given on that version itself.",
    )


def _nothing_yet(rated: RatedBundle) -> None:
    st.info(
        f"No prototype of “{words.plain(rated.bundle)}” has been rated yet. Open Rate, enter a "
        "reviewer code and answer the questions; the scores appear here at once.",
        icon=":material/rate_review:",
    )


def _show(table: pd.DataFrame, by: str, labels: LabelSet) -> None:
    if by == "prototype":
        table = score_bars.of_statement(table, labels)
    for scale, column in zip(SCALES, score_bars.columns(len(SCALES)), strict=True):
        with column:
            score_bars.show(table, scale, by, about="ratings")
    st.dataframe(_printed(table, score_bars.names(table, by, labels), by), hide_index=True)


def _printed(table: pd.DataFrame, names: pd.Series, by: str) -> pd.DataFrame:
    columns = {by: names, "ratings": table["n"], "reviewers": table["reviewers"]}
    if by != "prototype":
        columns["prototypes"] = table["prototypes"]
    columns["accurate"] = [_share(share) for share in table["accurate_share"]]
    for scale in SCALES:
        columns[f"{scale}: mean ± SD"] = [
            _pair("{:.2f} ± {:.2f}", "{:.2f}", *pair)
            for pair in zip(table[f"{scale}_mean"], table[f"{scale}_sd"], strict=True)
        ]
        columns[f"{scale}: median (quartiles)"] = [
            "" if pd.isna(median) else f"{median:g} ({low:.1f} to {high:.1f})"
            for median, low, high in zip(
                *(table[f"{scale}_{name}"] for name in ("median", "q1", "q3")), strict=True
            )
        ]
    return pd.DataFrame(columns)


def _share(share: float) -> str:
    return "" if pd.isna(share) else f"{100 * share:.0f} %"


def _pair(both: str, alone: str, mean: float, sd: float) -> str:
    # A single rating has no spread.
    if pd.isna(mean):
        return ""
    return alone.format(mean) if pd.isna(sd) else both.format(mean, sd)


main()
