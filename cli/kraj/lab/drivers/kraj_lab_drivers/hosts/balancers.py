"""What a load balancer does: Octavia's listeners, pools and members as haproxy's configuration.

Every load balancer is an haproxy in a network namespace of its own that holds the virtual address.
Time limits are Octavia's own (https://docs.openstack.org/api-ref/load-balancer/v2/), as are the
names of algorithms and protocols. Listeners that end TLS themselves are not served: nothing of kraj
asks for them, and their certificates lie in Barbican. Pure: text out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_ALGORITHMS: Final = {
    "ROUND_ROBIN": "roundrobin",
    "LEAST_CONNECTIONS": "leastconn",
    "SOURCE_IP": "source",
    "SOURCE_IP_PORT": "source",
}
#: Octavia's protocols that haproxy passes on unread.
_PASSED_ON: Final = ("TCP", "HTTPS", "PROXY", "PROXYV2")
_SERVED: Final = (*_PASSED_ON, "HTTP")


@dataclass(frozen=True, slots=True)
class Member:
    """A server behind a pool."""

    identity: str
    address: str
    port: int
    weight: int = 1
    backup: bool = False


@dataclass(frozen=True, slots=True)
class Monitor:
    """How a pool's members are asked whether they live; times in seconds."""

    kind: str  #: TCP, HTTP, HTTPS, PING, TLS-HELLO
    delay: int
    timeout: int
    failures: int
    successes: int = 1
    path: str = "/"
    codes: str = "200"


@dataclass(frozen=True, slots=True)
class Pool:
    """Members that share the work."""

    identity: str
    protocol: str
    algorithm: str
    members: tuple[Member, ...] = ()
    monitor: Monitor | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of the virtual address."""

    identity: str
    protocol: str
    port: int
    pool: Pool | None = None
    connections: int = -1  #: at once; -1 for no limit
    sources: tuple[str, ...] = ()  #: CIDRs that may connect; empty for all
    timeouts: tuple[int, int, int] = (50_000, 5_000, 50_000)  #: client, connect, member, in ms


@dataclass(frozen=True, slots=True)
class Balancer:
    """A virtual address with its listeners."""

    identity: str
    address: str  #: with its prefix length
    mac: str
    port: str  #: Neutron's port of the address
    network: str
    gateway: str = ""
    listeners: tuple[Listener, ...] = ()


def configuration(balancer: Balancer, folder: str) -> str:
    """The file for haproxy; `folder` takes its control socket."""
    return "\n".join([*_lines(balancer, folder), ""])


def _lines(balancer: Balancer, folder: str) -> Iterator[str]:
    yield "global"
    yield "  maxconn 2000"
    yield f"  stats socket {folder}/{balancer.identity}.sock mode 600 level user"
    yield "defaults"
    yield "  timeout connect 5s"
    yield "  timeout client 50s"
    yield "  timeout server 50s"
    for listener in balancer.listeners:
        if listener.protocol in _SERVED and listener.pool is not None:
            yield from _frontend(balancer, listener)
            yield from _backend(listener, listener.pool)


def _frontend(balancer: Balancer, listener: Listener) -> Iterator[str]:
    host = balancer.address.partition("/")[0]
    client, _connect, _member = listener.timeouts
    yield f"frontend {listener.identity}"
    yield f"  mode {_mode(listener.protocol)}"
    yield f"  bind {host}:{listener.port}"
    yield f"  timeout client {client}ms"
    if listener.connections > 0:
        yield f"  maxconn {listener.connections}"
    if listener.sources:
        yield f"  tcp-request connection reject unless {{ src {' '.join(listener.sources)} }}"
    yield f"  default_backend {listener.identity}"


def _backend(listener: Listener, pool: Pool) -> Iterator[str]:
    _client, connect, member_limit = listener.timeouts
    yield f"backend {listener.identity}"
    yield f"  mode {_mode(listener.protocol)}"
    yield f"  balance {_ALGORITHMS[pool.algorithm]}"
    yield f"  timeout connect {connect}ms"
    yield f"  timeout server {member_limit}ms"
    checked = ""
    if pool.monitor is not None:
        yield from _check(pool.monitor)
        monitor = pool.monitor
        checked = f" check inter {monitor.delay}s fall {monitor.failures} rise {monitor.successes}"
        if monitor.kind == "HTTPS":
            # As Octavia: the monitor asks whether somebody answers, not who.
            checked += " check-ssl verify none"
    for member in pool.members:
        host = f"[{member.address}]" if ":" in member.address else member.address
        proxied = " send-proxy" if pool.protocol.startswith("PROXY") else ""
        spare = " backup" if member.backup else ""
        yield (
            f"  server {member.identity} {host}:{member.port} weight {member.weight}"
            f"{checked}{proxied}{spare}"
        )


def _check(monitor: Monitor) -> Iterator[str]:
    yield f"  timeout check {monitor.timeout}s"
    if monitor.kind in ("HTTP", "HTTPS"):
        yield f"  option httpchk GET {monitor.path}"
        yield f"  http-check expect status {monitor.codes.replace(' ', '')}"
    elif monitor.kind == "TLS-HELLO":
        yield "  option ssl-hello-chk"


def _mode(protocol: str) -> str:
    return "tcp" if protocol in _PASSED_ON else "http"
