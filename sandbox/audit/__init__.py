"""The audit of a whole log without the service: every row, entry, tile, checkpoint and anchor of an export or a mirror.

    report = audit(Directory(Path("export")), trust)
    report.ok, report.findings

What is checked, and how a change is located, is in `run.py`. Needs `sandbox.evidence` and nothing else: no network, no
chain, no database. Memory grows by 17 bytes an entry; an audit that was stopped goes on where it was.
"""

from sandbox.audit.report import Finding, Report
from sandbox.audit.run import audit
from sandbox.audit.source import CHECKPOINTS, DESCRIPTION, ROWS, TRUST, Directory, Source

__all__ = [
    "CHECKPOINTS",
    "DESCRIPTION",
    "ROWS",
    "TRUST",
    "Directory",
    "Finding",
    "Report",
    "Source",
    "audit",
]
