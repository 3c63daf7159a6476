"""Rate: a reviewer judges the prototypes, one at a time; each answer is saved at once."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from pages.shared import drawing, frame, models, reviews, words
from protoecg.bundle import Bundle
from protoecg.explanation import Prototype
from review_db import (
    QUESTIONS,
    Item,
    RatingsError,
    answers,
    first_open,
    known_reviewer,
    progress,
    save_answer,
)
from review_db.ratings import is_done


def main() -> None:
    """Lay out the page."""
    frame.guard("Rate")
    bundle = models.choose()
    engine = reviews.database()
    reviewer = _reviewer(engine)
    if reviewer is None:
        return
    items = reviews.items(bundle)
    item = _chosen(engine, reviewer, items)
    _progress(engine, reviewer, items)
    _navigation(engine, reviewer, items, item)
    prototype = next(p for p in bundle.prototypes if p.name == item.prototype)
    if _picture(bundle, prototype):
        _questions(engine, reviewer, item)


def _reviewer(engine: Engine) -> str | None:
    if given := st.query_params.get("reviewer"):
        try:
            return known_reviewer(engine, given)
        except (ValueError, RatingsError) as error:
            st.error(str(error), icon=":material/error:")
    st.header("Rate prototypes", anchor=False)
    with st.form("who", width=420):
        code = st.text_input("Your reviewer code", max_chars=32, placeholder="R01")
        if st.form_submit_button("Start", type="primary"):
            st.query_params["reviewer"] = code.strip()
            st.rerun()
    return None


def _chosen(engine: Engine, reviewer: str, items: list[Item]) -> Item:
    by_name = {item.prototype: item for item in items}
    if (name := st.query_params.get("prototype")) in by_name:
        return by_name[name]
    item = first_open(engine, reviewer=reviewer, items=items) or items[0]
    st.query_params["prototype"] = item.prototype
    return item


def _progress(engine: Engine, reviewer: str, items: list[Item]) -> None:
    now = progress(engine, reviewer=reviewer, items=items)
    st.progress(now.done / now.total, f"{reviewer}: {now.done} of {now.total} prototypes rated")
    with st.sidebar:
        table = pd.DataFrame(
            [(code, done, total) for code, (done, total) in now.by_statement.items()],
            columns=["Statement", "Done", "Of"],
        )
        st.dataframe(table, hide_index=True)


def _navigation(engine: Engine, reviewer: str, items: list[Item], item: Item) -> None:
    place = items.index(item)
    following = first_open(engine, reviewer=reviewer, items=items[place + 1 :] + items[:place])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous",
            icon=":material/arrow_back:",
            on_click=_go,
            args=(items[place - 1],),
            disabled=place == 0,
        )
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            on_click=_go,
            args=(items[(place + 1) % len(items)],),
            disabled=place == len(items) - 1,
        )
        st.button(
            "Next open",
            icon=":material/skip_next:",
            on_click=_go,
            args=(following or item,),
            disabled=following is None,
        )


def _go(item: Item) -> None:
    st.query_params["prototype"] = item.prototype


def _picture(bundle: Bundle, prototype: Prototype) -> bool:
    st.markdown(f"### {words.named(prototype.statement)}")
    st.caption(f"{prototype.name} · {drawing.provenance(prototype)}")
    ecg = models.source_ecg(bundle, prototype)
    if ecg is None:
        return False
    drawing.show_ecg(ecg, [drawing.prototype_window(prototype)], key=f"rate {prototype.name}")
    return True


def _questions(engine: Engine, reviewer: str, item: Item) -> None:
    given = answers(
        engine, reviewer=reviewer, bundle=item.bundle, fingerprint=item.fingerprint
    ).get(item.prototype, {})
    left, middle, right = st.columns(3, gap="large")
    with left:
        _choice("accurate", engine, reviewer, item, given, horizontal=True)
        if given.get("accurate") == "no":
            _text("alternative", engine, reviewer, item, given)
        _mark("best", engine, reviewer, item, given)
        _mark("bad", engine, reviewer, item, given)
        _text("comment", engine, reviewer, item, given)
    with middle:
        _choice("representativeness", engine, reviewer, item, given)
    with right:
        _choice("clarity", engine, reviewer, item, given)
    _state(item, given)


def _state(item: Item, given: dict[str, str]) -> None:
    if problem := st.session_state.pop("not saved", None):
        st.error(f"The answer was NOT saved. {problem}", icon=":material/error:")
    elif is_done(given):
        st.success("Saved. All that is asked of this prototype is answered.")
    elif given:
        st.info("Saved. Some questions are still open.")


def _key(item: Item, question: str) -> str:
    return f"{item.fingerprint} {item.prototype} {question}"


def _choice(
    question: str,
    engine: Engine,
    reviewer: str,
    item: Item,
    given: dict[str, str],
    horizontal: bool = False,
) -> None:
    asked = QUESTIONS[question]
    key = _key(item, question)
    st.session_state[key] = given.get(question)
    anchors = dict(zip(asked.options, asked.anchors, strict=False))
    st.radio(
        asked.text,
        asked.options,
        index=None,
        format_func=lambda option: f"{option}  {anchors.get(option, '')}",
        key=key,
        horizontal=horizontal,
        on_change=_save,
        args=(engine, reviewer, item, question),
    )


def _text(question: str, engine: Engine, reviewer: str, item: Item, given: dict[str, str]) -> None:
    key = _key(item, question)
    st.session_state[key] = given.get(question, "")
    st.text_area(
        QUESTIONS[question].text,
        key=key,
        on_change=_save,
        args=(engine, reviewer, item, question),
    )


def _mark(question: str, engine: Engine, reviewer: str, item: Item, given: dict[str, str]) -> None:
    key = _key(item, question)
    st.session_state[key] = given.get(question) == "yes"
    st.checkbox(
        QUESTIONS[question].text,
        key=key,
        on_change=_save,
        args=(engine, reviewer, item, question),
    )


def _save(engine: Engine, reviewer: str, item: Item, question: str) -> None:
    value = st.session_state[_key(item, question)]
    try:
        save_answer(engine, reviewer=reviewer, item=item, question=question, value=value)
    except (ValueError, RatingsError) as error:
        st.session_state["not saved"] = str(error)


main()
