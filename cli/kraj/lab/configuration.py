"""Writes every configuration file of a lab from the templates beside this module."""

from __future__ import annotations

import getpass
import os
from typing import Any

import jinja2

from kraj import kvm
from kraj.files import write_atomically
from kraj.lab.services import all_services
from kraj.lab.settings import COMPUTE_HOSTS, DEPTHS, LabSettings, Passwords

#: Template → file below `etc`. All hold passwords or stand beside some: mode 0600.
FILES = {
    "keystone.conf": "keystone/keystone.conf",
    "glance-api.conf": "glance/glance-api.conf",
    "placement.conf": "placement/placement.conf",
    "neutron.conf": "neutron/neutron.conf",
    "ml2_conf.ini": "neutron/ml2_conf.ini",
    "cinder.conf": "cinder/cinder.conf",
    "octavia.conf": "octavia/octavia.conf",
    "barbican.conf": "barbican/barbican.conf",
    "designate.conf": "designate/designate.conf",
    "designate-pools.yaml": "designate/pools.yaml",
    "rabbitmq.conf": "rabbitmq/rabbitmq.conf",
    "swift.conf": "swift/swift.conf",
    "swift-proxy.conf": "swift/proxy-server.conf",
}
#: Depth → what Nova drives.
_COMPUTE_DRIVERS = {
    "api": "kraj_lab.LabDriver",
    "hosts": "kraj_hosts.HostsDriver",
    "vm": "kraj_machines.MachinesDriver",
}
FOLDERS = (
    "data/glance/images", "data/glance/staging", "data/glance/tasks", "data/nova", "data/neutron",
    "data/cinder/coordination", "data/octavia", "data/barbican/.barbican",
    "data/designate/coordination", "data/swift/d1", "data/rabbitmq", "etc/keystone/fernet-keys",
    "etc/keystone/credential-keys", "run/lock", "log", "images",
)  # fmt: skip


def write_configuration(settings: LabSettings) -> None:
    """Write all files; the same settings give the same bytes."""
    for folder in FOLDERS:
        (settings.folder / folder).mkdir(parents=True, exist_ok=True)
    for key_folder in ("fernet-keys", "credential-keys"):
        (settings.etc / "keystone" / key_folder).chmod(0o700)
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("kraj.lab"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML
    )
    values = _values(settings)

    def render(template: str, target: str, **more: Any) -> None:
        text = templates.get_template(f"{template}.j2").render(**values, **more)
        write_atomically(settings.folder / target, text, mode=0o600)

    for template, target in FILES.items():
        render(template, f"etc/{target}")
    render("nova.conf", "etc/nova/nova.conf", compute=False)
    render("nova.conf", "etc/nova/nova-compute.conf", compute=True)
    for number in range(1, COMPUTE_HOSTS + 1):
        (settings.data / "nova" / f"compute{number}").mkdir(exist_ok=True)
        render("nova-host.conf", f"etc/nova/compute{number}.conf", host=f"compute{number}")
    for kind in ("account", "container", "object"):
        port = settings.ports[f"swift-{kind}"]
        render("swift-storage.conf", f"etc/swift/{kind}-server.conf", kind=kind, port=port)
    services = all_services(settings)
    socket = settings.socket("supervisor.sock")
    render("supervisord.conf", "etc/supervisord.conf", services=services, socket=socket)
    render("clouds.yaml", "clouds.yaml")
    _link_defaults(settings)


def _values(settings: LabSettings) -> dict[str, Any]:
    passwords, ports = Passwords.of(settings), settings.ports
    return {
        "state": str(settings.folder),
        "etc": str(settings.etc),
        "data": str(settings.data),
        "log": str(settings.log),
        "run": str(settings.run),
        "venv": str(settings.venv),
        "ports": ports,
        "passwords": passwords,
        "user": getpass.getuser(),
        "boots": settings.boots,
        "virtual": settings.virtual,
        "virt_type": kvm.virt_type() if settings.virtual else "",
        "libvirt_socket": str(settings.socket("libvirt-sock")),
        "compute_driver": _COMPUTE_DRIVERS[settings.depth or DEPTHS[0]],
        "keystone_url": settings.keystone_url,
        # oslo.config takes a dollar sign for a reference to another setting.
        "transport_url": settings.queue_url.replace("$", "$$"),
        "memcached": settings.cache,
        "database": settings.database,
    }


def _link_defaults(settings: LabSettings) -> None:
    """Files that a service looks for at a place of its own."""
    for source, link in (
        (
            settings.etc / "barbican" / "barbican.conf",
            settings.data / "barbican" / ".barbican" / "barbican.conf",
        ),
        (
            settings.venv / "etc" / "designate" / "api-paste.ini",
            settings.etc / "designate" / "api-paste.ini",
        ),
        (
            settings.venv / "etc" / "nova" / "api-paste.ini",
            settings.etc / "nova" / "api-paste.ini",
        ),
    ):
        if not os.path.lexists(link):
            link.symlink_to(source)
