"""Results as plain data: the public JSON shapes of the commands, and files in every form."""

from faa_core.export.analysis import SCHEMA, head_dict, to_dict, to_json
from faa_core.export.comparison import comparison_to_dict, comparisons_to_csv, comparisons_to_json
from faa_core.export.findings import examination_to_json
from faa_core.export.forms import FORMS, Form, analysis_file, comparisons_file, form_of, texts_file
from faa_core.export.replication import replication_to_json

__all__ = [
    "FORMS",
    "SCHEMA",
    "Form",
    "analysis_file",
    "comparison_to_dict",
    "comparisons_file",
    "comparisons_to_csv",
    "comparisons_to_json",
    "examination_to_json",
    "form_of",
    "head_dict",
    "replication_to_json",
    "texts_file",
    "to_dict",
    "to_json",
]
