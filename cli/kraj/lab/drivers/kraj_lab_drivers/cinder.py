"""cinder driver with three storage pools of 16 TB in all; volumes are rows, not bytes.

Sizes are accounted truly: what volumes have been promised counts against the pool, so that cinder's
scheduler refuses what does not fit, as a storage array would.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, BinaryIO

from cinder import context as cinder_context
from cinder import objects
from cinder.tests import fake_driver
from cinder.volume import volume_utils

from kraj_lab_drivers.hosts import disks
from kraj_lab_drivers.hosts.images import image

#: Pool → (size in GiB, largest ratio of promised to real size). 3, 8 and 5 TB (decimal) in GiB.
POOLS = {"fast": (2793, 1.0), "bulk": (7450, 1.2), "archive": (4656, 1.0)}


class LabVolumeDriver(fake_driver.FakeLoggingVolumeDriver):
    def create_volume(self, volume: Any) -> None:
        """Nothing to make: the row is the volume."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        """Nothing to grow."""

    def clone_image(
        self, context: Any, volume: Any, image_location: Any, image_meta: Any, image_service: Any
    ) -> tuple[dict[str, Any], bool]:
        return {}, True

    def copy_image_to_volume(
        self,
        context: Any,
        volume: Any,
        image_service: Any,
        image_id: str,
        disable_sparse: bool = False,
    ) -> None:
        """Nothing to copy."""

    def copy_volume_to_image(
        self, context: Any, volume: Any, image_service: Any, image_meta: dict[str, Any]
    ) -> None:
        with self._content(volume) as content:
            image_service.update(
                context, image_meta["id"], {}, content, store_id=None, base_image_ref=None
            )

    def _content(self, volume: Any) -> BinaryIO:
        """What an image of a volume is made of: there are no bytes at this depth."""
        return io.BytesIO(bytes(4096))

    def retype(self, context: Any, volume: Any, new_type: Any, diff: Any, host: Any) -> bool:
        # A volume that stays in its pool changes its type in place; another pool means migration.
        return volume_utils.extract_host(volume.host, "pool") == volume_utils.extract_host(
            host["host"], "pool"
        )

    def migrate_volume(self, context: Any, volume: Any, host: Any) -> tuple[bool, None]:
        return True, None

    def revert_to_snapshot(self, context: Any, volume: Any, snapshot: Any) -> None:
        """Nothing to copy back."""

    def update_migrated_volume(
        self, context: Any, volume: Any, new_volume: Any, original_volume_status: str
    ) -> dict[str, None]:
        return {"_name_id": None, "provider_location": None}

    def initialize_connection(self, volume: Any, connector: Any) -> dict[str, Any]:
        connection = super().initialize_connection(volume, connector)
        connection["data"].update(
            target_iqn=f"iqn.2010-10.org.kraj:{volume.id}",
            target_lun=1,
            target_portal="127.0.0.1:3260",
            target_discovered=False,
            volume_id=volume.id,
        )
        return connection

    def _update_volume_stats(self) -> None:
        promised = self._promised_gib()
        self._stats = {
            "volume_backend_name": "lab",
            "vendor_name": "kraj",
            "driver_version": self.VERSION,
            "storage_protocol": self.protocol,
            "pools": [
                {
                    "pool_name": name,
                    "volume_backend_name": name,
                    "total_capacity_gb": size,
                    "free_capacity_gb": size,
                    "provisioned_capacity_gb": promised.get(name, 0),
                    "max_over_subscription_ratio": str(ratio),
                    "thin_provisioning_support": True,
                    "thick_provisioning_support": False,
                    "reserved_percentage": 0,
                    "multiattach": True,
                    "online_extend_support": True,
                    "QoS_support": False,
                }
                for name, (size, ratio) in POOLS.items()
            ],
        }

    def _promised_gib(self) -> dict[str, int]:
        """Sum of the volumes' sizes per pool, from cinder's own database."""
        volumes = objects.VolumeList.get_all_by_host(cinder_context.get_admin_context(), self.host)
        sums: dict[str, int] = {}
        for volume in volumes:
            pool = volume_utils.extract_host(volume.host, "pool")
            if pool:
                sums[pool] = sums.get(pool, 0) + volume.size
        return sums


class FileVolumeDriver(LabVolumeDriver):
    """For the depth `hosts`: a volume is a sparse file, and holds what a server writes."""

    def create_volume(self, volume: Any) -> None:
        disks.make(_file(volume), volume.size)

    def delete_volume(self, volume: Any) -> None:
        disks.detach(_file(volume))
        _file(volume).unlink(missing_ok=True)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        disks.grow(_file(volume), new_size)

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None:
        disks.copy(_file(src_vref), _file(volume), volume.size)

    def create_snapshot(self, snapshot: Any) -> None:
        disks.copy(_file(snapshot.volume), _file(snapshot), snapshot.volume_size)

    def delete_snapshot(self, snapshot: Any) -> None:
        _file(snapshot).unlink(missing_ok=True)

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        disks.copy(_file(snapshot), _file(volume), volume.size)

    def revert_to_snapshot(self, context: Any, volume: Any, snapshot: Any) -> None:
        disks.copy(_file(snapshot), _file(volume), volume.size)

    def clone_image(
        self, context: Any, volume: Any, image_location: Any, image_meta: Any, image_service: Any
    ) -> tuple[dict[str, Any], bool]:
        # Cinder's own way would ask qemu-img about the image first, through sudo.
        self.copy_image_to_volume(context, volume, image_service, image_meta["id"])
        return {}, True

    def copy_image_to_volume(
        self,
        context: Any,
        volume: Any,
        image_service: Any,
        image_id: str,
        disable_sparse: bool = False,
    ) -> None:
        def fetch(path: Path) -> None:
            with path.open("wb") as file:
                image_service.download(context, image_id, file)

        disks.copy(image(_folder(), image_id, fetch), _file(volume), volume.size)

    def _content(self, volume: Any) -> BinaryIO:
        return _file(volume).open("rb")

    def initialize_connection(self, volume: Any, connector: Any) -> dict[str, Any]:
        data = {"volume_id": volume.id, "device_path": str(_file(volume))}
        return {"driver_volume_type": "local", "data": data}


def _file(item: Any) -> Path:
    """The file of a volume or a snapshot."""
    return _folder() / "volumes" / str(item.id)


def _folder() -> Path:
    return Path(os.environ["KRAJ_LAB_HOSTS"])
