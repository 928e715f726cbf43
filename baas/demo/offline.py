"""The child that verifies: it refuses every socket, and gets files alone. Run as a script, never imported.

Reads a JSON task from standard input: `{"trust": path, "cases": [{"name", "document", "receipt"}]}`; writes one JSON
answer: for each case whether the policy was met, the first failed step, and what step 1 said.
"""

import json
import sys
from pathlib import Path


def refuse_sockets(event: str, _arguments: object) -> None:
    if event.startswith("socket."):
        raise PermissionError(f"{event}: this process verifies offline and may not use a socket")


sys.addaudithook(refuse_sockets)

from sandbox.errors import MalformedEvidence  # noqa: E402  # these three are imported under the hook,
from sandbox.evidence import receipt, trust  # noqa: E402  # so that not even an import
from sandbox.evidence.verify import verify  # noqa: E402  # opens a socket


def main() -> None:
    task = json.load(sys.stdin)
    root = trust.parse(Path(task["trust"]).read_bytes())
    answers = []
    for case in task["cases"]:
        try:
            report = verify(Path(case["document"]), receipt.parse(Path(case["receipt"]).read_bytes()), root)
            said = report.steps[0].outcome.text
            answers.append(
                {"name": case["name"], "ok": report.ok, "failed_step": report.failed_step, "said": said}
            )
        except MalformedEvidence as error:
            answers.append({"name": case["name"], "ok": False, "failed_step": "parse", "said": str(error)})
    json.dump({"answers": answers, "loaded": sorted(sys.modules)}, sys.stdout)


main()
