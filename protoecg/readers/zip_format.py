"""ZIP archives: their files, unpacked in memory and never to more than is read anyway."""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO
from pathlib import PurePosixPath

from protoecg.ecg import ECGError

MAX_FILES = 500
MAX_DIRECTORY = 200_000

_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def is_zip(content: bytes) -> bool:
    """Whether a file's content is a ZIP archive."""
    return content.startswith(_MARKS)


def unpack(content: bytes, source: str, max_bytes: int) -> dict[str, bytes]:
    """Return the files of an archive by name, without their folders.

    Raises
    ------
    ECGError
        If the archive is damaged, encrypted, an Excel file, holds archives itself, two files of
        one name, or more files or bytes than an ECG has.
    """
    _refuse_large_directory(content, source)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = _members(archive, source)
            return _contents(archive, members, source, max_bytes)
    except ECGError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError):
        raise ECGError(f"{source} is a damaged ZIP archive. Copy or pack it again.") from None


def _refuse_large_directory(content: bytes, source: str) -> None:
    """Look at the directory's size before it is read: each entry takes far more in memory."""
    end = content.rfind(_END)
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    if end >= 0 and (size > MAX_DIRECTORY or content[max(end - 20, 0) :].startswith(_END_64)):
        raise ECGError(_too_many(source))


def _too_many(source: str) -> str:
    return f"{source} holds more than {MAX_FILES} files. Pack the files of one ECG alone."


def _members(archive: zipfile.ZipFile, source: str) -> dict[str, zipfile.ZipInfo]:
    """Return the files worth looking at, by their names without folders."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MAX_FILES:
        raise ECGError(_too_many(source))
    if any(info.filename == "[Content_Types].xml" for info in infos):
        raise ECGError(f"{source} is an Excel or Word file. Save the sheet as CSV.")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        # What macOS and file managers add.
        if path.name.startswith(".") or "__MACOSX" in path.parts:
            continue
        if path.name in members:
            raise ECGError(
                f"{source} holds several files of one name in its folders, so perhaps several "
                "ECGs. Pack the files of one ECG alone."
            )
        members[path.name] = info
    return members


def _contents(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], source: str, max_bytes: int
) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    left = max_bytes
    for name, info in members.items():
        if info.flag_bits & 1 or info.compress_type not in _PACKINGS:
            raise ECGError(
                f"{source} is encrypted or packed in a rare way. Pack it without a password, as "
                "an ordinary ZIP."
            )
        with archive.open(info) as file:
            # The sizes that the archive announces are not believed.
            contents[name] = file.read(left + 1)
        left -= len(contents[name])
        if left < 0:
            raise ECGError(
                f"{source} unpacks to more than {max_bytes / 1e6:.0f} MB. Pack the files of one "
                "ECG alone, or a shorter part of the recording."
            )
        if is_zip(contents[name]):
            raise ECGError(f"{source} holds a ZIP archive inside. Unpack that one first.")
    return contents
