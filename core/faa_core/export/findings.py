"""What was asked about a run beyond its one pass, as plain data."""

from __future__ import annotations

from typing import Any

from faa_core.baseline import against_init
from faa_core.export.plain import json_of, number, provenance
from faa_core.findings import Findings, HeadExamination
from faa_core.records import STATUSES, Analysis

EXAMINATION = "faa.examination/1"
"""Name and major version of the shape of one examined head."""


def add_findings(plain: dict[str, Any], analysis: Analysis, findings: Findings) -> None:
    """Add to an exported analysis, and to its heads, what else was asked.

    Heads get ``random_init``, ``tests``, ``probe`` and ``examination``; the whole gets ``rollout`` and the settings of
    the rest.
    """
    heads = {(head["kind"], head["layer"], head["head"]): head for head in plain["heads"]}
    if findings.init is not None:
        plain["random_init"] = provenance(findings.init.model)
        for result, layer in zip(analysis.layers, against_init(analysis, findings.init), strict=True):
            for head in range(result.info.heads):
                if (entry := heads.get((result.info.kind, result.info.layer, head))) is not None:
                    entry["random_init"] = {
                        name: {
                            "mean": number(float(layer.mean[row])),
                            "sd": number(float(layer.sd[row])),
                            "difference": number(float(layer.difference[row, head])),
                            "z": number(float(layer.z[row, head])),
                        }
                        for row, name in enumerate(layer.names)
                    }
    if findings.tests:
        plain["tests"] = [
            {
                "statistic": test.statistic,
                "surrogate": test.surrogate,
                "replicates": test.replicates,
                "seed": test.seed,
                "family": "every head of the run, Benjamini-Hochberg",
            }
            for test in findings.tests
        ]
    for test in findings.tests:
        for tested in test.layers:
            for head in range(tested.info.heads):
                if (entry := heads.get((tested.info.kind, tested.info.layer, head))) is not None:
                    entry.setdefault("tests", {})[test.statistic] = {
                        "value": number(float(tested.value[head])),
                        "null_mean": number(float(tested.null_mean[head])),
                        "null_sd": number(float(tested.null_sd[head])),
                        "z": number(float(tested.z[head])),
                        "p": number(float(tested.p[head])),
                        "q": number(float(tested.q[head])),
                        "status": STATUSES[tested.status[head]],
                    }
    if findings.probe is not None:
        probe = findings.probe
        plain["probe"] = {"length": probe.length, "draws": probe.draws, "seed": probe.seed}
        for probed in probe.layers:
            for head in range(probed.info.heads):
                if (entry := heads.get((probed.info.kind, probed.info.layer, head))) is not None:
                    entry["probe"] = {
                        name: {
                            "value": number(float(probed.value[row, head])),
                            "se": number(float(probed.error[row, head])),
                            "null": number(float(probed.null[row, head])),
                            "without_first_token": number(float(probed.without_first[row, head])),
                        }
                        for row, name in enumerate(probed.names)
                    }
    if findings.rollouts:
        plain["rollout"] = [
            {
                "kind": rolled.kind,
                "value": [number(value) for value in rolled.value.tolist()],
                "null": [number(value) for value in rolled.null.tolist()],
                "status": rolled.status,
            }
            for rolled in findings.rollouts
        ]
    for examination in findings.examinations:
        if (entry := heads.get((examination.kind, examination.layer, examination.head))) is not None:
            entry["examination"] = _examined(examination)


def examination_to_json(analysis: Analysis, examination: HeadExamination) -> bytes:
    """Every quantity and curve of one examined head as indented UTF-8 JSON."""
    plain = {
        "schema": EXAMINATION,
        **provenance(analysis.model),
        "text": analysis.text,
        "tokens": list(analysis.tokens.pieces),
        "kind": examination.kind,
        "layer": examination.layer,
        "head": examination.head,
        **_examined(examination),
    }
    return json_of(plain)


def _examined(examination: HeadExamination) -> dict[str, Any]:
    return {
        "queries": examination.queries,
        "keys": examination.keys,
        "seconds": examination.seconds,
        "quantities": {
            quantity.name: {
                "value": number(quantity.value),
                "se": number(quantity.error),
                "null": number(quantity.null),
                "difference": number(quantity.difference),
                "effective": number(quantity.effective),
                "status": quantity.status,
                "without_first_token": number(quantity.without_first),
            }
            for quantity in examination.quantities
        },
        "spectrum": [
            {"q": str(q) if q == float("inf") else q, "D_q": number(d), "alpha": number(a), "f": number(f)}
            for q, d, a, f in zip(
                examination.q.tolist(),
                examination.spectrum.tolist(),
                examination.alpha.tolist(),
                examination.f.tolist(),
                strict=True,
            )
        ],
        "curves": {
            curve.name: {
                "scales": curve.scales.tolist(),
                "regressor": curve.regressor.tolist(),
                "ordinate": [number(value) for value in curve.ordinate.tolist()],
                "null": [number(value) for value in curve.null_ordinate.tolist()],
            }
            for curve in examination.curves
        },
    }
