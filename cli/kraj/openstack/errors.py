"""The cloud's refusals, KRJ4xx: what OpenStack said, in words that say what to do next.

`from_response` turns an HTTP answer into the error it stands for. Nothing here retries: an error is
made after `retry` has given up.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, Protocol

from kraj.errors import ErrorCode, KrajError, error_code

CLOUD_UNREACHABLE: Final = error_code(
    "KRJ401",
    "The cloud cannot be reached",
    "No connection to the address of an OpenStack service could be made, or it broke each time.",
    "Check the address in clouds.yaml, network, proxy and CA certificate, then try again.",
)
WRONG_CREDENTIALS: Final = error_code(
    "KRJ402",
    "The cloud refused the credentials",
    "Keystone does not accept the user name, password or application credential.",
    "Check clouds.yaml or the OS_… variables; an application credential may have expired.",
)
FORBIDDEN: Final = error_code(
    "KRJ403",
    "The cloud forbids the action",
    "The credentials are valid, but their roles do not allow this request.",
    "Ask the cloud's operator for the role that the request needs, or use an account that has it.",
)
QUOTA: Final = error_code(
    "KRJ404",
    "A quota of the cloud is used up",
    "The project's limit does not leave room for what was asked.",
    "Raise the quota that is named, order less, or delete what is no longer needed.",
)
NOT_FOUND: Final = error_code(
    "KRJ405",
    "The cloud does not have the object",
    "An object that the request names does not exist, or is not visible to this project.",
    "Refresh the stack; if the object was deleted by hand, the next run creates it again.",
)
CONFLICT: Final = error_code(
    "KRJ406",
    "The cloud reports a conflict",
    "The request contradicts what exists: a name or address is taken, or the object is in use.",
    "Read the cloud's message: rename, remove the user of the object, or wait and run again.",
)
FAILING: Final = error_code(
    "KRJ407",
    "The cloud kept failing",
    "An OpenStack service answered each time with a server error, or that it is asked too often.",
    "Look at the service's log or status page, then run again: it goes on where it stopped.",
)
REFUSED: Final = error_code(
    "KRJ408",
    "The cloud refused the request",
    "The service understood the request and finds a value in it wrong.",
    "Correct the value that the cloud's message names.",
)
FAILED_STATE: Final = error_code(
    "KRJ409",
    "A resource went into an error state",
    "The cloud accepted the request and failed to fulfil it.",
    "Read the fault that is quoted; after its cause is mended, run the command again.",
)
TIMEOUT: Final = error_code(
    "KRJ410",
    "A resource was not ready in time",
    "The cloud did not finish within the time limit of the resource.",
    "See whether the cloud is overloaded; run again, or raise the resource's timeout.",
)
UNKNOWN_TYPE: Final = error_code(
    "KRJ411",
    "The local provider lacks a resource type",
    "A stack uses a Pulumi type or function that kraj's own OpenStack provider does not have.",
    "Use the engine `pulumi`, or add the type as docs/provider.md describes.",
)
CLOUD_NOT_CONFIGURED: Final = error_code(
    "KRJ412",
    "The cloud's configuration is incomplete",
    "clouds.yaml or the provider's settings do not say how to reach the cloud.",
    "Name a cloud of clouds.yaml (OS_CLIENT_CONFIG_FILE), or give authUrl and credentials.",
)
NO_SERVICE: Final = error_code(
    "KRJ413",
    "The cloud lacks a service",
    "The catalogue of the cloud has no endpoint of the service in this region.",
    "Check region and interface in clouds.yaml, or leave out what needs the service.",
)
NOT_UNIQUE: Final = error_code(
    "KRJ414",
    "A look-up found not exactly one object",
    "A data source must match one object; it matched none or several.",
    "Make the criteria narrower, or check that the object exists and is visible to this project.",
)

UNPROVEN = error_code(
    "KRJ415",
    "Nothing proves who made an object",
    "An earlier run was cut off while it created a resource. The cloud has an object that fits, "
    "but its API neither tells when it was made nor keeps a mark that kraj could have left. kraj "
    "neither takes over what may be somebody else's nor makes a second one.",
    "Compare the object with the plan, and ask who else works on this cloud. If this stack made "
    "it, run the same command with KRAJ_ADOPT=<id>: the state takes it over. If nobody needs it, "
    "delete it and run again. If it is somebody else's and is to stay, KRAJ_DISOWN=<id> leaves it.",
)

#: What to do about a request whose outcome is not known.
UNSURE: Final = (
    "The service may have carried the request out. The next run of the engine `local` looks for "
    "what came of it; with the engine `pulumi`, look for the object before running again."
)


class Answer(Protocol):
    """What is read of an HTTP response."""

    @property
    def status_code(self) -> int: ...

    @property
    def text(self) -> str: ...


class PartialFailure(Exception):  # noqa: N818 - the creation failed in part; an object exists
    """An object exists in the cloud, but its creation or update did not finish.

    Carries what the state has to record, so that the next run mends or deletes the object.
    """

    def __init__(self, identity: str, outputs: dict[str, Any], error: KrajError) -> None:
        super().__init__(str(error))
        self.identity = identity
        self.outputs = outputs
        self.error = error


_BY_STATUS: Final[dict[int, ErrorCode]] = {
    401: WRONG_CREDENTIALS,
    403: FORBIDDEN,
    404: NOT_FOUND,
    409: CONFLICT,
    413: QUOTA,
    429: FAILING,
}
#: How Nova, Neutron, Cinder, Octavia and Designate word a refusal for lack of quota.
_QUOTA_WORDS: Final = re.compile(r"quota|OverLimit|limit .*exceeded", re.IGNORECASE)


def message_of(answer: Answer) -> str:
    """The service's own words, out of whichever envelope it uses; at most 500 characters."""
    try:
        found = _deep_message(json.loads(answer.text))
    except ValueError:
        found = ""
    plain = found or re.sub(r"<[^>]+>", " ", answer.text or "")
    return (
        re.sub(r"\s+", " ", plain).strip()[:500] or f"HTTP {answer.status_code} without a message"
    )


def _deep_message(value: Any) -> str:
    """The first text under a key that services use for messages."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return next((text for item in value if (text := _deep_message(item))), "")
    if not isinstance(value, dict):
        return ""
    for key in ("message", "faultstring", "description", "detail"):
        if isinstance(value.get(key), str) and value[key]:
            return str(value[key])
    inner = [item for item in value.values() if isinstance(item, dict | list)]
    return next((text for item in inner if (text := _deep_message(item))), "")


def from_response(answer: Answer, action: str) -> KrajError:
    """The error that an answer with status ≥ 400 stands for; `action` says what was attempted."""
    status, message = answer.status_code, message_of(answer)
    code = _BY_STATUS.get(status, FAILING if status >= 500 else REFUSED)
    if status in (403, 409, 413) and _QUOTA_WORDS.search(message):
        code = QUOTA
    return KrajError(code, f"{action}: {message}", details={"status": status, "message": message})


def status_of(error: KrajError) -> int:
    """The HTTP status behind an error, 0 where there is none."""
    return int(error.details.get("status", 0))
