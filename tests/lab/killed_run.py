"""One run of a stack that dies, as by `kill -9`, at a chosen request to the real provider.

Arguments: folder, action (`up` or `destroy`), moment (`before`, `after` or `never`), number.
Used by `test_kill_at_every_step`; not a test itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from kraj.engine.base import StackSpec
from kraj.engine.local.engine import LocalEngine
from kraj.openstack.provider import OpenStackProvider


class Mortal(OpenStackProvider):
    """The provider of kraj; the process dies before or after its n-th creation or deletion."""

    moment, left = "never", 0
    counting = threading.Lock()

    def Create(self, request: Any, context: Any) -> Any:
        return (
            super().Create(request, context)
            if request.preview
            else self._do("Create", request, context)
        )

    def Delete(self, request: Any, context: Any) -> Any:
        return self._do("Delete", request, context)

    def _do(self, method: str, request: Any, context: Any) -> Any:
        with Mortal.counting:
            Mortal.left -= 1
            last = Mortal.left == 0
        if last and self.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = getattr(super(), method)(request, context)
        if last and self.moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def main() -> None:
    """Run; the result's operations and remarks go to standard output as JSON."""
    folder, action, moment, number = Path(sys.argv[1]), *sys.argv[2:5]
    Mortal.moment, Mortal.left = moment, int(number)
    engine = LocalEngine(
        folder / "state",
        providers={"openstack": Mortal},
        environ={"PULUMI_CONFIG_PASSPHRASE": "not a secret"},
        parallel=1,
    )
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    spec = StackSpec("killed", "one", "killed", folder / "program", config=config)
    result = getattr(engine, action)(spec, lambda _event: None)
    operations = {step.name: step.operation.value for step in result.steps}
    state = engine.export_state(spec)["deployment"]
    print(json.dumps({"operations": operations, "notes": result.diagnostics, "state": state}))


if __name__ == "__main__":
    main()
