"""What a browser may ask of a session; all else that Streamlit would do for it is dropped.

Streamlit lets any session empty the caches of the whole server, which hold who is signed in and
the batches of others; and it makes an address for each of the files that a browser says it will
send, while everybody waits.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError
from starlette.types import Message, Receive, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLsRequest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

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


def only_wanted(receive: Receive, send: Send) -> Receive:
    """Pass on what a browser sends to its session, but for what no page of this app asks.

    Too many files for a field are answered with an error; no browser sends what else is dropped.
    """

    async def wanted() -> Message:
        while True:
            message = await receive()
            if (asked := _asked(message)) is None:
                return message
            if len(asked.file_urls_request.file_names) > MOST_FILES:
                await send(_too_many(asked.file_urls_request))
            elif asked.WhichOneof("type") in WANTED:
                return message

    return wanted


def _asked(message: Message) -> BackMsg | None:
    """Return what a browser asks for, of no type if that is not known; None if it asks nothing."""
    if message["type"] != "websocket.receive" or not message.get("bytes"):
        return None
    try:
        return BackMsg.FromString(message["bytes"])
    except DecodeError:
        return BackMsg()


def _too_many(asked: FileURLsRequest) -> Message:
    answer = ForwardMsg()
    answer.file_urls_response.response_id = asked.request_id
    answer.file_urls_response.error_msg = (
        f"These are {len(asked.file_names):,} files, and a field takes {MOST_FILES:,} at once. For "
        "many ECGs pack them into one ZIP file, and open it on Batch."
    )
    return {"type": "websocket.send", "bytes": answer.SerializeToString()}
