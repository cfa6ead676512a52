"""`FractalAttentionAnalyzer` of 1.0.0: one head of one layer of a model on a text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faa_core import reference
from faa_core.api.exporting import export
from faa_core.api.loading import CHECKPOINT, DeviceManager, ModelLoader
from faa_core.api.matrix import Method, is_reference
from faa_core.api.metrics import AttentionMetrics
from faa_core.api.one_head import HeadMap, head_map
from faa_core.api.transforms import FractalTransforms
from faa_core.capture.arrays import open_maps
from faa_core.capture.opening import ModelSource, Source
from faa_core.errors import UsageError
from faa_core.figures import AttentionVisualizer
from faa_core.figures.canvas import need_matplotlib
from faa_core.geometry import reference_1_0

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Results = dict[str, Any]
SaveDir = str | PathLike[str] | None

FIGURES = ("attention_matrix", "fractal_comparison", "token_importance")
"""Figures of one analysis, and their file names without the ending."""


class FractalAttentionAnalyzer:
    """Runs texts through a model, in this process, and measures one head.

    `faa_core.analyze` measures every head in the same time, each number beside its null.

    Args:
        model_name: ``demo``, a folder, a name on the hub, ``MODEL@init`` for random weights, or a file of attention.
        device_manager: Where the model runs; by default on an accelerator where there is one.
        force_eager_attention: Whether `model` can return attention itself; its maps are the same either way.
        method: What names mean: ``corrected``, or ``faa-1.0.0`` for the numbers of 1.0.0 to the last digit, with the
            model in the number format of its files unless ``dtype`` is given.
        **model_kwargs: ``dtype`` (or ``torch_dtype``) and ``revision``; see `ModelLoader.load`.

    Attributes:
        model_name: As given.
        device_manager: Where the model runs.
        model_loader: What loaded it.
        fractal_transforms: The transforms.
        metrics: The metrics.
        model: The model, from transformers; ``None`` for a file of attention.
        tokenizer: Its tokenizer; ``None`` for a file of attention.

    Raises:
        FaaError: The model cannot be found or loaded, or has no attention.
    """

    def __init__(
        self,
        model_name: str,
        device_manager: DeviceManager | None = None,
        force_eager_attention: bool = True,
        method: Method = "corrected",
        **model_kwargs: Any,
    ) -> None:
        self.model_name = model_name
        self.device_manager = DeviceManager() if device_manager is None else device_manager
        self.model_loader = ModelLoader(self.device_manager)
        self.fractal_transforms = FractalTransforms()
        self.metrics = AttentionMetrics()
        self.model: Any = None
        self.tokenizer: Any = None
        self._method = method
        self._eager = force_eager_attention
        if is_reference(method) and not {"dtype", "torch_dtype"} & set(model_kwargs):
            model_kwargs["dtype"] = CHECKPOINT
        self._model_kwargs = model_kwargs
        self._source = self._open()

    @property
    def visualizer(self) -> AttentionVisualizer:
        """What draws the figures.

        Raises:
            UsageError: matplotlib is not installed.
        """
        return AttentionVisualizer()

    @property
    def device(self) -> str:
        """Where the model runs, for example ``cpu`` or ``cuda:0``."""
        return self._source.info.device

    def analyze(
        self,
        text: str,
        layer_idx: int = -1,
        head_idx: int = 0,
        return_visualizations: bool = False,
        save_dir: SaveDir = None,
        method: Method | None = None,
    ) -> Results:
        """Measure one head on a text.

        Args:
            text: The text; without part in it for a file of attention.
            layer_idx: The layer; a negative index counts those with a map from the last.
            head_idx: The head; a negative index counts from the last.
            return_visualizations: Whether the figures come along.
            save_dir: Folder for the figures, as PNG at 300 dpi; made where it is missing. They come along then, too.
            method: ``corrected`` or ``faa-1.0.0``; by default that of the analyzer.

        Returns:
            ``fractal_dimension``: float, NaN where undefined.
            ``transformed_attention``: float32 [queries, keys], the golden-ratio interpolation of the map.
            ``golden_ratio_scored``: float64 [queries, keys], its rows with golden-ratio weights.
            ``metrics``: dictionary of floats; NaN where undefined.
            ``tokens``: list of strings, one for each key.
            ``analysis_time``: seconds.
            ``model_name``, ``layer_idx``, ``head_idx``: as given.
            ``visualizations``: dictionary of matplotlib figures, where asked for.

        Raises:
            UsageError: There is no such layer or head, the text is empty or too long, or figures cannot be made.
            NoAttentionError: The layer has no attention map.
            ValueError: There is no such method.
        """
        as_reference = is_reference(self._method if method is None else method)
        drawn = return_visualizations or save_dir is not None
        if drawn:
            need_matplotlib()
        start = time.perf_counter()
        found = head_map(self._source, self._source.encode(text, False), layer_idx, head_idx)
        results = self._measured(found, as_reference)
        results |= {
            "analysis_time": time.perf_counter() - start,
            "model_name": self.model_name,
            "layer_idx": layer_idx,
            "head_idx": head_idx,
        }
        if drawn:
            results["visualizations"] = self._figures(found, results, save_dir)
        return results

    def analyze_batch(self, texts: Sequence[str], **kwargs: Any) -> list[Results]:
        """`analyze` for each of several texts.

        Args:
            texts: The texts.
            **kwargs: As in `analyze`. Figures of text i go to the folder ``text_i`` of ``save_dir``, counted from 0.

        Raises:
            FaaError: As `analyze`; no text is left out.
        """
        folder = kwargs.pop("save_dir", None)
        return [
            self.analyze(text, save_dir=None if folder is None else Path(folder) / f"text_{place}", **kwargs)
            for place, text in enumerate(texts)
        ]

    def compare_models(self, other_model_name: str, text: str, **kwargs: Any) -> Results:
        """The same head of another model on the same text.

        Args:
            other_model_name: The other model.
            text: The text.
            **kwargs: As in `analyze`, without figures.

        Returns:
            ``model_1`` and ``model_2``: each ``name``, ``fractal_dimension`` and ``metrics``.
            ``dimension_difference``: absolute difference of the two dimensions; NaN where one is undefined.

        Raises:
            FaaError: As `analyze`, or the other model cannot be loaded.
        """
        method = kwargs.get("method") or self._method
        other = FractalAttentionAnalyzer(
            other_model_name, self.device_manager, self._eager, method, **self._kwargs_of_another()
        )
        first, second = (analyzer.analyze(text, **kwargs) for analyzer in (self, other))
        return {
            **{
                key: {
                    "name": one["model_name"],
                    "fractal_dimension": one["fractal_dimension"],
                    "metrics": one["metrics"],
                }
                for key, one in (("model_1", first), ("model_2", second))
            },
            "dimension_difference": abs(first["fractal_dimension"] - second["fractal_dimension"]),
        }

    def export_results(
        self, results: Results | Sequence[Results], output_path: str | PathLike[str], format: str = "json"
    ) -> None:
        """Write what `analyze`, `analyze_batch` or `compare_models` returned; see `faa_core.api.exporting.export`.

        Args:
            results: The results.
            output_path: The file; one that is there is replaced.
            format: ``json``, ``csv`` or ``npz``.

        Raises:
            UsageError: The format is not known, or cannot hold these results.
            FileError: The file cannot be written.
        """
        export(results, Path(output_path), format)

    def _open(self) -> Source:
        parsed = reference.parse(self.model_name)
        if parsed.source == "array" and parsed.host is None:
            return open_maps(Path(parsed.model).expanduser(), str(parsed), self.device_manager.device)
        loaded = self.model_loader.load(self.model_name, **self._model_kwargs)
        self.model, self.tokenizer = loaded.model, loaded.tokenizer
        if self._eager:
            self.model.set_attn_implementation("eager")
        return ModelSource(loaded, str(parsed))

    def _kwargs_of_another(self) -> dict[str, Any]:
        """The number format goes for both models; a revision is one of this model."""
        return {key: value for key, value in self._model_kwargs.items() if key != "revision"}

    def _measured(self, found: HeadMap, as_reference: bool) -> Results:
        a = found.weights
        if as_reference:
            dimension = reference_1_0.fractal_dimension(a)
            metrics = self.metrics.compute_all_metrics(a, dimension, method="faa-1.0.0")
        else:
            dimension = self.fractal_transforms.compute_fractal_dimension(a, support=found.support)
            metrics = self.metrics.compute_all_metrics(a, dimension)
        return {
            "fractal_dimension": dimension,
            "transformed_attention": self.fractal_transforms.fractal_interpolation_function(a),
            "golden_ratio_scored": self.fractal_transforms.golden_ratio_scoring(a),
            "metrics": metrics,
            "tokens": list(found.keys.pieces),
        }

    def _figures(self, found: HeadMap, results: Results, save_dir: SaveDir) -> dict[str, Figure]:
        folder = None if save_dir is None else Path(save_dir)
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(f"{folder} cannot be a folder: {error.strerror}.", "Name another one.") from error
        paths = {name: None if folder is None else folder / f"{name}.png" for name in FIGURES}
        visualizer = self.visualizer
        where = f"{self.model_name}, layer {found.info.name}, head {found.head}"
        tokens = list(found.keys.pieces)
        return {
            "attention_matrix": visualizer.plot_attention_matrix(
                found.weights, tokens, f"Attention of {where}", paths["attention_matrix"]
            ),
            "fractal_comparison": visualizer.plot_fractal_comparison(
                found.weights,
                results["transformed_attention"],
                f"Golden-ratio interpolation of {where}",
                paths["fractal_comparison"],
            ),
            "token_importance": visualizer.plot_token_importance(
                found.weights.mean(axis=0, dtype=np.float64),
                tokens,
                title=f"Attention received in {where}",
                save_path=paths["token_importance"],
                null=_even_share(found),
                label="mean attention received (share of a row)",
            ),
        }


def _even_share(found: HeadMap) -> np.ndarray[Any, Any]:
    """float64 [keys]: what each key receives where every row attends evenly to the keys that it may see."""
    mask = found.support.mask().cpu().numpy()
    share: np.ndarray[Any, Any] = (mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)).mean(axis=0)
    return share
