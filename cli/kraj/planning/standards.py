"""What the centre offers, after the Sovereign Cloud Stack standards, so that towns can move on.

scs-0100 (flavour names), scs-0101 (entropy), scs-0102 (image metadata), scs-0103 (standard
flavours), scs-0114 (volume types); the texts are at https://docs.scs.community/standards/.
"""

from __future__ import annotations

import posixpath
import re

from kraj.model.catalogue import Image as CatalogueImage
from kraj.model.catalogue import ServerSize
from kraj.model.region import StoragePool
from kraj.planning.documents import Flavor, Image, VolumeType

#: scs-0103-v1, table of mandatory flavours: name → (vCPUs, RAM in GiB, root disk in GB).
MANDATORY_FLAVORS = {
    "SCS-1L-1": (1, 1, 0),
    "SCS-1V-2": (1, 2, 0),
    "SCS-1V-4": (1, 4, 0),
    "SCS-1V-8": (1, 8, 0),
    "SCS-2V-4": (2, 4, 0),
    "SCS-2V-4-20s": (2, 4, 20),
    "SCS-2V-8": (2, 8, 0),
    "SCS-2V-16": (2, 16, 0),
    "SCS-4V-8": (4, 8, 0),
    "SCS-4V-16": (4, 16, 0),
    "SCS-4V-16-100s": (4, 16, 100),
    "SCS-4V-32": (4, 32, 0),
    "SCS-8V-16": (8, 16, 0),
    "SCS-8V-32": (8, 32, 0),
    "SCS-16V-32": (16, 32, 0),
}

#: scs-0100-v3: letter behind the number of vCPUs → value of `scs:cpu-type` (scs-0103-v1).
_CPU_TYPES = {
    "L": "crowded-core",
    "V": "shared-core",
    "T": "dedicated-thread",
    "C": "dedicated-core",
}
#: Letter behind the disk's size → value of `scs:disk0-type`.
_DISK_TYPES = {"n": "network", "h": "hdd", "s": "ssd", "p": "nvme"}


#: vCPUs with the letter of their kind, `i` without all mitigations; memory, `u` without ECC, `o`
#: oversubscribed; disks with the letter of their type; extensions (scs-0100-v3).
_FLAVOR_NAME = re.compile(
    r"SCS-[0-9]+(?P<cpu>[LVTC])i?-[0-9]+(?:\.5)?u?o?"
    r"(?:-(?:[0-9]+x)?[0-9]*(?P<disk>[nhsp])?)?(?:_[A-Za-z0-9._-]+)?"
)


def flavors(sizes: dict[str, ServerSize]) -> tuple[Flavor, ...]:
    """The mandatory flavours and those that the region's sizes name, by name."""
    found = {
        name: _scs_flavor(name, vcpus, ram_gib * 1024, disk)
        for name, (vcpus, ram_gib, disk) in MANDATORY_FLAVORS.items()
    }
    for size in sizes.values():
        if size.flavor not in found:
            found[size.flavor] = _scs_flavor(
                size.flavor, size.vcpu_count, size.ram_mib, size.disk_gib
            )
    return tuple(found[name] for name in sorted(found))


def _scs_flavor(name: str, vcpus: int, ram_mib: int, disk_gib: int) -> Flavor:
    # scs-0101: servers get the host's entropy. Its check compares the text as it stands here.
    specs = {"hw_rng:allowed": "True"}
    specs |= flavor_properties(name, disk_gib)
    return Flavor(
        name=name,
        vcpus=vcpus,
        ram_mib=ram_mib,
        disk_gib=disk_gib,
        extra_specs=dict(sorted(specs.items())),
        description=f"{vcpus} vCPU, {ram_mib / 1024:g} GiB RAM"
        + (f", {disk_gib} GB local disk" if disk_gib else ""),
    )


def flavor_properties(name: str, disk_gib: int) -> dict[str, str]:
    """The extra specs that scs-0103-v1 asks for, derived from the recommended name.

    None for a name that does not follow scs-0100.
    """
    match = _FLAVOR_NAME.fullmatch(name)
    if match is None:
        return {}
    properties = {
        "scs:name-v1": f"SCS-{name.removeprefix('SCS-').replace('-', ':')}",
        "scs:name-v2": name,
        "scs:cpu-type": _CPU_TYPES[match["cpu"]],
    }
    # A disk of unnamed type promises none: whatever is said here must hold.
    if disk_gib and match["disk"]:
        properties["scs:disk0-type"] = _DISK_TYPES[match["disk"]]
    return properties


def image(entry: CatalogueImage, mirror: str | None) -> Image:
    """An image to publish, with the properties of scs-0102."""
    source = image_source(entry.url, mirror)
    is_url = "://" in source
    properties = {
        "architecture": entry.architecture,
        "hw_disk_bus": "virtio",
        "hw_rng_model": "virtio",
        "image_build_date": entry.build_date.isoformat() if entry.build_date else "",
        "image_description": entry.description or entry.name,
        "image_original_user": entry.original_user,
        # A URL, or this word where nobody else can download it.
        "image_source": entry.url if not entry.url.startswith("file://") else "private",
        "os_distro": entry.os_distro,
        "os_purpose": entry.os_purpose,
        "os_version": entry.os_version,
        "provided_until": str(entry.provided_until),
        "replace_frequency": entry.replace_frequency.value,
        "uuid_validity": entry.uuid_validity,
    }
    return Image(
        key=re.sub(r"[^a-z0-9.]+", "-", entry.name.lower()),
        name=entry.name,
        disk_format=entry.disk_format,
        local_file=None if is_url else source,
        url=source if is_url else None,
        min_disk_gib=entry.min_disk.gib_ceil,
        min_ram_mib=entry.min_ram.mib,
        properties={key: value for key, value in properties.items() if value},
    )


def built_image_name(image: str) -> str:
    """What the newest published version of an image of `kraj image` is called in Glance."""
    return f"kraj {image}"


def image_source(url: str, mirror: str | None) -> str:
    """Where the image comes from: its own address, or the file of that name in the mirror."""
    if mirror is None:
        return url.removeprefix("file://")
    return posixpath.join(mirror.removeprefix("file://"), posixpath.basename(url))


def volume_type(pool: StoragePool) -> VolumeType:
    """A pool's volume type; its description begins with the aspects, as scs-0114-v1 writes them."""
    aspects = [
        name
        for name, holds in (("encrypted", pool.encrypted), ("replicated", pool.replicated))
        if holds
    ]
    words = f"[scs:{', '.join(aspects)}] " if aspects else ""
    return VolumeType(
        name=pool.volume_type,
        description=f"{words}{pool.media.value}, storage pool {pool.name}",
        extra_specs={"volume_backend_name": pool.name},
    )
