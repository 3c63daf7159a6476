"""Studies: made, started, watched and taken away; and how large one has to be."""

from __future__ import annotations

from pages.planning import new_study, overview, size
from pages.shell import choices, frame, models, reviews
from pages.shell.access import coordinators

VIEWS = ("Studies", "New study", "How large?")


def main() -> None:
    """Lay out the page."""
    frame.guard("Studies")
    if not coordinators.admitted():
        return
    bundle = models.choose_prototypes(frame.titled("Studies"))
    view = choices.one_of("View", VIEWS, key="view", label_visibility="collapsed")
    with reviews.database() as engine:
        if view == "New study":
            new_study.show(engine, bundle)
        elif view == "How large?":
            size.show(engine)
        else:
            overview.show(engine)


main()
