"""One run of a stack that dies, as by `kill -9`, at a chosen request to the cloud.

Arguments: folder, action (`up` or `destroy`), and where it dies as `killed_kraj` takes it, if it
does. A failure ends with code 3. Used by `test_kill_at_every_step`; not a test itself.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from killed_kraj import make_mortal

from kraj.engine.base import StackSpec
from kraj.engine.local.engine import LocalEngine
from kraj.errors import KrajError


def main() -> None:
    """Run; the result's operations and remarks go to standard output as JSON."""
    folder, action = Path(sys.argv[1]), sys.argv[2]
    if sys.argv[3:]:
        make_mortal(sys.argv[3], int(sys.argv[4]))
    environ = {"PULUMI_CONFIG_PASSPHRASE": "not a secret"}
    engine = LocalEngine(folder / "state", environ=environ, parallel=1)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    spec = StackSpec("killed", "one", "killed", folder / "program", config=config)
    try:
        result = getattr(engine, action)(spec, lambda _event: None)
    except KrajError as error:
        print(json.dumps(error.as_dict()))
        sys.exit(3)
    operations = {step.name: step.operation.value for step in result.steps}
    state = engine.export_state(spec)["deployment"]
    print(json.dumps({"operations": operations, "notes": result.diagnostics, "state": state}))


if __name__ == "__main__":
    main()
