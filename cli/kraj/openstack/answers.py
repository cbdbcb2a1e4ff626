"""Answers to requests, and what there is instead of them: one place for every way to fail.

keystoneauth's and requests' exceptions become answers or `ConnectionLostError`; an answer that was
cut short on its way is none. Whether to ask again is for `retry`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kraj.errors import KrajError
from kraj.openstack.errors import CLOUD_UNREACHABLE, FAILING, WRONG_CREDENTIALS
from kraj.openstack.retry import ConnectionLostError

if TYPE_CHECKING:
    import requests

_ADDRESS: Final = re.compile(r"https?://[^\s:/]+(:\d+)?[^\s:?]*")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer that keystoneauth turned into an exception."""

    status_code: int
    headers: Mapping[str, str]
    text: str


def content_of(answer: requests.Response) -> dict[str, Any]:
    """The JSON object in an answer. Raises KRJ407 where there is something else."""
    if not answer.content:
        return {}
    try:
        value = answer.json()
    except ValueError as error:
        raise KrajError(
            FAILING, f"{answer.request.method} {answer.url} was answered with no JSON"
        ) from error
    return value if isinstance(value, dict) else {"items": value}


def whole(answer: requests.Response, method: str) -> requests.Response:
    """The answer. Raises ConnectionLostError where its body was cut short on the way."""
    told = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if answer.status_code >= 400 or told != "application/json":
        return answer
    try:
        if answer.content or (method == "GET" and answer.status_code == 200):
            answer.json()
    except ValueError as error:
        message = f"{method} {answer.url} was answered in part"
        raise ConnectionLostError(message, taken=True) from error
    return answer


def translated(action: Any) -> Any:
    """Run a request; keystoneauth's exceptions become answers or `ConnectionLostError`."""
    from keystoneauth1 import exceptions  # noqa: PLC0415 - slow to import

    try:
        return action()
    except exceptions.Unauthorized as error:
        raise KrajError(WRONG_CREDENTIALS, f"log in: {error}") from error
    except exceptions.HttpError as error:
        response = error.response
        headers = {} if response is None else response.headers
        body = str(error) if response is None else response.text
        return Refusal(int(error.http_status), headers, body)
    except exceptions.SSLError as error:
        raise KrajError(CLOUD_UNREACHABLE, str(error)) from error
    except exceptions.InvalidResponse as error:  # Keystone's answer is no token
        message = f"{error.response.url} was answered in part"
        raise ConnectionLostError(message, taken=True) from error
    except (
        exceptions.ConnectFailure,
        exceptions.ConnectTimeout,
        exceptions.UnknownConnectionError,
    ) as error:
        raise ConnectionLostError(_in_words(error), taken=_may_be_taken(error)) from error
    except exceptions.ClientException as error:
        raise KrajError(CLOUD_UNREACHABLE, str(error)) from error


def _in_words(error: BaseException) -> str:
    """Where the connection failed, and why: without the names of classes around it."""
    address = _ADDRESS.search(str(error))
    where = f"no answer from {address[0]}" if address else "no answer"
    return f"{where}: {_reason(error)}"


def _reason(error: BaseException) -> str:
    from http.client import IncompleteRead, RemoteDisconnected  # noqa: PLC0415 - as the others

    for cause in _causes(error):
        if isinstance(cause, RemoteDisconnected):
            return "the connection was closed"
        if isinstance(cause, IncompleteRead):
            return "the answer broke off"
        if isinstance(cause, TimeoutError):
            return "it took too long"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return "it took too long" if "timed out" in str(error) else str(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _may_be_taken(error: BaseException) -> bool:
    """Whether the service may have seen the request: not where no connection was made."""
    from urllib3.exceptions import ConnectTimeoutError  # noqa: PLC0415 - slow to import

    # Refused connections and unknown hosts are kinds of urllib3's ConnectTimeoutError.
    never_made = (ConnectTimeoutError, ConnectionRefusedError)
    return not any(isinstance(cause, never_made) for cause in _causes(error))
