"""Addresses of a user's own database, message queue and cache, taken apart and checked."""

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
        account, name = f"{self.user}:{self.password}", self.name(database)
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
    if parts.query or parts.fragment:
        raise KrajError(BAD_SETTING, "nothing may follow the prefix in the database's address")
    prefix = parts.path.strip("/") or DEFAULT_PREFIX
    if not (prefix.isascii() and prefix.isidentifier()):
        raise KrajError(BAD_SETTING, f"databases cannot be called {prefix!r} and more")
    user, password = unquote(parts.username), unquote(parts.password or "")
    # keystone and nova 2026.1 do not take such a character, however it is written.
    if "%" in quote(user + password, safe=""):
        raise KrajError(
            BAD_SETTING,
            "name and password for the database may hold letters, digits and - . _ ~ only",
            hint="Make an account for the lab; OpenStack cannot use other characters there.",
        )
    return DatabaseServer(host, port, user, password, prefix)


@dataclass(frozen=True, slots=True)
class QueueServer:
    """A RabbitMQ server and the virtual host on it that the lab has for itself."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    virtual_host: str = "/"


def parse_transport_url(text: str) -> QueueServer:
    """Take `rabbit://user:password@host:port/vhost` apart; one server, without TLS. Raises KRJ510.

    The message never holds the address itself, because the password is in it.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or 5672
    except ValueError as error:
        raise KrajError(BAD_SETTING, f"the address of the message queue: {error}") from error
    plain = "," not in parts.netloc and not parts.query and not parts.fragment
    if parts.scheme != "rabbit" or not host or not parts.username or not plain:
        raise KrajError(
            BAD_SETTING,
            "the address of the message queue is not rabbit://user:password@host:port/vhost",
        )
    virtual_host = unquote(parts.path.removeprefix("/")) or "/"
    password = unquote(parts.password or "")
    return QueueServer(host, port, unquote(parts.username), password, virtual_host)


def parse_host_and_port(text: str) -> tuple[str, int]:
    """Take `host:port` apart. Raises KRJ510."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise KrajError(BAD_SETTING, f"{text!r} is not host:port")
    return host, int(port)
