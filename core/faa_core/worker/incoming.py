"""Arrays on their way in: taken straight to their place, and only where, and as large as, they were asked for."""

from __future__ import annotations

from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from faa_core.errors import WorkerError
from faa_core.worker import protocol, wire


class OpenJob:
    """A job without its end yet, and the array that is coming in for it.

    Attributes:
        request: What was asked for.
        arrived: Whether its array is complete.
    """

    def __init__(self, request: protocol.Job) -> None:
        self.request = request
        self.arrived = False
        self._array: NDArray[Any] | None = None
        self._view = memoryview(b"")
        self._filled = 0

    def take(self, chunk: protocol.Chunk, head: wire.Head, stream: IO[bytes]) -> NDArray[Any] | None:
        """Read the bytes of a chunk into their place; the array once it is complete, read-only.

        Args:
            chunk: What the header of its frame says.
            head: First part of the frame.
            stream: Where the rest is read from.

        Raises:
            WorkerError: The job did not ask for such an array, or the piece does not fit the ones before it.
        """
        if self._array is None:
            self._array = self._room(chunk)
            self._view = self._array.reshape(-1).view(np.uint8).data
        end = self._filled + head.payload
        fits = chunk.total == self._view.nbytes and chunk.offset == self._filled and end <= chunk.total
        if not fits or self.arrived or (chunk.total and not head.payload):
            raise WorkerError(f"The array of job {chunk.id} came in pieces that do not fit together.")
        wire.read_into(stream, head, self._view[self._filled : end])
        self._filled = end
        if end < chunk.total:
            return None
        self.arrived = True
        self._array.flags.writeable = False
        return self._array

    def _room(self, chunk: protocol.Chunk) -> NDArray[Any]:
        asked = self.request
        form = (chunk.name, chunk.dtype, len(chunk.shape))
        if not isinstance(asked, protocol.Tile) or form != ("tile", "<f2", 2):
            raise WorkerError(f"Job {chunk.id} did not ask for an array {chunk.name!r} {chunk.dtype} {chunk.shape}.")
        rows, columns = chunk.shape
        if not (0 <= rows <= asked.row_stop - asked.row and 0 <= columns <= asked.column_stop - asked.column):
            raise WorkerError(f"The worker sends a tile of {rows} x {columns}, more than job {chunk.id} asked for.")
        return np.empty((rows, columns), np.dtype("<f2"))
