"""Tables as Parquet, where pyarrow is installed (the extra ``parquet``)."""

from __future__ import annotations

import io
from typing import Any

import msgspec

from faa_core.errors import UsageError
from faa_core.export.plain import Columns

METADATA = b"faa"
"""Key of the metadata of the file under which JSON says where the numbers come from."""


def check_parquet() -> None:
    """Make sure, before anything is run, that Parquet can be written.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed.", "pip install 'faa-tui[parquet]', or write CSV or NPZ."
        ) from None


def as_parquet(columns: Columns, meta: dict[str, Any]) -> bytes:
    """A Parquet file of a table; ``None`` is null.

    Args:
        columns: The table.
        meta: Where its numbers come from.

    Raises:
        UsageError: pyarrow is not installed.
    """
    check_parquet()
    import pyarrow
    from pyarrow import parquet

    made = {name: _typed(cells) for name, cells in columns.items()}
    table = pyarrow.table(made).replace_schema_metadata({METADATA: msgspec.json.encode(meta)})
    stream = io.BytesIO()
    parquet.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def _typed(cells: list[Any]) -> Any:
    """A column; one that is empty in all rows holds numbers."""
    import pyarrow

    made = pyarrow.array(cells)
    return made.cast(pyarrow.float64()) if pyarrow.types.is_null(made.type) else made
