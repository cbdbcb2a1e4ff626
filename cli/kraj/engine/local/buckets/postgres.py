"""A table of PostgreSQL as a bucket (`postgres://<host>/<database>?table=…`).

Table, columns and keys are those of Pulumi's own backend (source: pulumi/pulumi
pkg/backend/diy/postgres): `key`, `data` with the blob in base64, `updated_at`. As there, the path
of the URL (the database) stands before every key. Each write is one statement, and so one
transaction, which compares with what is stored while it holds the row. Passwords come from
PGPASSWORD or ~/.pgpass.
"""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode

from kraj.engine.errors import (
    BAD_STATE_URL,
    STATE_NOT_WRITTEN,
    STATE_UNREACHABLE,
    STATE_UNREADABLE,
)
from kraj.engine.local.buckets.base import ABSENT, Blob, changed_meanwhile, tag_of
from kraj.errors import KrajError
from kraj.secrecy import keep_secret

if TYPE_CHECKING:
    import psycopg

_TABLE: Final = "pulumi_state"
_TABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
#: Of the row as it is stored, computed by the server: what `tag_of` makes of the same text.
_TAG: Final = "encode(sha256(convert_to(data::text, 'UTF8')), 'hex')"
#: Without answers for so long, a connection is given up (seconds; milliseconds where so named).
_PATIENCE: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_STATEMENT_SECONDS: Final = 60

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """What a `postgres://` URL says."""

    url: str  #: without a password
    table: str
    prefix: str  #: before every key; empty, or ends with a slash
    settings: Mapping[str, str] = field(repr=False)  #: libpq's, by its own names
    password: str = field(repr=False)  #: empty where the URL has none

    @classmethod
    def of(cls, parts: SplitResult) -> PostgresAddress:
        """Raises KRJ320."""
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        password = unquote(parts.password or "") or query.pop("password", "")
        keep_secret(password)
        user, _, host = parts.netloc.rpartition("@")
        user = user.partition(":")[0]
        place = f"{user}@{host}" if user else host
        shown = f"postgres://{place}{parts.path}" + (f"?{urlencode(query)}" if query else "")
        table = query.pop("table", "") or _TABLE
        if not _TABLE_NAME.fullmatch(table):
            raise KrajError(BAD_STATE_URL, f"{shown}: {table!r} is no name for a table")
        path = parts.path.strip("/")
        given = {
            "host": parts.hostname,
            "port": str(_port(parts, shown) or ""),
            "user": unquote(user),
            "dbname": unquote(path),
        }
        settings = {**{name: value for name, value in given.items() if value}, **query}
        return cls(
            url=shown,
            # Pulumi writes the name without quotes, which PostgreSQL reads in lower case.
            table=table.lower(),
            prefix=f"{path}/" if path else "",
            settings=settings,
            password=password,
        )


class PostgresBucket:
    """The rows of a table. Implements `kraj.engine.local.buckets.base.Bucket`."""

    def __init__(self, address: PostgresAddress, environ: Mapping[str, str] = os.environ) -> None:
        self._address = address
        self._environ = environ
        self._lock = threading.RLock()
        self._connection: psycopg.Connection[Any] | None = None
        self._has_table = False

    @property
    def url(self) -> str:
        return self._address.url

    @property
    def folder(self) -> Path | None:
        return None

    @property
    def environment(self) -> Mapping[str, str]:
        return {"PGPASSWORD": self._address.password} if self._address.password else {}

    def read(self, key: str) -> Blob | None:
        def work() -> Blob | None:
            if not self._table_exists():
                return None
            rows = self._ask("SELECT data::text FROM {table} WHERE key = %s", self._row(key))
            if not rows:
                return None
            text = str(rows[0][0])
            try:
                data = base64.b64decode(json.loads(text)["data"], validate=True)
            except (ValueError, KeyError, TypeError) as error:
                raise KrajError(
                    STATE_UNREADABLE, f"{self._place(key)} is not a blob of Pulumi: {error}"
                ) from error
            return Blob(data, tag_of(text.encode()))

        return self._told("read", key, work)

    def write(self, key: str, data: bytes, *, expect: str | None = None) -> str:
        text = json.dumps({"data": base64.b64encode(data).decode()})
        tag = tag_of(text.encode())
        row = self._row(key)

        def work() -> bool:
            self._make_table()
            if expect is None:
                self._ask(
                    f"{_INSERT} DO UPDATE SET data = excluded.data, updated_at = now()", row, text
                )
                return True
            if expect == ABSENT:
                done = self._ask(f"{_INSERT} DO NOTHING RETURNING key", row, text)
            else:
                done = self._ask(f"{_UPDATE} AND {_TAG} = %s RETURNING key", text, row, expect)
            # An answer may have been lost, and the statement was sent again.
            return bool(done or self._ask(f"{_SAME} AND {_TAG} = %s", row, tag))

        if not self._told("write", key, work):
            raise changed_meanwhile(self._place(key))
        return tag

    def delete(self, key: str, *, expect: str | None = None) -> None:
        def work() -> None:
            if not self._table_exists():
                return
            if expect is None:
                self._ask(_DELETE, self._row(key))
            else:
                self._ask(f"{_DELETE} AND {_TAG} = %s", self._row(key), expect)

        self._told("delete", key, work)

    def list(self, prefix: str) -> list[str]:
        start = self._address.prefix

        def work() -> list[str]:
            if not self._table_exists():
                return []
            pattern = re.sub(r"([\\%_])", r"\\\1", start + prefix) + "%"
            rows = self._ask("SELECT key FROM {table} WHERE key LIKE %s", pattern)
            return sorted(str(row[0])[len(start) :] for row in rows)

        return self._told("list", prefix, work)

    # -- below

    def _row(self, key: str) -> str:
        return self._address.prefix + key

    def _place(self, key: str) -> str:
        return f"{key} in {self.url}"

    def _ask(self, statement: LiteralString, *values: str) -> Sequence[tuple[Any, ...]]:
        """Run one statement, which is one transaction; returns the rows of its answer, if any."""
        from psycopg import sql  # noqa: PLC0415

        composed = sql.SQL(statement).format(
            table=sql.Identifier(self._address.table),
            index=sql.Identifier(f"{self._address.table}_key_prefix_idx"),
        )
        answer = self._connect().execute(composed, values or None)
        return answer.fetchall() if answer.description else []

    def _table_exists(self) -> bool:
        if not self._has_table:
            found = self._ask("SELECT to_regclass(%s) IS NOT NULL", self._address.table)
            self._has_table = bool(found[0][0])
        return self._has_table

    def _make_table(self) -> None:
        if self._table_exists():
            return
        with self._connect().transaction():
            # Two that make it at once would stumble over each other, in spite of IF NOT EXISTS.
            self._ask("SELECT pg_advisory_xact_lock(hashtext(%s))", self._address.table)
            for statement in _SCHEMA:
                self._ask(statement)
        self._has_table = True

    def _told(self, action: str, key: str, work: Callable[[], Answer]) -> Answer:
        """Do the work, once more after a lost connection. Raises KRJ308, KRJ319."""
        from psycopg import Error, InterfaceError, OperationalError  # noqa: PLC0415

        with self._lock:
            for attempt in (1, 2):
                had_connection = self._connection is not None
                try:
                    return work()
                except Error as error:
                    lost = self._connection is None or self._connection.broken
                    again = isinstance(error, OperationalError | InterfaceError) and had_connection
                    if lost:
                        self._drop()
                    if not (lost and again and attempt == 1):
                        raise self._failed(action, key, error, lost=lost) from error
        raise AssertionError  # the second attempt returns or raises

    def _failed(self, action: str, key: str, error: Exception, *, lost: bool) -> KrajError:
        refused = action in ("write", "delete") and not lost
        reason = " ".join(str(error).split())
        return KrajError(
            STATE_NOT_WRITTEN if refused else STATE_UNREACHABLE,
            f"cannot {action} {self._place(key)}: {reason}",
        )

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg  # noqa: PLC0415 - loaded where such a bucket is used

        if self._connection is None:
            settings = {**_PATIENCE, **self._address.settings}
            if self._address.password:
                settings["password"] = self._address.password
            # Where nothing is said: as Pulumi's driver, not as libpq. A service says it all.
            serviced = "service" in settings or "PGSERVICE" in self._environ
            for name, variable, usual in (
                ("host", "PGHOST", "localhost"),
                ("sslmode", "PGSSLMODE", "require"),
            ):
                if variable not in self._environ and not serviced:
                    settings.setdefault(name, usual)
            connection = psycopg.connect(
                **settings,  # type: ignore[arg-type]  # libpq's settings, by its own names
                autocommit=True,
                prepare_threshold=None,  # poolers between here and the server may not keep them
            )
            connection.execute(f"SET statement_timeout = '{_STATEMENT_SECONDS}s'")
            self._connection = connection
        return self._connection


_INSERT: Final = "INSERT INTO {table} (key, data) VALUES (%s, %s) ON CONFLICT (key)"
_UPDATE: Final = "UPDATE {table} SET data = %s, updated_at = now() WHERE key = %s"
_DELETE: Final = "DELETE FROM {table} WHERE key = %s"
_SAME: Final = "SELECT key FROM {table} WHERE key = %s"
#: Pulumi's own (pkg/backend/diy/postgres/schema.sql).
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS {table} (key text PRIMARY KEY, data json NOT NULL, "
    "updated_at timestamp with time zone NOT NULL DEFAULT now())",
    "CREATE INDEX IF NOT EXISTS {index} ON {table} (key text_pattern_ops)",
)


def _port(parts: SplitResult, shown: str) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise KrajError(BAD_STATE_URL, f"{shown}: {error}") from error
