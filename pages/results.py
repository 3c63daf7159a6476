"""Results: what the reviewers found, and every rating to take away."""

from __future__ import annotations

import streamlit as st

from pages.shared import drawing, frame, models, reviews
from protoecg.figures.charts import scores_figure
from review_db.export import export_zip
from review_db.questions import SCALES
from review_db.results import GROUPS, scores


def main() -> None:
    """Lay out the page."""
    frame.guard("Results")
    bundle = models.choose()
    engine = reviews.database()
    st.header("Results", anchor=False)
    st.download_button(
        "All ratings as CSV, with codebook",
        lambda: export_zip(engine),
        file_name="protoecg_ratings.zip",
        mime="application/zip",
        on_click="ignore",
        icon=":material/download:",
    )
    by = st.segmented_control(
        "By", list(GROUPS), default="branch", required=True, key="by", bind="query-params"
    )
    table = scores(engine, bundle=bundle.name, fingerprint=bundle.fingerprint, by=by)
    if table.empty:
        st.info(
            f"No prototype of {bundle.name} has been rated yet. Open Rate, enter a reviewer code "
            "and answer the questions; the scores appear here at once."
        )
        return
    for scale in SCALES:
        counts = table.set_index(by)[[f"{scale}_{i}" for i in range(1, 6)]]
        counts.columns = [str(i) for i in range(1, 6)]
        st.subheader(scale.capitalize(), anchor=False)
        drawing.show(scores_figure(counts, theme=frame.theme()), key=scale, alt=f"{scale} by {by}")
    st.dataframe(table, hide_index=True)


main()
