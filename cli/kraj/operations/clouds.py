"""Finds a region's cloud: the entry of clouds.yaml, its endpoint and the services it offers.

A clouds.yaml is looked for where OpenStack's own tools look (`OS_CLIENT_CONFIG_FILE`, the current
folder, ~/.config/openstack, /etc/openstack); the lab's own file comes last, so that the embedded
default needs no setting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from kraj.errors import KrajError, Location
from kraj.openstack import retry
from kraj.openstack.answers import Refusal, translated
from kraj.openstack.configuration import cloud_region_of, keep_credentials, settings_from
from kraj.openstack.errors import (
    CLOUD_NOT_CONFIGURED,
    CLOUD_UNREACHABLE,
    WRONG_CREDENTIALS,
    from_response,
)
from kraj.openstack.sessions import with_shared_session
from kraj.operations.project import Project
from kraj.planning.documents import Cloud

#: Somebody waits for the answer: an address that leads nowhere is told in seconds.
_SIGN_IN: Final = retry.Policy(attempts=6, total_seconds=20.0)
_ANSWER_SECONDS: Final = 30.0  #: at most; a lower `api_timeout` of clouds.yaml counts


@dataclass(frozen=True, slots=True)
class CloudAccess:
    """A reachable cloud and how to reach it."""

    cloud: Cloud
    clouds_file: Path
    is_lab: bool

    @property
    def environment(self) -> dict[str, str]:
        """What child processes need to find the same entry."""
        return {"OS_CLIENT_CONFIG_FILE": str(self.clouds_file)}


def clouds_files(project: Project) -> list[Path]:
    """The files that may hold the entry, in the order in which they are looked at."""
    named = os.environ.get("OS_CLIENT_CONFIG_FILE")
    candidates = [Path(named)] if named else []
    config = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    for folder in (Path.cwd(), config / "openstack", Path("/etc/openstack")):
        candidates += [folder / "clouds.yaml", folder / "clouds.yml"]
    candidates.append(project.lab / "clouds.yaml")
    return [path for path in candidates if path.is_file()]


def find_clouds_file(project: Project, name: str) -> Path:
    """The first file with an entry of that name. Raises KRJ4xx where none has it."""
    looked_at = clouds_files(project)
    for path in looked_at:
        if name in _entries(path):
            return path
    files = ", ".join(str(path) for path in looked_at) or "no clouds.yaml anywhere"
    raise KrajError(
        CLOUD_NOT_CONFIGURED,
        f"no entry {name!r} in clouds.yaml (looked at: {files})",
        hint=(
            "Start the embedded OpenStack with `kraj lab up`, or add the entry to clouds.yaml and "
            "name the file in OS_CLIENT_CONFIG_FILE."
        ),
    )


def _entries(path: Path) -> Mapping[str, Any]:
    """The entries of a clouds.yaml. Raises KRJ412."""
    try:
        clouds = yaml.safe_load(path.read_text(encoding="utf-8"))["clouds"]
    except (KeyError, TypeError):
        return {}  # an empty file, or one without entries
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise KrajError(CLOUD_NOT_CONFIGURED, message) from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = Location(str(path), mark.line + 1, mark.column + 1) if mark else None
        # The parser's own words quote the file, which has passwords.
        message = f"{path} cannot be read as YAML"
        raise KrajError(CLOUD_NOT_CONFIGURED, message, location=place) from None
    return clouds if isinstance(clouds, dict) else {}


def open_cloud(project: Project, name: str) -> CloudAccess:
    """Sign in once and learn what the cloud offers. Raises KRJ4xx with what to do next."""
    path = find_clouds_file(project, name)
    settings = settings_from({"cloud": name}, {"OS_CLIENT_CONFIG_FILE": str(path)})
    config = with_shared_session(cloud_region_of(settings))
    catalogue = _sign_in(config, name, path).service_catalog.catalog
    services = tuple(sorted({service["type"] for service in catalogue}))
    return CloudAccess(
        cloud=Cloud(
            name=name,
            auth_url=str(config.get_auth_args()["auth_url"]),
            region_name=config.region_name or "RegionOne",
            interface=config.get_interface("identity") or "public",
            cacert=config.config.get("cacert"),
            services=services,
        ),
        clouds_file=path,
        is_lab=path == project.lab / "clouds.yaml",
    )


def _sign_in(config: Any, name: str, path: Path) -> Any:
    """The token with its catalogue; asked for again while Keystone fails. Raises KRJ4xx."""
    session = config.get_session()
    address = config.get_auth_args().get("auth_url")
    found: list[Any] = []

    def ask() -> Refusal:
        found[:] = [translated(lambda: session.auth.get_access(session))]
        return found[0] if isinstance(found[0], Refusal) else Refusal(200, {}, "")

    patience, session.timeout = session.timeout, min(session.timeout, _ANSWER_SECONDS)
    try:
        answer = retry.send(ask, idempotent=True, policy=_SIGN_IN, notify=lambda _again: None)
    except retry.ConnectionLostError as error:
        message = f"cloud {name!r} does not answer at {address}"
        raise KrajError(CLOUD_UNREACHABLE, message, causes=(_first_line(error),)) from error
    except KrajError as error:
        if error.code is not WRONG_CREDENTIALS:
            raise
        message = f"cloud {name!r} refused the credentials of {path}"
        raise KrajError(WRONG_CREDENTIALS, message, causes=(_first_line(error),)) from error
    finally:
        session.timeout = patience
    if answer.status_code >= 400:
        raise from_response(answer, f"log in to cloud {name!r} at {address}")
    return found[0]


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]


def _connect(path: Path, name: str) -> Any:
    import openstack  # noqa: PLC0415 - slow to load

    loader = openstack.config.OpenStackConfig(config_files=[str(path)], load_envvars=False)
    config = loader.get_one(cloud=name)
    keep_credentials(config)
    return openstack.connection.Connection(config=config, app_name="kraj")


def connect(access: CloudAccess) -> Any:
    """An administrator's connection."""
    return _connect(access.clouds_file, access.cloud.name)
