"""faa from Python: one call measures every head of a model on a text, another compares two models.

`analyze` takes whatever has attention: a reference, a model of transformers that is loaded already, or the attention
itself, from any library. It is measured in this process; a reference to a model on another machine, by a worker there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faa_core.comparison.compare import compare as compare_runs
from faa_core.comparison.records import Comparison
from faa_core.errors import UsageError
from faa_core.library.sides import opened, side_by_side
from faa_core.records import Analysis, LayerSketch

__all__ = ["analyze", "compare"]


def analyze(
    model: Any,
    text: str | Sequence[str] = "",
    *,
    device: str = "auto",
    dtype: str = "auto",
    truncate: bool = False,
) -> Analysis:
    """Measure every layer and head of a model on one text, each number beside its null.

    Args:
        model: One of

            - a reference: ``demo``, a folder, a name on the hub with ``@revision`` if need be, ``MODEL@init`` for
              random weights, or a file of attention. It is loaded anew for each call. With ``HOST:`` before it, it is
              one of another machine, where `ssh` leads and `faa` is installed; only results come back;
            - a pair (model, tokenizer) of transformers, which stays as it is;
            - attention: an array [n, m], [heads, n, m] or [layers, heads, n, m], a sequence of [heads, n, m], a mapping
              of layer to [heads, n, m], a cache of TransformerLens (its ``blocks.N.attn.hook_pattern``), or the output
              of a model of transformers with its ``attentions``. A batch of one may stand before the heads. Arrays are
              anything with ``__array__`` or ``detach``; proxies of nnsight are asked for their ``value``.
        text: The text; for attention, the tokens, if they are known.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``. A loaded model stays where it is, and ``auto`` on
            another machine is the device that the configuration has for it.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``. A loaded model stays what it is.
        truncate: Cut a text that is longer than the model's context, instead of refusing it.

    Returns:
        The run: `to_frame` makes a table of it, and a notebook shows one.

    Raises:
        UsageError: The model is none of these, or the text is empty or too long.
        ModelError: The model cannot be found or loaded.
        NoAttentionError: It has no attention.
        OutOfMemoryError: It does not fit.
        HostError: The other machine cannot be reached, or has no worker that fits; `LoginError` where it does not let
            you in without a question, which only a person at a terminal can answer.
        Cancelled: A Ctrl-C came while another machine was at work.
    """
    said, tokens = (text, ()) if isinstance(text, str) else ("", tuple(map(str, text)))
    with opened([model], tokens, device, dtype, truncate) as (side,):
        return side.measure(said)


def compare(
    a: Any,
    b: Any,
    texts: str | Sequence[str] = (),
    *,
    device: str = "auto",
    dtype: str = "auto",
    truncate: bool = False,
    by_divergence: bool = False,
    seed: int = 0,
) -> Comparison:
    """Compare two models head by head on the same texts.

    Tokens are aligned where the models cut a text otherwise, heads are matched, and over several texts differences are
    tested.

    Args:
        a: The first model, as `analyze` takes it, or its finished runs, one for each text. Heads of finished runs have
            no divergence, because their maps are gone.
        b: The other one.
        texts: One text, or several; not needed where both sides are finished runs or attention.
        device: As in `analyze`.
        dtype: As in `analyze`.
        truncate: As in `analyze`.
        by_divergence: Match heads by how they attend even where both models have the same shape.
        seed: Where random draws begin.

    Raises:
        FaaError: As `analyze`; or the two sides cannot be compared.
    """
    finished_a, finished_b = _finished(a), _finished(b)
    if finished_a is not None and finished_b is not None:
        return compare_runs(finished_a, finished_b, by_divergence=by_divergence, seed=seed)
    if finished_a is not None or finished_b is not None:
        raise UsageError(
            "A finished run can be compared with another finished run only.", "Analyse both, or give both models."
        )
    wanted = (texts,) if isinstance(texts, str) else tuple(texts) or ("",)
    runs: tuple[list[Analysis], list[Analysis]] = ([], [])
    sketches: tuple[list[tuple[LayerSketch, ...]], list[tuple[LayerSketch, ...]]] = ([], [])
    with opened([a, b], (), device, dtype, truncate) as sides:
        if len(wanted) > 1 and any(side.of_one_text for side in sides):
            raise UsageError("Attention is that of one text.", "Compare it with a model on that text alone.")
        for text in wanted:
            for side, (run, sketched) in enumerate(zip(*side_by_side(sides, text), strict=True)):
                runs[side].append(run)
                sketches[side].append(sketched)
        machines = sides[0].machine, sides[1].machine
    return compare_runs(*runs, *sketches, hosts=machines, by_divergence=by_divergence, seed=seed)


def _finished(side: Any) -> tuple[Analysis, ...] | None:
    """The runs, where a side is made of them."""
    if isinstance(side, Analysis):
        return (side,)
    if isinstance(side, list | tuple) and side and all(isinstance(one, Analysis) for one in side):
        return tuple(side)
    return None
