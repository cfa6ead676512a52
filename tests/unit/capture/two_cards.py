"""Models on two cards that are not there; run as a process of its own, because torch takes up a backend for good.

A tensor on a card computes on the processor, and says that it is on the card. As on real ones, an operation over
tensors of several devices fails, but for a copy, numbers without an axis, and indices in the memory of the host. What
accelerate does to spread a model is its own.

Called with folders of models; prints, for each, what a capture gave and how far it is from that in one piece.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import numpy as np
import torch
from accelerate import dispatch_model
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend
from transformers import AutoModel, AutoTokenizer

from faa_core.capture.calls import RowBudget
from faa_core.capture.coverage import find_coverage
from faa_core.capture.masks import RowMask
from faa_core.capture.strips import StripSize
from faa_core.library import analyze
from faa_core.models.devices import place_of
from faa_core.models.loading import DEMO_FOLDER

COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
INDEXING = (torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default)


class OnCard(torch.Tensor):
    """A tensor that says it is on a card."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner, device):
        layout = {"strides": inner.stride(), "storage_offset": inner.storage_offset()}
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, device=device, **layout)

    def __init__(self, inner, device):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})

    # Where torch would read the memory of the card.
    def __bool__(self):
        return bool(self.inner)

    def __float__(self):
        return float(self.inner)

    def __int__(self):
        return int(self.inner)

    def item(self):
        return self.inner.item()

    def tolist(self):
        return self.inner.tolist()

    def untyped_storage(self):
        return self.inner.untyped_storage()


class Machine(TorchDispatchMode):
    """Makes new tensors on the cards."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


def compute(func, args, kwargs):
    tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
    together = {tensor.device for tensor in tensors if tensor.ndim or isinstance(tensor, OnCard)}
    if func in INDEXING:
        together.discard(torch.device("cpu"))
    if len(together) > 1 and func not in COPIES:
        raise RuntimeError(f"{func} of tensors on {', '.join(sorted(map(str, together)))}")
    asked = kwargs.get("device")
    plain, named = tree_map(lambda value: value.inner if isinstance(value, OnCard) else value, (args, kwargs))
    if asked is not None:
        device, named = torch.device(asked), named | {"device": torch.device("cpu")}
    else:
        device = args[0].device if func in COPIES else next(iter(together), torch.device("cpu"))
    known = {id(tensor.inner): tensor for tensor in tensors if isinstance(tensor, OnCard)}

    def wrapped(value):
        if not isinstance(value, torch.Tensor) or device.type == "cpu":
            return value
        return known[id(value)] if id(value) in known else OnCard(value, device)

    return tree_map(wrapped, func(*plain, **named))


def install():
    """Make the backend known to torch, with what ``torch.tensor(..., device="card:0")`` needs of its own kernels."""
    _setup_privateuseone_for_python_backend("card")

    def empty(size, stride, dtype=None, layout=None, device=None, pin_memory=None):
        return OnCard(torch.empty_strided(size, stride, dtype=dtype), device)

    def copy(source, target, non_blocking=False):
        target.inner.copy_(source)
        return target

    kernels = torch.library.Library("aten", "IMPL")
    kernels.impl("empty_strided", empty, "PrivateUse1")
    kernels.impl("_copy_from", copy, "PrivateUse1")
    return kernels


def halves(module, prefix=""):
    """A map that puts the second half of every list of layers, and the parts behind it, on the second card."""
    where, card = {}, "card:0"
    for name, child in module.named_children():
        if any(isinstance(part, torch.nn.ModuleList) for part in child.children()):
            where |= halves(child, f"{prefix}{name}.")
        elif isinstance(child, torch.nn.ModuleList):
            for index in range(len(child)):
                card = "card:0" if index < len(child) / 2 else "card:1"
                where[f"{prefix}{name}.{index}"] = card
        else:
            where[f"{prefix}{name}"] = card
    return where


def collect(model, inputs):
    maps, rows, devices, whole = [], [], [], False

    def visit(info, call):
        nonlocal whole
        strips = [weights for _, weights in call.strips()]
        devices.append(str(strips[0].device))
        maps.append(torch.cat(strips, dim=1).cpu())
        rows.append(call.row_source(RowBudget()).rows(20, 50).cpu())
        mask = getattr(call, "mask", None)
        whole = whole or (isinstance(mask, RowMask) and mask.materialised)

    coverage = find_coverage(model)
    inputs = {name: value.to(place_of(model).computing[0]) for name, value in inputs.items()}
    output = coverage.run(model, inputs, visit, StripSize(1))
    return coverage.route, devices, [*maps, *rows, output.last_hidden_state.cpu()], whole


def arrays(value):
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.astuple(value)
    return [array for part in value for array in arrays(part)] if isinstance(value, tuple) else []


def load(folder):
    # Other implementations of experts ask which kind of device they are on.
    return AutoModel.from_pretrained(folder, dtype=torch.float32, experts_implementation="eager").eval()


def spread(model):
    return dispatch_model(model, halves(model), main_device="card:0", skip_keys=model._skip_keys_device_placement)


def captured(folder):
    model = load(folder)
    ids = torch.randint(3, 60, (1, 150), generator=torch.Generator().manual_seed(1))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids[:, :90]
    _, _, expected, _ = collect(model, inputs)
    route, devices, found, whole = collect(spread(model), inputs)
    worst = max(float((a - b).abs().max()) for a, b in zip(found, expected, strict=True))
    return {"route": route, "devices": devices, "difference": worst, "whole": whole, "place": str(place_of(model))}


def analysed():
    tokenizer, text = AutoTokenizer.from_pretrained(DEMO_FOLDER), "for name in sorted(names):\n    print(name)\n" * 12
    expected = analyze((load(DEMO_FOLDER), tokenizer), text)
    found = analyze((spread(load(DEMO_FOLDER)), tokenizer), text)
    pairs = list(zip(arrays(found.layers), arrays(expected.layers), strict=True))
    equal = [np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs]
    model = found.model
    return {"device": model.device, "route": model.route, "arrays": len(pairs), "equal": sum(equal)}


def main():
    kernels = install()  # for as long as it is referred to
    with torch.no_grad(), Machine():
        mixed = ""
        try:
            torch.ones(2, device="card:0") + torch.ones(2, device="card:1")
        except RuntimeError as error:
            mixed = str(error)
        found = {Path(folder).name: captured(folder) for folder in sys.argv[1:]}
        json.dump({"mixed": mixed, "captured": found, "analysed": analysed()}, sys.stdout)
    del kernels


if __name__ == "__main__":
    main()
