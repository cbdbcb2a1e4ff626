"""Put the libraries of Mayan EDMS's pages where its own installer would; write down its queues.

Mayan EDMS fetches them at run time, from npm's registry and a font server, by version alone. Here
they come from `npm ci`, so from package-lock.json with its checksums. What is missing in the lock
file, or has another version than this Mayan EDMS wants, ends it.

Run with the Python of its virtual environment: finish_install.py NODE_MODULES QUEUES
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import django
from django.core import management

FONT_STYLES = ("400", "700", "400-italic")


def main() -> None:
    """Copy libraries and fonts, collect the static files, list the queues."""
    modules, queues = map(Path, sys.argv[1:3])
    django.setup()
    from mayan.apps.dependencies.classes import (  # noqa: PLC0415 - needs django.setup()
        Dependency,
        GoogleFontDependency,
        JavaScriptDependency,
    )
    from mayan.apps.task_manager.classes import Worker  # noqa: PLC0415 - the same

    copied = []
    for dependency in Dependency.get_all():
        if isinstance(dependency, JavaScriptDependency):
            copy_library(dependency, modules / dependency.name)
        elif isinstance(dependency, GoogleFontDependency):
            copy_font(modules / "@fontsource" / dependency.name, dependency.get_install_path())
        else:
            continue
        copied.append(dependency.get_install_path())
    management.call_command("appearance_prepare_static", interactive=False, verbosity=0)
    for folder in copied:  # what is served are the collected files
        shutil.rmtree(folder)
    of_workers = {worker.name: [queue.name for queue in worker.queues] for worker in Worker.all()}
    queues.write_text(json.dumps(of_workers))


def copy_library(dependency: Any, source: Path) -> None:
    """Copy a library of npm's and patch it as Mayan EDMS asks for."""
    version = json.loads((source / "package.json").read_text())["version"]
    if f"={version}" != dependency.version_string:
        sys.exit(f"{dependency.name} is locked as {version}, wanted {dependency.version_string}")
    target = dependency.get_install_path()
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    if dependency.replace_list:
        dependency.patch_files()


def copy_font(source: Path, target: Path) -> None:
    """Copy the styles of a font that the pages use, with one style sheet."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "files").mkdir(parents=True)
    sheets = []
    for style in FONT_STYLES:
        name = f"*-{style}.woff*" if "italic" in style else f"*-{style}-normal.woff*"
        for file in (source / "files").glob(name):
            shutil.copy(file, target / "files")
        sheets.append((source / f"{style}.css").read_text())
    (target / "import.css").write_text("\n".join(sheets))


if __name__ == "__main__":
    main()
