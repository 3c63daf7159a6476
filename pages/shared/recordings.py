"""Uploaded ECGs, kept on the server so that a reload of the browser loses nothing."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

import streamlit as st

from protoecg.ecg import ECG

KEPT = 64


class Recordings:
    """The ECGs uploaded last, each under a token that cannot be guessed."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._by_token: OrderedDict[str, ECG] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, ecg: ECG) -> str:
        """Keep an ECG and return its token; the one unused for longest makes room."""
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._by_token[token] = ecg
            while len(self._by_token) > self._kept:
                self._by_token.popitem(last=False)
        return token

    def get(self, token: str) -> ECG | None:
        """Return the ECG of a token, or None if it is not kept any more."""
        with self._lock:
            if token in self._by_token:
                self._by_token.move_to_end(token)
            return self._by_token.get(token)


@st.cache_resource
def recordings() -> Recordings:
    """Return the store that all sessions share; a token opens one ECG only."""
    return Recordings()
