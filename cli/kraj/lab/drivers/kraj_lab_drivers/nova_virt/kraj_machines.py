"""nova's own libvirt driver, with what three compute hosts on one machine need.

Servers are virtual machines with kernels of their own. Names of hosts, links and volumes are the
lab's; everything else is libvirt's and nova's.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Final

import nova.conf
import nova.privsep
from kraj_lab_drivers.hosts.fabric import Fabric, bridge_of, link_of
from nova.virt.libvirt import designer, driver, vif
from nova.virt.libvirt.volume import volume

CONF = nova.conf.CONF
_DAEMON_SECONDS: Final = 60.0

# The process is root already: without this each privileged call would go to a helper, by sudo.
nova.privsep.sys_admin_pctxt.set_client_mode(False)


class Links(vif.LibvirtGenericVIFDriver):
    """Network cards as devices at the fabric's bridges; the network agent makes the bridges."""

    def plug(self, instance: Any, vif: Any) -> None:
        """libvirt, in the fabric's namespace, makes the device itself."""

    def unplug(self, instance: Any, vif: Any) -> None:
        """It goes with the guest."""

    def get_config(
        self, instance: Any, vif: Any, image_meta: Any, flavor: Any, virt_type: str
    ) -> Any:
        conf = self.get_base_config(
            instance, vif["address"], image_meta, flavor, virt_type, vif["vnic_type"]
        )
        conf.net_type = "bridge"
        conf.source_dev = bridge_of(vif["network"]["id"])
        conf.target_dev = link_of(vif["id"])
        designer.set_vif_mtu_config(conf, vif["network"]["meta"].get("mtu"))
        return conf


class Volumes(volume.LibvirtBaseVolumeDriver):
    """Volumes as the files that the lab's Cinder driver makes."""

    def __init__(self, host: Any) -> None:
        super().__init__(host, is_block_dev=False)

    def get_config(self, connection_info: Any, disk_info: Any) -> Any:
        conf = super().get_config(connection_info, disk_info)
        conf.source_type = "file"
        conf.source_path = connection_info["data"]["device_path"]
        conf.driver_cache = "writeback"
        return conf

    def extend_volume(self, connection_info: Any, instance: Any, requested_size: int) -> int:
        """Cinder has made the file larger already."""
        return requested_size


class MachinesDriver(driver.LibvirtDriver):
    """One compute host of the lab."""

    def __init__(self, virtapi: Any, read_only: bool = False) -> None:
        super().__init__(virtapi, read_only)
        self.vif_driver = Links(self._host)
        self.volume_drivers["local"] = Volumes(self._host)
        # libvirt would give the machine's name, which is the same for all three.
        self._host.get_hostname = lambda: CONF.host
        self._fabric = Fabric(os.environ["KRAJ_LAB_FABRIC"])

    def init_host(self, host: str) -> None:
        Path(CONF.instances_path).mkdir(parents=True, exist_ok=True)
        self._wait_for_libvirt()
        super().init_host(host)

    def _wait_for_libvirt(self) -> None:
        socket = Path(os.environ["KRAJ_LAB_LIBVIRT"])
        deadline = time.monotonic() + _DAEMON_SECONDS
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.2)

    def spawn(
        self,
        context: Any,
        instance: Any,
        image_meta: Any,
        injected_files: Any,
        admin_password: str,
        allocations: Any,
        network_info: Any = None,
        **options: Any,
    ) -> None:
        # Nobody gives addresses by DHCP here: the configuration drive names them.
        for card in network_info or ():
            for subnet in card["network"]["subnets"]:
                for word in ("dhcp_server", "enable_dhcp"):
                    subnet["meta"].pop(word, None)
        super().spawn(
            context, instance, image_meta, injected_files, admin_password, allocations,
            network_info, **options,
        )  # fmt: skip

    def plug_vifs(self, instance: Any, network_info: Any) -> None:
        # The network agent makes the bridges too, but libvirt would not wait for it.
        for card in network_info:
            self._fabric.bridge(card["network"]["id"])
        super().plug_vifs(instance, network_info)

    def get_volume_connector(self, instance: Any) -> dict[str, Any]:
        # Cinder's base for the lab's driver wants an iSCSI initiator, which the files do without.
        name = f"iqn.2010-10.org.kraj:{CONF.host}"
        return {"host": CONF.host, "ip": CONF.my_ip, "initiator": name}
