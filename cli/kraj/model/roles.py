"""Which roles there are that do something."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: What a role does, from its folder.
TASKS: Final = Path("tasks/main.yml")


def roles_with_tasks(folder: Path) -> tuple[str, ...]:
    """The names of the roles that do something; a catalogue card alone configures nothing."""
    return tuple(sorted(path.parents[1].name for path in folder.glob(f"*/{TASKS}")))
