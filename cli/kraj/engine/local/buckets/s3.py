"""A bucket of an S3-compatible object storage (`s3://<bucket>[/<prefix>]?region=…&endpoint=…`).

The storage itself compares before it writes (`If-Match`, `If-None-Match`): nothing else keeps two
writers apart for sure. A storage that does not is found out by a trial before the first such write,
and is refused. Credentials come from where AWS's own tools take them (AWS_ACCESS_KEY_ID, profiles).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl

from kraj.engine.errors import (
    BAD_STATE_URL,
    NO_CONDITIONAL_WRITES,
    STATE_NOT_WRITTEN,
    STATE_UNREACHABLE,
)
from kraj.engine.local.buckets.base import ABSENT, Blob, changed_meanwhile
from kraj.errors import KrajError

_TRUE: Final = frozenset({"true", "1"})
#: Parameters of the URL that kraj follows; Pulumi's command line knows them all.
_PARAMETERS: Final = frozenset(
    {
        *("region", "endpoint", "profile", "awssdk"),
        *("s3ForcePathStyle", "use_path_style", "disableSSL", "disable_https"),
    }
)
#: A conditional request lost against another one that was under way (409 of AWS): worth repeating.
_ATTEMPTS: Final = 5
_TRIAL: Final = ".pulumi/kraj/conditional-writes"
_NO_TAG: Final = '"00000000000000000000000000000000"'
_CONNECT_SECONDS, _READ_SECONDS = 10, 60


@dataclass(frozen=True, slots=True)
class S3Address:
    """What an `s3://` URL says."""

    url: str
    bucket: str
    prefix: str  #: before every key; empty, or ends with a slash
    region: str | None
    endpoint: str | None
    profile: str | None
    path_style: bool

    @classmethod
    def of(cls, parts: SplitResult) -> S3Address:
        """Raises KRJ320."""
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        unknown = sorted(query.keys() - _PARAMETERS)
        if unknown or not parts.hostname or "@" in parts.netloc:
            raise KrajError(
                BAD_STATE_URL,
                f"s3://{parts.hostname or ''}: "
                + (
                    f"unknown parameter {unknown[0]!r}; known are {', '.join(sorted(_PARAMETERS))}"
                    if unknown
                    else "must be s3://<bucket>, without credentials"
                ),
            )

        def has(*names: str) -> bool:
            return any(query.get(name, "").lower() in _TRUE for name in names)

        endpoint = query.get("endpoint") or None
        if endpoint and "://" not in endpoint:
            plain = has("disableSSL", "disable_https")
            endpoint = f"{'http' if plain else 'https'}://{endpoint}"
        prefix = parts.path.strip("/")
        return cls(
            url=parts.geturl(),
            bucket=parts.netloc,
            prefix=f"{prefix}/" if prefix else "",
            region=query.get("region") or None,
            endpoint=endpoint,
            profile=query.get("profile") or None,
            path_style=has("s3ForcePathStyle", "use_path_style"),
        )


class S3Bucket:
    """The objects of an S3 bucket. Implements `kraj.engine.local.buckets.base.Bucket`."""

    def __init__(self, address: S3Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._made: Any = None
        self._compares = False  #: the storage is known to compare before it writes

    @property
    def url(self) -> str:
        return self._address.url

    @property
    def folder(self) -> Path | None:
        return None

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    def read(self, key: str) -> Blob | None:
        from botocore.exceptions import (  # noqa: PLC0415
            IncompleteReadError,
            ResponseStreamingError,
        )

        with self._told("read", key):
            for attempt in range(1, _ATTEMPTS + 1):
                answer = self._client().get_object(**self._object(key))
                try:
                    return Blob(answer["Body"].read(), str(answer["ETag"]))
                except (IncompleteReadError, ResponseStreamingError):
                    # The client repeats requests by itself, but not answers that broke off.
                    if attempt == _ATTEMPTS:
                        raise
        return None

    def write(self, key: str, data: bytes, *, expect: str | None = None) -> str:
        if expect is None:
            try:
                return self._put(key, data, {})
            except _Conflict as error:
                raise self._failed("write", key, error.__cause__ or error, 409) from error
        self._ensure_compares()
        condition = {"IfNoneMatch": "*"} if expect == ABSENT else {"IfMatch": expect}
        for _attempt in range(_ATTEMPTS):
            try:
                return self._put(key, data, condition)
            except _Conflict:
                there = self.read(key)
            # An answer may have been lost, and the client has sent the request again.
            if there is not None and there.data == data:
                return there.tag
            if (there.tag if there else ABSENT) != expect:
                raise changed_meanwhile(self._place(key))
        raise KrajError(STATE_NOT_WRITTEN, f"cannot write {self._place(key)}: others write it too")

    def delete(self, key: str, *, expect: str | None = None) -> None:
        condition = {}
        if expect is not None:
            there = self.read(key)
            if there is None or there.tag != expect:
                return
            condition = {"IfMatch": expect}
        with contextlib.suppress(_Conflict), self._told("delete", key):
            self._client().delete_object(**self._object(key), **condition)

    def list(self, prefix: str) -> list[str]:
        start = self._address.prefix
        found: list[str] = []
        with self._told("list", prefix):
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._address.bucket, Prefix=start + prefix):
                found += [item["Key"][len(start) :] for item in page.get("Contents", ())]
        return sorted(found)

    # -- below

    def _put(self, key: str, data: bytes, condition: Mapping[str, str]) -> str:
        """Raises _Conflict where the condition does not hold."""
        # Without it a storage may take a request that broke off for a shorter object.
        digest = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        with self._told("write", key):
            answer = self._client().put_object(
                **self._object(key), Body=data, ContentMD5=digest, **condition
            )
            return str(answer["ETag"])
        raise _Conflict  # "not found" is the answer where what should match is gone

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self._address.bucket, "Key": self._address.prefix + key}

    def _place(self, key: str) -> str:
        return f"{key} in {self.url}"

    def _ensure_compares(self) -> None:
        """Try whether the storage refuses what it should. Raises KRJ321."""
        if self._compares:
            return
        try:
            with contextlib.suppress(_Conflict):
                self._put(_TRIAL, b"", {"IfNoneMatch": "*"})
            compares = all(
                self._refuses(condition)
                for condition in ({"IfNoneMatch": "*"}, {"IfMatch": _NO_TAG})
            )
        except KrajError as error:
            if error.details.get("status") not in (400, 405, 501):
                raise
            compares = False
        if not compares:
            raise KrajError(NO_CONDITIONAL_WRITES, f"{self.url} does not compare before it writes")
        self._compares = True

    def _refuses(self, condition: Mapping[str, str]) -> bool:
        try:
            self._put(_TRIAL, b"", condition)
        except _Conflict:
            return True
        return False

    @contextlib.contextmanager
    def _told(self, action: str, key: str) -> Iterator[None]:
        """Ends quietly where the object is not there. Raises _Conflict, KRJ308, KRJ319."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            yield
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = str(error.response.get("Error", {}).get("Code", ""))
            if status in (409, 412) and action in ("write", "delete"):
                raise _Conflict from error
            if status == 404 and code != "NoSuchBucket":
                return
            raise self._failed(action, key, error, status) from error
        except BotoCoreError as error:
            raise self._failed(action, key, error, 0) from error

    def _failed(self, action: str, key: str, error: BaseException, status: int) -> KrajError:
        # What the storage itself refuses to store, against not being let in or not getting there.
        full = action in ("write", "delete") and (status >= 500 or status in (400, 405, 409))
        return KrajError(
            STATE_NOT_WRITTEN if full else STATE_UNREACHABLE,
            f"cannot {action} {self._place(key)}: {error}",
            details={"status": status},
        )

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make_client()
            return self._made

    def _make_client(self) -> Any:
        from botocore.config import Config  # noqa: PLC0415 - loaded where such a bucket is used
        from botocore.session import Session  # noqa: PLC0415

        address = self._address
        session = Session(profile=address.profile)
        return session.create_client(
            "s3",
            region_name=address.region or session.get_config_variable("region") or "us-east-1",
            endpoint_url=address.endpoint,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "max_attempts": 4},
                max_pool_connections=32,
                # Storages other than AWS often do not know AWS's new checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path" if address.path_style else "auto"},
            ),
        )


class _Conflict(Exception):  # noqa: N818 - an answer, not a failure
    """The storage has compared, and the object is not what was expected."""
