"""What Pulumi's command line needs to find for a stack: project file, configuration, environment.

They lie in `<state_dir>/work/<project>/<stack>/`, so that nothing is written beside the program.
The project file there points to the program; configuration is one file per run, because two runs
of a stack may have different documents. Nothing here starts a process.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from kraj.engine.base import StackSpec
from kraj.engine.errors import BAD_STACK, STATE_UNREADABLE
from kraj.engine.inherited import credentials_of_backend, inherited
from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.local.crypto import Crypter, KeyRing
from kraj.engine.local.store import StateStore
from kraj.engine.pulumi_errors import CONFIG_TOO_LARGE, WORK_FOLDER_FAILED
from kraj.errors import KrajError
from kraj.files import write_atomically

#: MAX_ARG_STRLEN of Linux (32 pages of 4 KiB): the longest environment variable of a new process.
ENVIRONMENT_BYTES = 128 * 1024


class Backend:
    """Where states are kept: in `bucket`; instead of in files, where PULUMI_BACKEND_URL says."""

    def __init__(
        self, state_dir: Path, environ: Mapping[str, str], bucket: Bucket | None = None
    ) -> None:
        files = FileBucket(state_dir)
        own = bucket or files
        # A place that region.yaml or KRAJ_STATE_URL names is the region's for both engines.
        named = environ.get("PULUMI_BACKEND_URL") if own.url == files.url else None
        self.url = named or own.url
        self._own = own
        self._state_dir = state_dir
        #: What the local engine shares; None for any other backend.
        self.bucket = own if self.url == own.url else None

    def store(self, spec: StackSpec) -> StateStore | None:
        """The state's blobs, where they are ours to read. Raises KRJ314 for an impossible name."""
        store = StateStore(self._own, spec.project, spec.stack, self._state_dir)
        return store if self.bucket else None


def environment(spec: StackSpec, backend: Backend, environ: Mapping[str, str]) -> dict[str, str]:
    """All environment variables of command, provider and program, but for the passphrase.

    Those of this process that they need, then the spec's own.
    """
    return {
        **inherited(environ),
        **credentials_of_backend(backend.url, environ),
        **spec.environment,
        **(backend.bucket.environment if backend.bucket else {}),
        "PULUMI_BACKEND_URL": backend.url,
        # The interpreter that runs kraj has the program's packages.
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Plugins come from `kraj engine install`, not from the network in the middle of a run.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def prepare_folder(spec: StackSpec, state_dir: Path) -> Path:
    """Make or renew the stack's work folder. Raises KRJ314, KRJ357, KRJ358."""
    _refuse_too_large(spec)
    project = _read_project(spec)
    project["main"] = str((spec.program / project.get("main", ".")).resolve())
    folder = work_folder(spec, state_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(folder / "Pulumi.yaml", yaml.safe_dump(project, sort_keys=False))
    except OSError as error:
        raise _not_written(folder, error) from error
    return folder


def work_folder(spec: StackSpec, state_dir: Path) -> Path:
    return (state_dir / "work" / spec.project / spec.stack).absolute()


def _read_project(spec: StackSpec) -> dict[str, Any]:
    path = spec.program / "Pulumi.yaml"
    try:
        project = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise KrajError(BAD_STACK, f"cannot read {path}: {error}") from error
    name = project.get("name") if isinstance(project, dict) else None
    if name != spec.project:
        raise KrajError(BAD_STACK, f"{path} is of the project {name!r}, not of {spec.project!r}")
    return dict(project)


@contextlib.contextmanager
def config_file(spec: StackSpec, folder: Path, backend: Backend, keys: KeyRing) -> Iterator[Path]:
    """The configuration of one run as a file, secrets encrypted; it is deleted afterwards.

    A file, since arguments can be read by every user of the machine. Raises KRJ310 where the
    passphrase does not fit the state, KRJ357.
    """
    crypter = Crypter(keys, _salt_in_state(backend.store(spec)))
    secure = {
        key: {"secure": crypter.encrypt(value, key)} for key, value in spec.secret_config.items()
    }
    settings = {
        "encryptionsalt": crypter.salt_state,
        "config": {**spec.config, **secure},
    }
    path = folder / f"config-{uuid.uuid4()}.yaml"
    try:
        write_atomically(path, yaml.safe_dump(settings), mode=0o600)
    except OSError as error:
        raise _not_written(path, error) from error
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _refuse_too_large(spec: StackSpec) -> None:
    """Raises KRJ358 where the program could not be started with the configuration."""
    text = json.dumps(
        {**spec.config, **spec.secret_config}, ensure_ascii=False, separators=(",", ":")
    )
    # Go's JSON has six characters for each of these.
    escaped = sum(text.count(character) for character in "<>&")
    size = len("PULUMI_CONFIG=\0") + len(os.fsencode(text)) + 5 * escaped
    if size > ENVIRONMENT_BYTES:
        raise KrajError(
            CONFIG_TOO_LARGE,
            f"the configuration of {spec.label} takes {size} bytes; the `pulumi` command can hand "
            f"over {ENVIRONMENT_BYTES}",
            details={"bytes": size, "limit": ENVIRONMENT_BYTES},
        )


def _salt_in_state(store: StateStore | None) -> str | None:
    """The salt that the state's secrets are encrypted with; with another, all would change."""
    deployment = (store.load() if store else None) or {}
    provider = deployment.get("secrets_providers") or {}
    if not provider or provider.get("type") == "passphrase":
        salt = (provider.get("state") or {}).get("salt")
        return str(salt) if salt else None
    raise KrajError(
        STATE_UNREADABLE,
        f"the state's secrets are kept by {provider.get('type')!r}; kraj keeps them by passphrase",
    )


def _not_written(path: Path, error: OSError) -> KrajError:
    return KrajError(WORK_FOLDER_FAILED, f"cannot write {path}: {error.strerror or error}")
