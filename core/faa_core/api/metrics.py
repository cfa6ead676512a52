"""`AttentionMetrics` of 1.0.0: definitions, which stay what they were; only the dimension in them is corrected."""

from __future__ import annotations

import math

from faa_core.api.matrix import Method, finite_matrix_of, is_reference, matrix_of, visible_support
from faa_core.geometry import reference_1_0 as reference
from faa_core.geometry.box_counting import box_dimension
from faa_core.geometry.matrices import Array


class AttentionMetrics:
    """The metrics of one attention matrix [n, m], NumPy array or torch tensor on any device.

    Entropy and uniformity run over the whole flattened matrix and sparsity over all of its entries, so a causal mask
    counts as structure. The statistics of ``faa analyze`` run over the keys that a row may see, each beside its null.

    All methods raise ValueError for what is no matrix, or holds NaN, infinity or negative weights.
    """

    def compute_entropy(self, attention_weights: Array) -> float:
        """Entropy in nats of all entries plus 1e-10, normalised to sum 1; 0 to ln(n m)."""
        return reference.entropy(finite_matrix_of(attention_weights, "attention_weights"))

    def compute_sparsity(self, attention_weights: Array, threshold: float = 0.01) -> float:
        """Share of all entries below ``threshold``, masked ones included."""
        return reference.sparsity(finite_matrix_of(attention_weights, "attention_weights"), threshold)

    def compute_concentration(self, attention_weights: Array, top_k: int = 5) -> float:
        """Share of the mass in the ``top_k`` heaviest columns; NaN where there is no mass.

        Raises:
            ValueError: ``top_k`` is below 1.
        """
        if top_k < 1:
            raise ValueError(f"Concentration is the share of at least one column, not {top_k}.")
        a = finite_matrix_of(attention_weights, "attention_weights")
        return reference.concentration(a, top_k) if a.any() else math.nan

    def compute_uniformity(self, attention_weights: Array) -> float:
        """exp(-KL) between the flattened matrix and an even spread over all entries; 0 to 1, NaN without mass."""
        a = finite_matrix_of(attention_weights, "attention_weights")
        return reference.uniformity(a) if a.any() else math.nan

    def compute_entropy_reduction(self, original_attention: Array, transformed_attention: Array) -> float:
        """Entropy of the original minus that of the transformed matrix, in nats."""
        original = finite_matrix_of(original_attention, "original_attention")
        return reference.entropy(original) - reference.entropy(
            finite_matrix_of(transformed_attention, "transformed_attention")
        )

    def compute_sparsity_improvement(
        self, original_attention: Array, transformed_attention: Array, threshold: float = 0.01
    ) -> float:
        """Sparsity of the transformed minus that of the original matrix."""
        original = finite_matrix_of(original_attention, "original_attention")
        transformed = finite_matrix_of(transformed_attention, "transformed_attention")
        return reference.sparsity(transformed, threshold) - reference.sparsity(original, threshold)

    def compute_interpretability_score(
        self, attention_weights: Array, fractal_dimension: float | None = None, method: Method = "corrected"
    ) -> float:
        """0.3 sparsity + 0.3 concentration + 0.2 (1 - uniformity) + 0.2 clip(1 - |D - 2| / 2, 0, 1).

        A convention without a theory. An uncertain D makes an uncertain score: no number stands for it.

        Args:
            attention_weights: [n, m].
            fractal_dimension: D; by default the one of the method.
            method: ``faa-1.0.0`` for the D of 1.0.0, with which an undefined D counts as 2.

        Returns:
            0 to 1; NaN where D is, or where there is no mass.
        """
        if is_reference(method):
            a = matrix_of(attention_weights, "attention_weights")
            given = reference.fractal_dimension(a) if fractal_dimension is None else fractal_dimension
            return reference.interpretability(a, given)
        a = finite_matrix_of(attention_weights, "attention_weights")
        given = float(box_dimension(a, visible_support(a)).value) if fractal_dimension is None else fractal_dimension
        return math.nan if math.isnan(given) or not a.any() else reference.interpretability(a, given)

    def compute_attention_flow(self, attention_weights: Array) -> dict[str, float]:
        """Shares of the mass above, below and on the diagonal; NaN where there is no mass."""
        a = finite_matrix_of(attention_weights, "attention_weights")
        return {name: share if a.any() else math.nan for name, share in reference.flow(a).items()}

    def compute_all_metrics(
        self, attention_weights: Array, fractal_dimension: float | None = None, method: Method = "corrected"
    ) -> dict[str, float]:
        """Every metric of one matrix under the keys of 1.0.0.

        Args:
            attention_weights: [n, m].
            fractal_dimension: D for ``fractal_dimension`` and ``interpretability_score``; by default it is measured.
            method: With ``faa-1.0.0``, the two are left out where no D is given, as they were.
        """
        reference_only = is_reference(method)
        metrics = {
            "entropy": self.compute_entropy(attention_weights),
            "sparsity": self.compute_sparsity(attention_weights),
            "concentration": self.compute_concentration(attention_weights),
            "uniformity": self.compute_uniformity(attention_weights),
            **self.compute_attention_flow(attention_weights),
        }
        if reference_only and fractal_dimension is None:
            return metrics
        if fractal_dimension is None:
            a = finite_matrix_of(attention_weights, "attention_weights")
            fractal_dimension = float(box_dimension(a, visible_support(a)).value)
        score = self.compute_interpretability_score(attention_weights, fractal_dimension, method)
        return metrics | {"fractal_dimension": fractal_dimension, "interpretability_score": score}
