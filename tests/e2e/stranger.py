"""A client of one's own making at the app's websocket, which keeps to no rule of a browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

TIMEOUT_S = 30


class Stranger:
    """Opens a page in a session of its own, or in one whose id it learned.

    Parameters
    ----------
    url : of the server
    session : id of somebody's session
    token : against forged requests, as the page got it in a cookie
    host : the name that the server is asked for, where that is another one than its own
    headers : `Origin`, `Cookie`, or whatever else is sent with the first request
    """

    def __init__(
        self, url: str, session: str = "", *, host: str = "", token: str = "nothing", **headers: str
    ) -> None:
        server = urlsplit(url)
        self._socket: ClientConnection = connect(
            f"ws://{host or server.hostname}:{server.port}/_stcore/stream",
            address=(server.hostname, server.port),
            origin=headers.pop("Origin", url),
            subprotocols=["streamlit", token, *([session] if session else [])],
            additional_headers=headers,
            user_agent_header=None,
            max_size=None,
        )
        self.session = ""

    def open(self, page: str, query: str = "") -> str:
        """Return all that the server says of a page, as text."""
        asked = BackMsg()
        asked.rerun_script.page_name = page
        asked.rerun_script.query_string = query
        self._socket.send(asked.SerializeToString())
        messages = []
        while not (message := self._next()).HasField("script_finished"):
            self.session = message.new_session.initialize.session_id or self.session
            messages.append(str(message))
        return "\n".join(messages)

    def send(self, message: BackMsg) -> None:
        """Send what no page would."""
        self._socket.send(message.SerializeToString())

    def close(self) -> None:
        self._socket.close()

    def _next(self) -> ForwardMsg:
        return ForwardMsg.FromString(self._socket.recv(timeout=TIMEOUT_S))
