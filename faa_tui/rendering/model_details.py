"""What a model is and takes, in a few lines, before it is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from textual.content import Content

from faa_core.inventory import ModelDetails
from faa_core.records import LayerInfo
from faa_tui.rendering.bytes_in_words import in_words
from faa_tui.rendering.text import visible

_LABEL = 11
"""Cells of the column of names."""


def model_details(details: ModelDetails) -> Content:
    """A line for each thing that is known."""
    rows = [("model", visible(details.architecture))]
    if details.has_attention:
        rows += [("layers", _layers(details)), ("attention", "; ".join(kinds_of(details.layers)))]
    rows.append(("context", f"{details.context:,} tokens" if details.context else "no limit is named"))
    rows.append(("parameters", _count(details.parameters)))
    rows.append(("weights", f"{in_words(details.weights)} in {visible(details.dtype)}"))
    if details.tokens:
        rows.append(("text", f"{in_words(details.beside)} more for {details.tokens:,} tokens"))
    rows.append(("memory", _memory(details)))
    if details.download is None:
        rows.append(("download", "not all of it is here; how much the hub knows"))
    elif details.download:
        rows.append(("download", f"{in_words(details.download)} to fetch first"))
    lines = [Content.assemble((f"{name:<{_LABEL}}", "dim"), text) for name, text in rows]
    if details.note:
        lines.append(Content.styled(visible(details.note), "$text-warning"))
    return Content("\n").join(lines)


def kinds_of(layers: Sequence[LayerInfo]) -> list[str]:
    """``causal in 13 layers``, ``sliding over 512 in 13 layers``, in the order in which they come first."""
    counts = Counter(_kind(layer) for layer in layers)
    return [f"{kind} in {count} {'layer' if count == 1 else 'layers'}" for kind, count in counts.items()]


def _kind(layer: LayerInfo) -> str:
    if not layer.heads:
        return "none"
    side = {"encoder": "encoder ", "decoder": "", "cross": ""}[layer.kind] if layer.pattern == "causal" else ""
    return f"{side}{layer.pattern}" + (f" over {layer.window:,}" if layer.window else "")


def _layers(details: ModelDetails) -> str:
    stacks: dict[str, list[int]] = {}
    for layer in details.layers:
        stacks.setdefault(layer.kind, []).append(layer.heads)
    parts = []
    for kind, heads in stacks.items():
        mapped = [count for count in heads if count]
        if not mapped:
            continue
        each = f"{mapped[0]}" if len(set(mapped)) == 1 else f"{min(mapped)}-{max(mapped)}"
        parts.append(f"{kind + ' ' if len(stacks) > 1 else ''}{len(heads)} x {each} heads")
    shared = details.key_heads and details.key_heads != max(layer.heads for layer in details.layers)
    return ", ".join(parts) + (f" ({details.key_heads} of keys and values)" if shared else "")


def _memory(details: ModelDetails) -> str:
    needed = in_words(details.weights + details.beside)
    free = ", ".join(
        f"{in_words(device.free)} of {in_words(device.total)} free on {visible(device.name)}"
        for device in details.devices
    )
    words = {
        "fits": "fits",
        "after-unloading": "fits once loaded models are given up, which opening it does",
        "spread": "fits only spread over several devices",
        "no": "does not fit",
    }[details.outlook]
    return f"{words}: needs {needed}; {free}"


def _count(parameters: int) -> str:
    """``1,377,408``, ``1.24 billion``."""
    for size, name in ((10**9, "billion"), (10**6, "million")):
        if parameters >= 10 * size or (parameters >= size and size == 10**9):
            return f"{parameters / size:.3g} {name}"
    return f"{parameters:,}"
