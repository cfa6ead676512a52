"""The examples of the documentation of 1.0.0, with the import changed and the bundled model for those of the hub."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

# fmt: off
BASIC = """
from faa_core import FractalAttentionAnalyzer
analyzer = FractalAttentionAnalyzer("demo")
results = analyzer.analyze("The golden ratio appears in nature and mathematics.")
print(f"Fractal Dimension: {results['fractal_dimension']:.4f}")
print(f"Metrics: {results['metrics']}")
"""

ANALYZER = """
from pathlib import Path
from faa_core import FractalAttentionAnalyzer
analyzer = FractalAttentionAnalyzer(model_name="demo", device_manager=None, force_eager_attention=True)
results = analyzer.analyze(
    text="Your input text", layer_idx=-1, head_idx=0, return_visualizations=True, save_dir=Path("./output")
)
assert sorted(path.name for path in Path("output").iterdir()) == [
    "attention_matrix.png", "fractal_comparison.png", "token_importance.png"
]
"""

TRANSFORMS = """
from faa_core import FractalTransforms
transforms = FractalTransforms()
dimension = transforms.compute_fractal_dimension(attention_matrix)
transformed = transforms.fractal_interpolation_function(attention_matrix)
scored = transforms.golden_ratio_scoring(attention_matrix)
assert transformed.shape == scored.shape == attention_matrix.shape
"""

METRICS = """
from faa_core import AttentionMetrics
metrics = AttentionMetrics()
all_metrics = metrics.compute_all_metrics(attention_matrix, fractal_dimension=2.0295)
entropy = metrics.compute_entropy(attention_matrix)
sparsity = metrics.compute_sparsity(attention_matrix)
concentration = metrics.compute_concentration(attention_matrix)
assert (entropy, sparsity, concentration) == tuple(
    all_metrics[key] for key in ("entropy", "sparsity", "concentration")
)
"""

VISUALIZER = """
from faa_core import AttentionVisualizer
visualizer = AttentionVisualizer()
fig = visualizer.plot_attention_matrix(attention_matrix, tokens=["Hello", "world"], title="Attention Pattern")
fig = visualizer.plot_fractal_comparison(original_attention, transformed_attention)
assert fig.axes
"""

ADVANCED = """
from faa_core import FractalAttentionAnalyzer
analyzer = FractalAttentionAnalyzer("demo")
texts = ["First sentence to analyze.", "Second sentence to analyze.", "Third sentence to analyze."]
results = analyzer.analyze_batch(texts)
assert len(results) == 3
comparison = analyzer.compare_models(other_model_name="demo@init", text="Compare attention patterns")
print(f"Dimension difference: {comparison['dimension_difference']:.4f}")
results = results[0]
analyzer.export_results(results, "output.json", format='json')
analyzer.export_results(results, "output.csv", format='csv')
analyzer.export_results(results, "output.npz", format='npz')
"""
# fmt: on


@pytest.mark.parametrize("example", [BASIC, ANALYZER, TRANSFORMS, METRICS, VISUALIZER, ADVANCED])
def test_an_example_of_1_0_0_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a = np.array([[1.0, 0.0], [0.4, 0.6]])
    exec(example, {"attention_matrix": a, "original_attention": a, "transformed_attention": a / 2})
