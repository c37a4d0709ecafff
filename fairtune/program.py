"""For a Python training that fairtune runs as a program: `from fairtune.program import report`."""

from studies.program import report, report_test

__all__ = ["report", "report_test"]
