"""Addresses of a user's own database and cache, taken apart and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from kraj.errors import KrajError
from kraj.lab.errors import BAD_SETTING

DATABASE_SCHEMES = ("mysql", "mysql+pymysql", "mariadb")

#: Databases of a user's server carry this in front, so that they are told from others.
DEFAULT_PREFIX = "kraj_lab_"


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A MariaDB or MySQL server and what the lab's databases on it are called."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    prefix: str = ""

    def name(self, database: str) -> str:
        """The name on the server of what OpenStack's guides call `database`."""
        return f"{self.prefix}{database}"

    def url(self, database: str) -> str:
        """SQLAlchemy's address of one database."""
        account = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        name = self.name(database)
        return f"mysql+pymysql://{account}@{self.host}:{self.port}/{name}?charset=utf8mb4"


def parse_database_url(text: str) -> DatabaseServer:
    """Take `mysql+pymysql://user:password@host:port/prefix_` apart. Raises KRJ510.

    The message never holds the address itself, because the password is in it.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or 3306
    except ValueError as error:
        raise KrajError(BAD_SETTING, f"the address of the database: {error}") from error
    if parts.scheme not in DATABASE_SCHEMES or not host or not parts.username:
        raise KrajError(
            BAD_SETTING,
            "the address of the database is not mysql+pymysql://user:password@host:port/prefix_",
        )
    prefix = parts.path.strip("/") or DEFAULT_PREFIX
    if not (prefix.isascii() and prefix.isidentifier()):
        raise KrajError(BAD_SETTING, f"databases cannot be called {prefix!r} and more")
    return DatabaseServer(
        host, port, unquote(parts.username), unquote(parts.password or ""), prefix
    )


def parse_host_and_port(text: str) -> tuple[str, int]:
    """Take `host:port` apart. Raises KRJ510."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise KrajError(BAD_SETTING, f"{text!r} is not host:port")
    return host, int(port)
