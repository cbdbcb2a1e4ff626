"""One stack as the Automation API has it, without the calls of the command that kraj can spare.

Each call of the command costs a quarter of a second and more. The Automation API makes two before a
run (whether the stack exists) and three after it (outputs, twice, and history), all of which are
known here otherwise: from the state folder and from the event stream.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi.automation import (
    LocalWorkspace,
    OutputMap,
    Stack,
    StackNotFoundError,
    UpdateSummary,
)

from kraj.engine.base import StackSpec
from kraj.engine.pulumi_command import Command
from kraj.engine.pulumi_events import Recorder


class PulumiStack(Stack):
    """A stack in its work folder. Failures are the Automation API's CommandError."""

    def __init__(
        self, spec: StackSpec, folder: Path, command: Command, recorder: Recorder | None = None
    ) -> None:
        # Not the base's: it would ask whether the stack exists.
        self.name = spec.stack
        self.workspace = LocalWorkspace(work_dir=str(folder), pulumi_command=command)
        self.folder = folder
        self._command = command
        self._recorder = recorder

    @property
    def interrupted(self) -> bool:
        return self._command.interrupted

    @property
    def last_words(self) -> str:
        """What the command that failed printed as its error."""
        return self._command.last_words

    def interrupt(self) -> None:
        """As Ctrl-C; from any thread."""
        self._command.interrupt()

    # -- runs

    def apply(
        self, action: str, *, preview: bool, refresh: bool, config: Path, parallel: int
    ) -> None:
        """Preview or carry out `up` (also under the name `preview`), `refresh` or `destroy`."""
        common: dict[str, Any] = {
            "parallel": parallel,
            "color": "never",
            "on_event": self._recorder,
            "config_file": str(config),
        }
        calls: Mapping[tuple[str, bool], Callable[[], Any]] = {
            ("preview", True): lambda: self.preview(refresh=refresh, **common),
            ("up", False): lambda: self.up(refresh=refresh, show_secrets=False, **common),
            ("refresh", True): lambda: self.preview_refresh(**common),
            ("refresh", False): lambda: self.refresh(show_secrets=False, **common),
            ("destroy", True): lambda: self.preview_destroy(**common),
            ("destroy", False): lambda: self.destroy(show_secrets=False, **common),
        }
        calls[action, preview]()

    def outputs(self) -> OutputMap:
        """None: `Stack.up` asks for them, and the event stream has told them already."""
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary:  # noqa: ARG002 - the base's
        """Nothing: the runs ask for it, and the event stream has told it already."""
        return UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")

    # -- state

    def exists(self) -> bool:
        try:
            self.workspace.select_stack(self.name)
        except StackNotFoundError:
            return False
        return True

    def initialise(self) -> None:
        self._pulumi("stack", "init", "--no-select", self.name)

    def discard(self) -> None:
        """Remove a stack that was created for a preview."""
        self._command.resume()
        self.workspace.remove_stack(self.name)

    def read_outputs(self, *, show_secrets: bool) -> dict[str, Any]:
        options = ["--show-secrets"] if show_secrets else []
        found = self._pulumi("stack", "output", "--json", *options, "--stack", self.name)
        return dict(json.loads(found or "{}"))

    def export_encrypted(self) -> dict[str, Any]:
        """The export with secrets encrypted (the Automation API's has them in the clear)."""
        return dict(json.loads(self._pulumi("stack", "export", "--stack", self.name)))

    def import_document(self, document: Mapping[str, Any]) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".json", dir=self.folder) as file:
            json.dump(document, file)
            file.flush()
            self._pulumi("stack", "import", "--file", file.name, "--stack", self.name)

    def _pulumi(self, *arguments: str) -> str:
        return self._command.run(list(arguments), str(self.folder), {}).stdout
