"""The sections of a report: what a template prints of a run, of several texts and of a comparison."""
