"""The Renyi spectrum of every head of a layer, from the masses that a pass over its rows has summed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.renyi import ORDERS, fit_orders, orders_of
from faa_core.geometry.unfolding import Masses, boxes_per_side
from faa_core.heads.summary import Column
from faa_core.records import DIMENSION_ORDERS, RenyiSpectrum, status_code

_OK = status_code("ok")


class Spectra(NamedTuple):
    """The spectrum, and the orders that are statistics by themselves.

    Attributes:
        record: The whole.
        columns: ``D1``, ``D2`` and ``D_inf`` by key.
    """

    record: RenyiSpectrum
    columns: dict[str, Column]


def spectrum_of(masses: Masses, validity: NDArray[np.uint8]) -> Spectra:
    """Renyi dimensions of each head.

    Args:
        masses: Unfolded masses of the heads.
        validity: uint8 [heads]: status of the attention itself; heads that are not valid have no dimension.
    """
    orders = orders_of(ORDERS)
    valid = validity == _OK
    finest = torch.where(torch.from_numpy(valid).to(masses.finest.device)[:, None, None], masses.finest, 0.0)
    fit, curves = fit_orders(masses._replace(finest=finest), orders, valid, torch.float32)
    status = np.where(valid[:, None], fit.status, validity[:, None]).astype(np.uint8)
    record = RenyiSpectrum(
        q=orders,
        boxes=np.array(boxes_per_side(finest.shape[-1]), dtype=np.int64),
        curves=curves,
        effective=fit.effective,
        error=fit.error,
        status=status,
    )
    places = {name: ORDERS.index(order) for name, order in DIMENSION_ORDERS.items()}
    return Spectra(record, {name: Column(fit.value[:, at], status[:, at]) for name, at in places.items()})
