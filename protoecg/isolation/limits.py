"""How much of the machine the reading of one recording may take."""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass

_PACKED = struct.Struct(">III")
PACKED_SIZE = _PACKED.size
# What the server says once it can read.
READY = b"\1"


@dataclass(frozen=True)
class Limits:
    """Limits of reading one recording.

    Parameters
    ----------
    processor_s : seconds of the processor's own time, so that a busy server refuses nothing more
    clock_s : seconds by the clock, for what waits instead of working
    memory_mb : of address space, on top of what the readers' code takes
    """

    processor_s: int
    clock_s: int
    memory_mb: int

    def pack(self) -> bytes:
        """Return the limits as `PACKED_SIZE` bytes."""
        return _PACKED.pack(*astuple(self))

    @classmethod
    def unpack(cls, packed: bytes) -> Limits:
        """Return limits that were packed."""
        return cls(*_PACKED.unpack(packed))


ONE_FILE = Limits(processor_s=2, clock_s=10, memory_mb=600)
OF_A_BATCH = Limits(processor_s=5, clock_s=30, memory_mb=600)
