"""Carries a stack from one engine to the other by export and import, and back.

The stack is that of a feature's first stage. After each move, a preview that reads everything from
the cloud has to find nothing to do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kraj.engine.base import Engine, Result
from kraj.engine.conformance.features import Feature
from kraj.engine.conformance.observing import Bench
from kraj.events import ignore
from kraj.files import write_atomically

EXPORTS = Path(__file__).parent / "exported"
#: Features whose states hold all that a state can hold.
CARRIED = ("lifecycle", "parent", "providers", "secrets", "values", "custom_timeouts", "read")


class Journey:
    """One stack in one cloud, on its way between engines."""

    def __init__(self, feature: Feature, root: Path, start: Engine) -> None:
        self.bench = Bench(root, feature, start)
        self.bench.prepare()
        self.spec = self.bench.spec(feature.stages[0], 1)

    def begin(self) -> dict[str, Any]:
        """Apply the program; gives the export."""
        self.bench.engine.up(self.spec, ignore)
        return self.bench.engine.export_state(self.spec)

    def arrive(self, engine: Engine, exported: dict[str, Any]) -> Result:
        """Import on another engine; gives what a preview finds to do there."""
        engine.import_state(self.spec, exported)
        self.bench.engine = engine
        return engine.preview(self.spec, ignore, refresh=True)

    def write(self, exported: dict[str, Any]) -> None:
        """Keep an export, and the cloud that it is of, for machines without Pulumi's command."""
        files = sorted(self.bench.cloud.glob("*.json"))
        content = {
            "export": _without_places(exported),
            "cloud": {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files},
        }
        text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
        text = text.replace(str(self.bench.root), "<root>")
        write_atomically(EXPORTS / f"{self.bench.feature.key}.json", text + "\n")

    def read(self) -> dict[str, Any]:
        """Put the cloud of a kept export in place; gives the export."""
        text = (EXPORTS / f"{self.bench.feature.key}.json").read_text(encoding="utf-8")
        content = json.loads(text.replace("<root>", str(self.bench.root)))
        self.bench.change(content["cloud"])
        return dict(content["export"])


def _without_places(value: Any) -> Any:
    """Without where in the file system of one machine something was written."""
    if isinstance(value, dict):
        own = ("sourcePosition", "stackTrace")
        return {key: _without_places(item) for key, item in value.items() if key not in own}
    return [_without_places(item) for item in value] if isinstance(value, list) else value
