"""The provider's settings, as Pulumi passes them, and the session that they stand for.

Property names are those of `pulumi_openstack.Provider`. Either `cloud` names an entry of
clouds.yaml, or `authUrl` and credentials are given, or the OS_… variables of the environment say
both. openstacksdk reads the files and builds the session; this module only translates.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kraj.errors import KrajError
from kraj.openstack.errors import CLOUD_NOT_CONFIGURED
from kraj.secrecy import keep_secret

if TYPE_CHECKING:
    from openstack.config import cloud_region

#: Settings that become members of keystoneauth's `auth`, by its names.
_AUTH: Final = {
    "authUrl": "auth_url",
    "userName": "username",
    "userId": "user_id",
    "password": "password",
    "tenantName": "project_name",
    "tenantId": "project_id",
    "domainName": "domain_name",
    "domainId": "domain_id",
    "userDomainName": "user_domain_name",
    "userDomainId": "user_domain_id",
    "projectDomainName": "project_domain_name",
    "projectDomainId": "project_domain_id",
    "token": "token",
    "systemScope": "system_scope",
    "applicationCredentialId": "application_credential_id",
    "applicationCredentialName": "application_credential_name",
    "applicationCredentialSecret": "application_credential_secret",
}
_SECRET_AUTH: Final = ("password", "passcode", "token", "application_credential_secret")
#: Settings that name files for TLS, by openstacksdk's names.
_FILES: Final = {"cacertFile": "cacert", "cert": "cert", "key": "key"}
#: Settings read from the environment where the program says nothing, as Pulumi's provider does.
_ENVIRONMENT: Final = {
    "cloud": "OS_CLOUD",
    "region": "OS_REGION_NAME",
    "endpointType": "OS_ENDPOINT_TYPE",
    "insecure": "OS_INSECURE",
}
#: One connection per thread that an engine may use at once, and a few to spare.
POOL_SIZE: Final = 32


@dataclass(frozen=True)
class Settings:
    """Configuration values by Pulumi's names, and the environment they are completed from."""

    values: Mapping[str, Any]
    environment: Mapping[str, str]

    def get(self, name: str) -> Any:
        """A setting, else its environment variable, else None; an empty one is no setting."""
        value = self.values.get(name)
        if value is None and name in _ENVIRONMENT:
            value = self.environment.get(_ENVIRONMENT[name])
        return None if value == "" else value

    def flag(self, name: str) -> bool:
        """A setting that is true or false in any of Pulumi's spellings."""
        return str(self.get(name) or "").lower() in ("true", "1")


def settings_from(
    properties: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> Settings:
    """Settings from the properties of a Configure request: plain, or JSON in strings."""
    return Settings(
        {name: _parsed(value) for name, value in properties.items()},
        dict(os.environ if environment is None else environment),
    )


def _parsed(value: Any) -> Any:
    """Objects and lists come as JSON; a password that looks like a number stays text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def cloud_region_of(settings: Settings) -> cloud_region.CloudRegion:
    """openstacksdk's view of the cloud. Raises KRJ412 where the settings do not suffice."""
    from keystoneauth1.exceptions import ClientException  # noqa: PLC0415 - slow to import
    from openstack import exceptions  # noqa: PLC0415 - slow to import

    try:
        return _cloud_region(settings)
    except (exceptions.ConfigException, ClientException, OSError, ValueError) as error:
        named = f" {settings.get('cloud')!r}" if settings.get("cloud") else ""
        raise KrajError(
            CLOUD_NOT_CONFIGURED, f"the cloud{named} cannot be used: {error}"
        ) from error


def _cloud_region(settings: Settings) -> cloud_region.CloudRegion:
    from openstack.config import loader  # noqa: PLC0415 - slow to import

    options = _options(settings)
    auth = {api: settings.get(name) for name, api in _AUTH.items() if settings.get(name)}
    if settings.get("cloud"):
        files = settings.environment.get("OS_CLIENT_CONFIG_FILE")
        if files and not Path(files).is_file():
            raise ValueError(f"OS_CLIENT_CONFIG_FILE names {files}, which is no file")
        config = loader.OpenStackConfig(config_files=[files] if files else None, load_envvars=False)
        options["cloud"] = settings.get("cloud")
    else:
        config = loader.OpenStackConfig(load_yaml_config=False, load_envvars=not auth)
        if not auth and not settings.environment.get("OS_AUTH_URL"):
            raise ValueError("neither a cloud nor authUrl is given")
    if auth:
        options |= {"auth": auth, "auth_type": _auth_type(auth)}
    region = config.get_one(**options)
    keep_credentials(region)
    return _without_discovery(config, options, region)


def keep_credentials(region: cloud_region.CloudRegion) -> None:
    """Take note of what must appear in no text."""
    auth = region.config.get("auth") or {}
    keep_secret([auth.get(name) for name in _SECRET_AUTH])


def _options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if settings.get("region"):
        options["region_name"] = settings.get("region")
    if settings.get("endpointType"):
        options["interface"] = str(settings.get("endpointType")).removesuffix("URL")
    if settings.flag("insecure"):
        options["verify"] = False
    for name, api in _FILES.items():
        if settings.get(name):
            options[api] = settings.get(name)
    return options


def _auth_type(auth: Mapping[str, Any]) -> str:
    if "application_credential_secret" in auth:
        return "v3applicationcredential"
    return "token" if "token" in auth else "password"


def _without_discovery(
    config: Any, options: dict[str, Any], region: cloud_region.CloudRegion
) -> cloud_region.CloudRegion:
    """The same region with Keystone's version fixed where its address already names it.

    Saves the request by which the generic password plugin asks Keystone for its versions.
    """
    url = str(region.config.get("auth", {}).get("auth_url", "")).rstrip("/")
    kind = region.config.get("auth_type")
    if kind not in ("password", "token") or not url.endswith("/v3"):
        return region
    return config.get_one(**{**options, "auth_type": f"v3{kind}"})
