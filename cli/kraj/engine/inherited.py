"""Which of this process's environment variables its child processes get: those that they need.

A stack program gets its configuration from the engine, and no credential from whoever started kraj:
not the passphrase, not a cloud's password, not a token of something else. Pulumi's command also
gets the credentials of the place of its states. What a stack names itself is added to these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

_NEEDED: Final = re.compile(
    "PATH|HOME|USER|LOGNAME|TMPDIR|TZ|LANG|LANGUAGE|LC_.+|XDG_.+|VIRTUAL_ENV|PYTHON.+"
    "|LD_LIBRARY_PATH|DYLD_.+|GRPC_.+|PULUMI_.+|KRAJ_ADOPT|KRAJ_DISOWN|KRAJ_CLOUD_REQUESTS"
    "|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(https?|all|no)_proxy",
    re.IGNORECASE,
)
#: Of PULUMI_…: secrets, and what sends Pulumi elsewhere or is set for each run anew.
_KEPT_BACK: Final = re.compile(
    ".*(TOKEN|PASSPHRASE|PASSWORD|SECRET).*|PULUMI_(BACKEND_URL|STACK|CONFIG|PYTHON_CMD)"
    "|PULUMI_(DIY_BACKEND|SELF_MANAGED_STATE)_.+",
    re.IGNORECASE,
)
#: What Pulumi's backends take their credentials from, by the scheme of their URL.
_BACKENDS: Final[Mapping[str, str]] = {
    "s3": "AWS_.+",
    "gs": "GOOGLE_.+|CLOUDSDK_.+",
    "azblob": "AZURE_.+",
    "postgres": "PG.+",
    "https": "PULUMI_ACCESS_TOKEN",
    "http": "PULUMI_ACCESS_TOKEN",
}


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """What a program needs to run at all, and nothing that is secret by its name."""
    return {
        name: value
        for name, value in environ.items()
        if _NEEDED.fullmatch(name) and not _KEPT_BACK.fullmatch(name)
    }


def inherited_for_ssh(environ: Mapping[str, str]) -> dict[str, str]:
    """The same for a program that signs in to servers, with the agent that holds the keys."""
    agent = {name: environ[name] for name in ("SSH_AUTH_SOCK",) if name in environ}
    return {**inherited(environ), **agent}


def credentials_of_backend(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What Pulumi's command needs to reach its states at a URL."""
    wanted = _BACKENDS.get(urlsplit(url).scheme, "")
    return {name: value for name, value in environ.items() if re.fullmatch(wanted, name)}
