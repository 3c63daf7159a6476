"""ZIP archives: their files, unpacked in memory and never to more than is read anyway."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import PurePosixPath

from protoecg.ecg import ECGError

MAX_FILES = 500
# What a directory takes for each file, long names and times included.
DIRECTORY_BYTES = 400
ONE_ECG = "Pack the files of one ECG alone."

_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class _DirectoryTooLargeError(Exception):
    """A directory of more than the files that an archive may have."""


class _Archive(BytesIO):
    """An archive's bytes, of which `most` are read at once until the directory is read.

    The library reads a directory as a whole, and each of its entries takes far more in memory.
    How its end record is spelt, and which of several counts, is thereby left to the library.
    """

    def __init__(self, content: bytes, max_files: int) -> None:
        super().__init__(content)
        self.most: int | None = DIRECTORY_BYTES * max_files

    def read(self, size: int | None = -1) -> bytes:
        """Read up to `size` bytes, or all that are left."""
        left = max(len(self.getbuffer()) - self.tell(), 0)
        asked = left if size is None or size < 0 else min(size, left)
        if self.most is not None and asked > self.most:
            raise _DirectoryTooLargeError
        return super().read(size)


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
    archive = opened(content, source)
    return _contents(archive, _members(archive, source), source, max_bytes)


def opened(
    content: bytes, source: str, *, max_files: int = MAX_FILES, advice: str = ONE_ECG
) -> zipfile.ZipFile:
    """Open an archive whose directory is whole and no larger than that of `max_files` files.

    Parameters
    ----------
    advice : what to do about an archive of more files

    Raises
    ------
    ECGError
        If it holds more, is damaged, or is an Excel file.
    """
    too_many = f"{source} holds more than {max_files:,} files. {advice}"
    file = _Archive(content, max_files)
    try:
        archive = zipfile.ZipFile(file)
        names = [info.filename for info in files_of(archive)]
    except _DirectoryTooLargeError:
        raise ECGError(too_many) from None
    # The library raises whatever a damaged directory leads to.
    except Exception:
        raise _damaged(source) from None
    file.most = None
    if len(names) > max_files:
        raise ECGError(too_many)
    if "[Content_Types].xml" in names:
        raise ECGError(f"{source} is an Excel or Word file. Save the sheet as CSV.")
    return archive


def files_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return what an archive holds but for its folders and what has no name."""
    # Asked whether it is a folder, what has no name breaks.
    return [info for info in archive.infolist() if info.filename and not info.is_dir()]


def announced(content: bytes) -> tuple[int, int]:
    """Return how many files and bytes an archive unpacks to at most; none of another content.

    No file gives more bytes than its directory announces: it is cut there, and then damaged.
    """
    try:
        files = files_of(opened(content, "")) if is_zip(content) else []
    except ECGError:
        return 0, 0
    return len(files), sum(info.file_size for info in files)


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: str, most: int) -> bytes:
    """Unpack one file, up to `most` bytes: the size that the archive announces is not believed.

    Raises
    ------
    ECGError
        If the file is encrypted, packed in a rare way or damaged.
    """
    if info.flag_bits & 1 or info.compress_type not in _PACKINGS:
        raise ECGError(
            f"{source} is encrypted or packed in a rare way. Pack it without a password, as an "
            "ordinary ZIP."
        )
    try:
        with archive.open(info) as file:
            return file.read(most)
    # As of the directory.
    except Exception:
        raise _damaged(source) from None


def _damaged(source: str) -> ECGError:
    return ECGError(f"{source} is a damaged ZIP archive. Copy or pack it again.")


def _members(archive: zipfile.ZipFile, source: str) -> dict[str, zipfile.ZipInfo]:
    """Return the files worth looking at, by their names without folders."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in files_of(archive):
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
        contents[name] = member(archive, info, source, left + 1)
        left -= len(contents[name])
        if left < 0:
            raise ECGError(
                f"{source} unpacks to more than {max_bytes / 1e6:.0f} MB. Pack the files of one "
                "ECG alone, or a shorter part of the recording."
            )
        if is_zip(contents[name]):
            raise ECGError(f"{source} holds a ZIP archive inside. Unpack that one first.")
    return contents
