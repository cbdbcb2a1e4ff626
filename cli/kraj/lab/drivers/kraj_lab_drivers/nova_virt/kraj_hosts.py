"""nova's hypervisor for the lab's depth `hosts`: every server is a container that boots systemd.

The scheduler sees the same large hosts as at API depth (`kraj_lab`); what a server does is real.
What containers cannot do (suspend to disk, rescue, live migration) is refused, not pretended.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO, Final

import nova.conf
from kraj_lab_drivers.hosts import disks
from kraj_lab_drivers.hosts.guests import PAUSED, RUNNING
from kraj_lab_drivers.hosts.images import image
from kraj_lab_drivers.hosts.servers import Record, Servers, link_from
from nova import exception
from nova.api.metadata import base as metadata
from nova.compute import power_state
from nova.image import glance
from nova.virt import driver, hardware
from nova.virt.kraj_lab import LabDriver

CONF = nova.conf.CONF
_STATES: Final = {RUNNING: power_state.RUNNING, PAUSED: power_state.PAUSED}
#: Nova's own default for a shutdown that nobody limits, in seconds (`shutdown_timeout`).
_SHUTDOWN_SECONDS: Final = 60


class HostsDriver(LabDriver):
    """One compute host of the lab."""

    capabilities = dict(
        LabDriver.capabilities,
        supports_multiattach=False,
        supports_device_tagging=False,
        supports_tagged_attach_interface=False,
        supports_tagged_attach_volume=False,
        supports_trusted_certs=False,
        supports_accelerators=False,
    )

    def __init__(self, virtapi: Any, read_only: bool = False) -> None:
        super().__init__(virtapi, read_only)
        self._folder = Path(os.environ["KRAJ_LAB_HOSTS"])
        self._servers = Servers(self._folder, os.environ["KRAJ_LAB_FABRIC"])

    def init_host(self, host: str) -> None:
        super().init_host(host)
        self._servers.fabric.prepare()
        for record in self._servers.records(host):
            self.resources.claim(vcpus=record.vcpus, mem=record.memory_mib)

    # --- what is there

    def list_instances(self) -> list[str]:
        return [record.name for record in self._servers.records(self._host)]

    def list_instance_uuids(self) -> list[str]:
        return [record.identity for record in self._servers.records(self._host)]

    def instance_exists(self, instance: Any) -> bool:
        return self._servers.record(instance.uuid) is not None

    def get_info(self, instance: Any, use_cache: bool = True) -> Any:
        state = self._servers.state(self._record(instance))
        return hardware.InstanceInfo(state=_STATES.get(state, power_state.SHUTDOWN))

    def get_console_output(self, context: Any, instance: Any) -> bytes:
        return self._servers.podman.console_text(self._record(instance).name)

    # --- life

    def spawn(
        self,
        context: Any,
        instance: Any,
        image_meta: Any,
        injected_files: Any,
        admin_password: str,
        allocations: Any,
        network_info: Any = None,
        block_device_info: Any = None,
        power_on: bool = True,
        accel_info: Any = None,
    ) -> None:
        links = [link_from(vif) for vif in network_info or ()]
        volumes = _volumes(block_device_info)
        root = volumes.pop(driver.block_device_info_get_root_device(block_device_info), None)
        path = Path(root[0]) if root else self._copy_image(context, instance)
        flavor = instance.flavor
        record = Record(
            identity=instance.uuid,
            name=instance.name,
            host=self._host,
            hostname=instance.hostname,
            vcpus=flavor.vcpus,
            memory_mib=flavor.memory_mb,
            root=str(path),
            own_root=root is None,
            links=[link for link, _servers in links],
            volumes=volumes,
            nameservers=list(dict.fromkeys(name for _link, names in links for name in names)),
        )
        known = metadata.InstanceMetadata(
            instance,
            content=injected_files,
            extra_md={"admin_pass": admin_password} if admin_password else {},
            network_info=network_info,
        )
        self._servers.furnish(record, known.metadata_for_config_drive())
        if power_on:
            self._servers.start(record)
        self.resources.claim(vcpus=record.vcpus, mem=record.memory_mib, disk=flavor.root_gb)

    def destroy(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        block_device_info: Any = None,
        destroy_disks: bool = True,
        destroy_secrets: bool = True,
    ) -> None:
        record = self._servers.record(instance.uuid)
        if record is None:
            return
        self._servers.forget(record, with_disk=destroy_disks)
        self.resources.release(
            vcpus=record.vcpus, mem=record.memory_mib, disk=instance.flavor.root_gb
        )

    def cleanup(self, context: Any, instance: Any, network_info: Any, **_options: Any) -> None:
        self.destroy(context, instance, network_info)

    def power_off(self, instance: Any, timeout: int = 0, retry_interval: int = 0) -> None:
        self._servers.stop(self._record(instance), timeout)

    def power_on(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        block_device_info: Any = None,
        accel_info: Any = None,
        share_info: Any = None,
    ) -> None:
        self._servers.start(self._record(instance))

    def reboot(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        reboot_type: str,
        block_device_info: Any = None,
        bad_volumes_callback: Any = None,
        accel_info: Any = None,
        share_info: Any = None,
    ) -> None:
        record = self._record(instance)
        self._servers.stop(record, _SHUTDOWN_SECONDS if reboot_type.upper() == "SOFT" else 0)
        self._servers.start(record)

    def resume_state_on_host_boot(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        share_info: Any,
        block_device_info: Any = None,
    ) -> None:
        self._servers.start(self._record(instance))

    def pause(self, instance: Any) -> None:
        self._servers.podman.pause(self._record(instance).name)

    def unpause(self, instance: Any) -> None:
        self._servers.podman.unpause(self._record(instance).name)

    def suspend(self, context: Any, instance: Any) -> None:
        raise NotImplementedError

    def resume(self, *_arguments: Any, **_options: Any) -> None:
        raise NotImplementedError

    def rescue(self, *_arguments: Any, **_options: Any) -> None:
        raise NotImplementedError

    def unrescue(self, *_arguments: Any, **_options: Any) -> None:
        raise NotImplementedError

    # --- resize, on a machine whose hosts share their disks

    def migrate_disk_and_power_off(
        self,
        context: Any,
        instance: Any,
        dest: str,
        flavor: Any,
        network_info: Any,
        block_device_info: Any = None,
        timeout: int = 0,
        retry_interval: int = 0,
    ) -> str:
        self._servers.stop(self._record(instance), timeout)
        return "{}"

    def finish_migration(
        self,
        context: Any,
        migration: Any,
        instance: Any,
        disk_info: str,
        network_info: Any,
        image_meta: Any,
        resize_instance: bool,
        allocations: Any,
        block_device_info: Any = None,
        power_on: bool = True,
    ) -> None:
        self._settle(instance, power_on)

    def finish_revert_migration(
        self,
        context: Any,
        instance: Any,
        network_info: Any,
        migration: Any,
        block_device_info: Any = None,
        power_on: bool = True,
    ) -> None:
        self._settle(instance, power_on)

    def confirm_migration(
        self, context: Any, migration: Any, instance: Any, network_info: Any
    ) -> None:
        """Nothing was left where it came from: the disks are in one place."""

    def _settle(self, instance: Any, power_on: bool) -> None:
        record = self._record(instance)
        record.host = self._host
        record.vcpus, record.memory_mib = instance.flavor.vcpus, instance.flavor.memory_mb
        self._servers.keep(record)
        if power_on:
            self._servers.start(record)

    # --- volumes and links

    def default_root_device_name(self, instance: Any, image_meta: Any, root_bdm: Any) -> str:
        return "/dev/vda"

    def attach_volume(
        self,
        context: Any,
        connection_info: Any,
        instance: Any,
        mountpoint: str,
        disk_bus: Any = None,
        device_type: Any = None,
        encryption: Any = None,
    ) -> None:
        path, identity = _place(connection_info)
        self._servers.attach_volume(self._record(instance), mountpoint, Path(path), identity)

    def detach_volume(
        self,
        context: Any,
        connection_info: Any,
        instance: Any,
        mountpoint: str,
        encryption: Any = None,
    ) -> None:
        self._servers.detach_volume(self._record(instance), mountpoint)

    def extend_volume(
        self, context: Any, connection_info: Any, instance: Any, requested_size: int
    ) -> None:
        disks.grow(Path(_place(connection_info)[0]), requested_size >> 30)

    def attach_interface(self, context: Any, instance: Any, image_meta: Any, vif: Any) -> None:
        link, _nameservers = link_from(vif)
        self._servers.attach_link(self._record(instance), link)

    def detach_interface(self, context: Any, instance: Any, vif: Any) -> None:
        self._servers.detach_link(self._record(instance), vif["id"])

    # --- images

    def _root_disk(self, instance: Any) -> BinaryIO:
        return Path(self._record(instance).root).open("rb")

    def _copy_image(self, context: Any, instance: Any) -> Path:
        """The server's own root disk: a copy of its image, at the size of its flavour."""

        def fetch(path: Path) -> None:
            glance.API().download(context, instance.image_ref, dest_path=str(path))

        path = self._servers.own_root(instance.uuid)
        source = image(self._folder, instance.image_ref, fetch)
        disks.copy(source, path, instance.flavor.root_gb)
        return path

    def _record(self, instance: Any) -> Record:
        record = self._servers.record(instance.uuid)
        if record is None:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return record


def _volumes(block_device_info: Any) -> dict[str, tuple[str, str]]:
    """The volumes of a server by their device names, as the server's record keeps them."""
    mapping = driver.block_device_info_get_mapping(block_device_info)
    return {item["mount_device"]: _place(item["connection_info"]) for item in mapping}


def _place(connection_info: Any) -> tuple[str, str]:
    """File and id of a volume, as the lab's Cinder driver tells them."""
    data = connection_info["data"]
    return str(data["device_path"]), str(data["volume_id"])
