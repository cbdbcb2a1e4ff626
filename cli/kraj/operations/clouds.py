"""Finds a region's cloud: the entry of clouds.yaml, its endpoint and the services it offers.

A clouds.yaml is looked for where OpenStack's own tools look (`OS_CLIENT_CONFIG_FILE`, the current
folder, ~/.config/openstack, /etc/openstack); the lab's own file comes last, so that the embedded
default needs no setting.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kraj.errors import KrajError
from kraj.openstack.errors import CLOUD_NOT_CONFIGURED, CLOUD_UNREACHABLE, WRONG_CREDENTIALS
from kraj.operations.project import Project
from kraj.planning.documents import Cloud


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
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if name in (content.get("clouds") or {}):
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


def open_cloud(project: Project, name: str) -> CloudAccess:
    """Sign in once and learn what the cloud offers. Raises KRJ4xx with what to do next."""
    # Slow to load, and of no use to commands that never reach a cloud.
    import keystoneauth1.exceptions  # noqa: PLC0415

    path = find_clouds_file(project, name)
    connection = _connect(path, name)
    config = connection.config
    try:
        catalogue = connection.session.auth.get_access(connection.session).service_catalog.catalog
    except (
        keystoneauth1.exceptions.http.Unauthorized,
        keystoneauth1.exceptions.MissingRequiredOptions,
    ) as error:
        raise KrajError(
            WRONG_CREDENTIALS,
            f"cloud {name!r} refused the credentials of {path}",
            causes=(str(error),),
        ) from error
    except keystoneauth1.exceptions.ClientException as error:
        raise KrajError(
            CLOUD_UNREACHABLE,
            f"cloud {name!r} does not answer at {config.get_auth_args().get('auth_url')}",
            causes=(str(error).split("\n")[0],),
        ) from error
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


def _connect(path: Path, name: str) -> Any:
    import openstack  # noqa: PLC0415 - as above

    loader = openstack.config.OpenStackConfig(config_files=[str(path)], load_envvars=False)
    return openstack.connection.Connection(config=loader.get_one(cloud=name), app_name="kraj")


def connect(access: CloudAccess) -> Any:
    """An administrator's connection."""
    return _connect(access.clouds_file, access.cloud.name)
