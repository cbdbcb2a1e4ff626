"""Makes the lab's OpenStack a cloud: catalogue, roles, host aggregates, and the external network.

Everything by OpenStack's own API, as an operator would; every step can be repeated.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import openstack

from kraj.errors import KrajError
from kraj.lab.errors import SERVICE_FAILED
from kraj.lab.settings import (
    AVAILABILITY_ZONES,
    COMPUTE_HOSTS,
    EXTERNAL_IPV4,
    EXTERNAL_IPV6,
    LabSettings,
    Passwords,
)

READY_SECONDS = 240.0
POLL_SECONDS = 0.5

#: Processes that show by a report that they work, by their names in the lab.
WORKERS = (
    *(f"nova-compute{number}" for number in range(1, COMPUTE_HOSTS + 1)),
    "nova-conductor", "nova-scheduler", "cinder-scheduler", "cinder-volume",
)  # fmt: skip

#: What Cinder's scheduler is told by its volume service, after both have reported.
POOLS = "storage pools"

#: User and catalogue entry: (user, service name, type, path behind the port).
CATALOGUE = (
    ("glance", "glance", "image", ""),
    ("placement", "placement", "placement", ""),
    ("nova", "nova", "compute", "/v2.1"),
    ("neutron", "neutron", "network", ""),
    ("cinder", "cinder", "block-storage", "/v3"),
    ("cinder", "cinderv3", "volumev3", "/v3/%(project_id)s"),
    ("octavia", "octavia", "load-balancer", ""),
    ("barbican", "barbican", "key-manager", ""),
    ("designate", "designate", "dns", ""),
    ("swift", "swift", "object-store", "/v1/AUTH_%(project_id)s"),
)

ROLES = (
    "service", "admin", "manager", "member", "reader", "creator", "load-balancer_member",
    "ResellerAdmin", "swiftoperator",
)  # fmt: skip


def connect(settings: LabSettings) -> Any:
    """The administrator's connection."""
    loader = openstack.config.OpenStackConfig(
        config_files=[str(settings.clouds_file)], load_envvars=False
    )
    connection = openstack.connection.Connection(
        config=loader.get_one(cloud="lab"), app_name="kraj"
    )
    # Past any proxy that the environment names for the outside world.
    connection.session.session.trust_env = False
    return connection


def fill_catalogue(settings: LabSettings) -> None:
    """Roles, service users and endpoints of every service of this lab."""
    connection = connect(settings)
    identity = connection.identity
    present = {role.name for role in identity.roles()}
    for name in ROLES:
        if name not in present:
            identity.create_role(name=name)
    roles = {role.name: role for role in identity.roles()}
    found = identity.projects(name="service", domain_id="default")
    project = next(found, None) or identity.create_project(name="service", domain_id="default")
    users = {user.name: user for user in identity.users(domain_id="default")}
    services = {service.name: service for service in identity.services()}
    endpoints = {(item.service_id, item.interface) for item in identity.endpoints()}
    for user, service, kind, path in CATALOGUE:
        if user in ("designate", "swift") and user not in settings.with_services:
            continue
        if user not in users:
            users[user] = identity.create_user(
                name=user, password=Passwords.of(settings).service, domain_id="default"
            )
        for role in ("admin", "service"):
            identity.assign_project_role_to_user(project, users[user], roles[role])
        entry = services.get(service) or identity.create_service(name=service, type=kind)
        url = f"http://127.0.0.1:{settings.ports[user]}{path}"
        for interface in ("public", "internal", "admin"):
            if (entry.id, interface) not in endpoints:
                identity.create_endpoint(
                    service_id=entry.id, interface=interface, region_id="RegionOne", url=url
                )


def wait_for_workers(
    settings: LabSettings,
    started: Callable[[], Mapping[str, float]],
    progress: Callable[[str], None],
) -> None:
    """Wait until every service without an address of its own has reported since its start.

    OpenStack calls a service up for two minutes after its last report, also one that has just been
    started again and does not listen to the queue yet: what it is sent then is lost. Cinder's
    scheduler, too, reports before it has heard of the storage pools, and finds no place for a
    volume until then. `started` tells when each began (seconds since 1970) and raises where one
    has ended; `progress` is told who has reported. Raises KRJ505 after `READY_SECONDS`.
    """
    connection = connect(settings)
    missing = {*WORKERS, POOLS}
    deadline = time.monotonic() + READY_SECONDS
    while True:
        begun, failure = started(), ""
        try:
            last = _last_reports(connection)
        except openstack.exceptions.SDKException as error:
            # Their database or queue connection may not stand yet: ask again.
            last, failure = {}, str(error)
        for name in sorted(missing & last.keys()):
            if last[name] >= begun.get(name, math.inf):
                missing.remove(name)
                progress(f"{name} reports")
        if missing == {POOLS} and _knows_pools(connection):
            missing.remove(POOLS)
        if not missing:
            return
        if time.monotonic() > deadline:
            names = ", ".join(sorted(missing))
            raise KrajError(
                SERVICE_FAILED,
                f"no report from {names} in {READY_SECONDS:.0f} s",
                causes=(failure,) if failure else (),
            )
        time.sleep(POLL_SECONDS)


def _last_reports(connection: Any) -> dict[str, float]:
    """When each worker reported last, in seconds since 1970, by the name of its process."""
    found: dict[str, float] = {}
    for service in (*connection.compute.services(), *connection.block_storage.services()):
        name = f"nova-{service.host}" if service.binary == "nova-compute" else service.binary
        # Empty until the first report. The newest counts: a machine that was given another name
        # leaves reports of services under its old one.
        moment = moment_of(service.updated_at) if service.updated_at else 0.0
        found[name] = max(moment, found.get(name, 0.0))
    return found


def _knows_pools(connection: Any) -> bool:
    """Whether Cinder's scheduler has been told of storage pools."""
    try:
        return any(connection.block_storage.backend_pools())
    except openstack.exceptions.SDKException:
        return False


def moment_of(text: str) -> float:
    """Seconds since 1970 of OpenStack's time, which is UTC without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def make_availability_zones(settings: LabSettings) -> None:
    """One host aggregate per zone."""
    connection = connect(settings)
    present = {aggregate.name: aggregate for aggregate in connection.compute.aggregates()}
    for zone, hosts in AVAILABILITY_ZONES.items():
        aggregate = present.get(zone) or connection.compute.create_aggregate(
            name=zone, availability_zone=zone
        )
        for host in hosts:
            if host not in (aggregate.hosts or ()):
                connection.compute.add_host_to_aggregate(aggregate, host)


def make_external_network(settings: LabSettings) -> None:
    """The provider's network `public` that floating addresses come from."""
    network = connect(settings).network
    public = next(iter(network.networks(name="public", is_router_external=True)), None)
    if public is None:
        public = network.create_network(
            name="public",
            is_router_external=True,
            provider_network_type="flat",
            provider_physical_network="public",
        )
    present = {subnet.cidr for subnet in network.subnets(network_id=public.id)}
    for version, cidr in ((4, EXTERNAL_IPV4), (6, EXTERNAL_IPV6)):
        if cidr not in present:
            network.create_subnet(
                network_id=public.id,
                name=f"public-ipv{version}",
                ip_version=version,
                cidr=cidr,
                gateway_ip=str(next(ip_network(cidr).hosts())),
                is_dhcp_enabled=False,
            )
