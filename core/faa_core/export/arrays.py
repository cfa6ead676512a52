"""Whole records as arrays by name, in one file of NumPy: nothing is rounded, left out or pickled.

Every array of a record is an entry of the file, named by its way from the top: ``layers.decoder.1.statistics.value``.
All the rest is JSON in the entry ``meta``, in which the arrays are told by their names.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.export.plain import provenance
from faa_core.origin import UNKNOWN, Origin
from faa_core.records import STATUSES, LayerInfo, ModelInfo

SCHEMA = "faa.arrays/1"
"""Name and major version of the shape."""


def to_npz(records: Mapping[str, msgspec.Struct], models: Mapping[str, ModelInfo], origin: Origin = UNKNOWN) -> bytes:
    """A NumPy file of records.

    Args:
        records: Records by name; the name begins those of its arrays, "" that of none.
        models: The models by the name that the file has for them.
        origin: What was asked for.
    """
    arrays: dict[str, NDArray[Any]] = {}
    plain = {name or "record": _plain(record, name, arrays) for name, record in records.items()}
    meta = {
        "schema": SCHEMA,
        **(provenance(models[""]) if "" in models else {name: provenance(model) for name, model in models.items()}),
        **origin.as_dict(),
        "texts_sha256": list(origin.texts),
        "statuses": STATUSES,
        **plain,
    }
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, meta=np.array(msgspec.json.encode(meta).decode()), **arrays)
    return stream.getvalue()


def _plain(value: Any, name: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """``value`` without its arrays, which go to ``arrays``; each leaves its name behind."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return name
    if isinstance(value, msgspec.Struct):
        return {
            field: _plain(getattr(value, field), f"{name}.{field}".lstrip("."), arrays)
            for field in value.__struct_fields__
        }
    if isinstance(value, tuple | list):
        return [_plain(item, f"{name}.{_place(item, place)}", arrays) for place, item in enumerate(value)]
    return value


def _place(item: Any, place: int) -> str:
    """How an item of a list is named: a layer by its kind and number, anything else by its place."""
    info = getattr(item, "info", None)
    return f"{info.kind}.{info.layer}" if isinstance(info, LayerInfo) else str(place)
