"""A visitor of the app who speaks Streamlit's protocol and draws nothing.

What a browser does of its own (drawing, above all) happens on a reader's machine. Where the
server alone is to be measured, a visitor asks of it what a browser would.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

WAIT_S = 60.0


class Visitor:
    """One browser tab at a page of the app, by its address and path."""

    def __init__(self, address: str, page: str) -> None:
        self._address, self._page = address, page
        self._http = requests.Session()
        self._http.get(f"{address}/{page}", headers={"Accept": "text/html"}, timeout=WAIT_S)
        self._http.get(f"{address}/_stcore/health", timeout=WAIT_S)
        self._http.headers["X-Xsrftoken"] = self._http.cookies.get(XSRF_COOKIE_NAME) or ""
        self._socket = self._connected()
        self._requests = itertools.count()
        self._session, self._query, self._uploader = "", "", ""
        self._submit, self._progress = "", ""
        self._fragment, self._next_fragment = "", ""

    def _connected(self) -> ClientConnection:
        cookies = "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())
        return connect(
            f"ws://{urlsplit(self._address).netloc}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            additional_headers={"Cookie": cookies},
            origin=Origin(self._address),
            max_size=None,
            legacy=True,
        )

    def open(self) -> None:
        """Ask for the page and wait until it has been sent."""
        self._send(self._rerun())
        self._until(_ends_a_run)

    def explain(self, name: str, content: bytes) -> None:
        """Upload a file to the page's first uploader, and wait until what it shows was sent.

        Raises
        ------
        RuntimeError
            If the page has no uploader, or the server closes the tab.
        """
        before = self._query
        self._send(self._with_file(name, content))
        self._until(lambda message: _ends_a_run(message) and self._query != before)

    def begin(self, name: str, content: bytes) -> None:
        """Upload a file to the page's form and submit it; wait until work is under way.

        Raises
        ------
        RuntimeError
            If the page has no uploader or no form, or the server closes the tab.
        """
        if not self._submit:
            raise RuntimeError("The page has no form to submit.")
        message = self._with_file(name, content)
        message.rerun_script.widget_states.widgets.add(id=self._submit, trigger_value=True)
        self._send(message)
        self._until(lambda message: _ends_a_run(message) and self._fragment != "")

    @property
    def is_renewed(self) -> bool:
        """Whether the page renews a part of itself, as it does while work is under way."""
        return self._fragment != ""

    def progress(self) -> str:
        """Ask for what a page renews by itself, and return the words of its progress."""
        message = self._rerun()
        message.rerun_script.fragment_id = self._fragment
        message.rerun_script.is_auto_rerun = True
        self._send(message)
        self._until(lambda message: message.HasField("script_finished"))
        return self._progress

    def send_file(self, name: str, content: bytes) -> FileURLs:
        """Send a file to this tab's session, and tell no page of it.

        Raises
        ------
        requests.HTTPError
            If the server does not take it.
        """
        asked = BackMsg()
        asked.file_urls_request.request_id = str(next(self._requests))
        asked.file_urls_request.session_id = self._session
        asked.file_urls_request.file_names.append(name)
        self._send(asked)
        answer = self._until(lambda message: message.HasField("file_urls_response"))
        (urls,) = answer.file_urls_response.file_urls
        sent = self._http.put(
            self._address + urls.upload_url, files={"file": (name, content)}, timeout=WAIT_S
        )
        sent.raise_for_status()
        return urls

    def close(self) -> None:
        """Close the tab."""
        self._socket.close()
        self._http.close()

    def _rerun(self) -> BackMsg:
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.page_name = self._page
        message.rerun_script.context_info.color_scheme = "light"
        message.rerun_script.context_info.url = f"{self._address}/{self._page}"
        return message

    def _with_file(self, name: str, content: bytes) -> BackMsg:
        if not self._uploader:
            raise RuntimeError(f"The page {self._page!r} offers no upload.")
        urls = self.send_file(name, content)
        message = self._rerun()
        state = message.rerun_script.widget_states.widgets.add(id=self._uploader)
        file = state.file_uploader_state_value.uploaded_file_info.add()
        file.name, file.size, file.file_id = name, len(content), urls.file_id
        file.file_urls.CopyFrom(urls)
        return message

    def _send(self, message: BackMsg) -> None:
        self._socket.send(message.SerializeToString())

    def _until(self, wanted: Callable[[ForwardMsg], bool]) -> ForwardMsg:
        for message in self._messages():
            self._heed(message)
            if wanted(message):
                return message
        raise RuntimeError("The server closed the tab.")

    def _messages(self) -> Iterator[ForwardMsg]:
        while True:
            yield ForwardMsg.FromString(self._socket.recv(timeout=WAIT_S, decode=False))

    def _heed(self, message: ForwardMsg) -> None:
        if message.HasField("new_session"):
            self._session = message.new_session.initialize.session_id
            self._uploader = ""
        elif message.HasField("auto_rerun"):
            self._next_fragment = message.auto_rerun.fragment_id
        elif _ends_a_run(message):
            # The whole page was made anew, with or without a part that is renewed.
            self._fragment, self._next_fragment = self._next_fragment, ""
        elif message.HasField("page_info_changed"):
            self._query = message.page_info_changed.query_string
        elif message.HasField("delta"):
            self._see(message.delta)

    def _see(self, delta: Delta) -> None:
        element = delta.new_element
        if element.HasField("file_uploader"):
            self._uploader = self._uploader or element.file_uploader.id
        elif element.HasField("button") and element.button.is_form_submitter:
            self._submit = element.button.id
        elif element.HasField("progress"):
            self._progress = element.progress.text


def _ends_a_run(message: ForwardMsg) -> bool:
    return (
        message.HasField("script_finished")
        and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    )
