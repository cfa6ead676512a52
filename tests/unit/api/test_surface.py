"""Names, arguments and defaults of fractal-attention-analysis 1.0.0: every one is here, in its place."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import faa_core

SURFACE: dict[str, dict[str, str]] = {
    "FractalAttentionAnalyzer": {
        "__init__": "model_name, device_manager=None, force_eager_attention=True, **model_kwargs",
        "analyze": "text, layer_idx=-1, head_idx=0, return_visualizations=False, save_dir=None",
        "analyze_batch": "texts, **kwargs",
        "compare_models": "other_model_name, text, **kwargs",
        "export_results": "results, output_path, format='json'",
    },
    "FractalTransforms": {
        "__init__": "phi=None",
        "golden_ratio_partition": "attention_matrix",
        "fractal_interpolation_function": "attention_weights, scale_factor=0.5",
        "compute_fractal_dimension": "attention_matrix, scales=None",
        "multi_scale_analysis": "attention_matrix, num_scales=5",
        "compute_self_similarity": "attention_matrix, scale_factor=2",
        "golden_ratio_scoring": "attention_weights",
    },
    "AttentionMetrics": {
        "compute_entropy": "attention_weights",
        "compute_sparsity": "attention_weights, threshold=0.01",
        "compute_concentration": "attention_weights, top_k=5",
        "compute_uniformity": "attention_weights",
        "compute_entropy_reduction": "original_attention, transformed_attention",
        "compute_sparsity_improvement": "original_attention, transformed_attention, threshold=0.01",
        "compute_interpretability_score": "attention_weights, fractal_dimension",
        "compute_attention_flow": "attention_weights",
        "compute_all_metrics": "attention_weights, fractal_dimension=None",
    },
    "AttentionVisualizer": {
        "__init__": "style",
        "plot_attention_matrix": "attention_matrix, tokens=None, title, save_path=None",
        "plot_fractal_comparison": "original, transformed, title, save_path=None",
        "plot_metrics_comparison": "metrics_dict, title, save_path=None",
        "plot_fractal_dimension_analysis": "scales, counts, dimension, title, save_path=None",
        "plot_multi_scale_analysis": "multi_scale_results, title, save_path=None",
        "plot_token_importance": "token_scores, tokens, top_k=10, title, save_path=None",
        "close_all": "",
    },
    "DeviceManager": {
        "__init__": "prefer_gpu=True, max_gpu_memory_gb=20",
        "get_device_config": "model_size_params",
        "log_memory_usage": "stage=''",
    },
    "ModelLoader": {
        "__init__": "device_manager=None",
        "load_model": "model_name, force_eager_attention=True, **kwargs",
    },
}
"""Class to method to arguments. Where there is no default, ours may have one; titles and the style are our own."""
METHODS = [(name, method) for name, methods in SURFACE.items() for method in methods]


def arguments_of(owner: Any, method: str) -> list[inspect.Parameter]:
    found = inspect.getattr_static(owner, method)
    function = found.__func__ if isinstance(found, staticmethod) else found
    return [one for name, one in inspect.signature(function).parameters.items() if name != "self"]


def assert_takes(ours: list[inspect.Parameter], asked: list[tuple[str, str | None]]) -> None:
    """Each argument by its name, those without ** in the same places, with the default if there is one."""
    by_name = {f"**{one.name}" if one.kind is one.VAR_KEYWORD else one.name: one for one in ours}
    for place, (name, default) in enumerate(asked):
        assert name in by_name
        if not name.startswith("**"):
            assert list(by_name)[place] == name
        if default is not None:
            assert repr(by_name[name].default) == default
    # What ours takes beyond that can be left out.
    beyond = [one for name, one in by_name.items() if name not in dict(asked) and not name.startswith("**")]
    assert all(one.default is not one.empty for one in beyond)


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_every_argument_is_taken_in_its_place_with_its_default(name: str, method: str) -> None:
    said = filter(None, SURFACE[name][method].split(", "))
    asked = [(key, default or None) for key, _, default in (part.partition("=") for part in said)]
    assert_takes(arguments_of(getattr(faa_core, name), method), asked)


def test_nothing_public_of_1_0_0_is_missing() -> None:
    """Beside the package itself, where it is installed (extra ``bench``)."""
    old = pytest.importorskip("fractal_attention_analysis")
    for name in old.__all__:
        theirs = getattr(old, name)
        for method in vars(theirs):
            if method.startswith("_") or not callable(getattr(theirs, method)):
                assert method.startswith("_") or hasattr(getattr(faa_core, name), method)
                continue
            assert method in SURFACE[name]
            asked = [
                (f"**{one.name}" if one.kind is one.VAR_KEYWORD else one.name, None)
                for one in arguments_of(theirs, method)
            ]
            assert_takes(arguments_of(getattr(faa_core, name), method), asked)
