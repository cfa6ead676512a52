"""Results as plain data: the public JSON shapes of the commands."""

from faa_core.export.analysis import SCHEMA, head_dict, to_dict, to_json
from faa_core.export.comparison import comparison_to_dict, comparisons_to_csv, comparisons_to_json
from faa_core.export.findings import examination_to_json
from faa_core.export.replication import replication_to_json

__all__ = [
    "SCHEMA",
    "comparison_to_dict",
    "comparisons_to_csv",
    "comparisons_to_json",
    "examination_to_json",
    "head_dict",
    "replication_to_json",
    "to_dict",
    "to_json",
]
