"""A small region on disk that tests edit and then validate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from kraj.errors import KrajError, KrajErrors
from kraj.model.loader import RegionFiles, load_region

PROJECT = Path(__file__).parents[3]
MARK = "‸"


@dataclass(frozen=True)
class Folder:
    """A project folder with one region of two towns, and the project's service cards."""

    root: Path

    @property
    def region(self) -> Path:
        return self.root / "inventories" / "liberecky"

    @property
    def roles(self) -> Path:
        return self.root / "roles"

    def edit(self, file: str, old: str, new: str) -> str:
        """Replace a text that is in the file exactly once.

        The sign ‸ in the new text is not written; its place is returned as `file:line:column`.
        """
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        text = text.replace(old, new)
        path.write_text(text.replace(MARK, ""), encoding="utf-8")
        before = text.split(MARK)[0]
        return f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"

    def edit_region(self, old: str, new: str) -> str:
        return self.edit("inventories/liberecky/region.yaml", old, new)

    def edit_tenant(self, slug: str, old: str, new: str) -> str:
        return self.edit(f"inventories/liberecky/tenants/{slug}.yaml", old, new)

    def edit_card(self, service: str, old: str, new: str) -> str:
        return self.edit(f"roles/{service}/service.yaml", old, new)

    def load(self, environ: dict[str, str] | None = None) -> RegionFiles:
        return load_region(self.region, self.roles, environ or {})

    def errors(self) -> list[KrajError]:
        """What validation finds; fails where it finds nothing."""
        with pytest.raises(KrajErrors) as caught:
            self.load()
        return list(caught.value.errors)

    def error(self) -> KrajError:
        """The one error that validation finds."""
        found = self.errors()
        assert len(found) == 1, "\n".join(str(error) for error in found)
        return found[0]
