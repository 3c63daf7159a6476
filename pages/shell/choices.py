"""One of a few choices on a page, kept in the URL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import streamlit as st


def one_of(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    default: str | None = None,
    named: Callable[[str], Any] = str,
    label_visibility: Literal["visible", "hidden", "collapsed"] = "visible",
    help: str | None = None,
) -> str:
    """Ask for one of the options and return it; by default the first.

    Parameters
    ----------
    key : of the widget and in the URL
    named : how an option is shown
    """
    default = default or options[0]
    chosen = st.segmented_control(
        label,
        options,
        default=default,
        required=True,
        format_func=named,
        key=key,
        bind="query-params",
        label_visibility=label_visibility,
        help=help,
    )
    return chosen or default
