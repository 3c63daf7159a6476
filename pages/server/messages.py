"""What a browser may ask of a session; all else that Streamlit would do for it is let drop.

Streamlit lets any session empty the caches of the whole server, which hold who is signed in and
the batches of others; and it makes an address for each of the files that a browser says it will
send, while everybody waits.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError
from starlette.types import Message, Receive
from streamlit.proto.BackMsg_pb2 import BackMsg

WANTED = frozenset(
    (
        "rerun_script",
        "stop_script",
        "file_urls_request",
        "app_heartbeat",
        "backend_operation_request",
    )
)
# No field takes more than a few: WFDB records have a header and its signals.
MOST_FILES = 1000


def only_wanted(receive: Receive) -> Receive:
    """Pass on what a browser sends to its session, but for what no page of this app asks."""

    async def wanted() -> Message:
        while not _is_wanted(message := await receive()):
            pass
        return message

    return wanted


def _is_wanted(message: Message) -> bool:
    if message["type"] != "websocket.receive" or not message.get("bytes"):
        return True
    try:
        asked = BackMsg.FromString(message["bytes"])
    except DecodeError:
        return False
    if len(asked.file_urls_request.file_names) > MOST_FILES:
        return False
    return asked.WhichOneof("type") in WANTED
