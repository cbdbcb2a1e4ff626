"""nova's own fake hypervisor, with what a lasting lab needs: identity and memory over restarts.

Servers become ACTIVE and nothing boots. Everything above the hypervisor is nova itself.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from nova.compute import power_state, task_states
from nova.image import glance
from nova.virt import fake
from nova.virt import node as virt_node

#: States in which a server has a guest that the hypervisor must know.
WITH_GUEST = ("active", "stopped", "paused", "suspended", "rescued", "resized")


class LabDriver(fake.FakeDriver):
    """One host of 128 vCPUs, 512 GiB of memory and 20 TiB of local disk."""

    capabilities = dict(fake.FakeDriver.capabilities, supports_migrate_to_same_host=True)
    vcpus = 128
    memory_mb = 524288
    local_gb = 20480

    def _uuid(self) -> str:
        # Kept in state_path/compute_id: nova-compute refuses a second start under another identity.
        return virt_node.get_local_node_uuid()

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        return {self._uuid(): node for node in self.get_available_nodes(refresh)}

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        resources = super().get_available_resource(nodename)
        resources["uuid"] = self._uuid()
        return resources

    def _adopt(self, instance: Any) -> None:
        """Take over a guest that this process forgot when it was restarted."""
        if instance.uuid in self.instances or instance.vm_state not in WITH_GUEST:
            return
        state = instance.power_state if instance.power_state is not None else power_state.RUNNING
        self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)
        flavor = instance.flavor
        self.resources.claim(vcpus=flavor.vcpus, mem=flavor.memory_mb, disk=flavor.root_gb)

    def get_info(self, instance: Any, use_cache: bool = True) -> Any:
        self._adopt(instance)
        return super().get_info(instance, use_cache=use_cache)

    def power_on(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> Any:
        self._adopt(instance)
        return super().power_on(context, instance, *args, **kwargs)

    def power_off(self, instance: Any, *args: Any, **kwargs: Any) -> Any:
        self._adopt(instance)
        return super().power_off(instance, *args, **kwargs)

    def get_console_output(self, context: Any, instance: Any) -> bytes:
        return f"The lab's API depth has no console ({instance.uuid}).\n".encode()

    def detach_interface(self, context: Any, instance: Any, vif: dict[str, Any]) -> None:
        self._interfaces.pop(vif["id"], None)

    def detach_volume(
        self,
        context: Any,
        connection_info: Any,
        instance: Any,
        mountpoint: str,
        encryption: Any = None,
    ) -> None:
        self._mounts.get(instance.name, {}).pop(mountpoint, None)

    def snapshot(self, context: Any, instance: Any, image_id: str, update_task_state: Any) -> None:
        update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
        metadata = {
            "status": "active",
            "disk_format": "raw",
            "container_format": "bare",
            "is_public": False,
            "properties": {},
        }
        update_task_state(
            task_state=task_states.IMAGE_UPLOADING,
            expected_state=task_states.IMAGE_PENDING_UPLOAD,
        )
        with self._root_disk(instance) as disk:
            glance.API().update(context, image_id, metadata, disk)

    def _root_disk(self, instance: Any) -> BinaryIO:
        """What an image of a server is made of: there are no bytes at this depth."""
        return io.BytesIO(bytes(4096))
