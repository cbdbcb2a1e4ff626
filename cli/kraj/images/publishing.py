"""Images in Glance: published with the properties of scs-0102, moved through their life, deleted.

What is done with which image is decided in `lifecycle`. Properties that begin with `kraj_` tell
which images are ours: no other is ever touched.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from kraj.errors import KrajError
from kraj.images.errors import NOT_AS_SIGNED, UPLOAD_DAMAGED
from kraj.images.lifecycle import Published, Stage, Step, Use
from kraj.images.manifest import Format, Manifest
from kraj.images.signing import SIGNATURE, Signer, fits, signature_properties
from kraj.model.catalogue import Image, ReplaceFrequency
from kraj.model.units import Size
from kraj.openstack.errors import REFUSED
from kraj.planning import standards

IMAGE_PROPERTY: Final = "kraj_image"
VERSION_PROPERTY: Final = "kraj_version"
STAGE_PROPERTY: Final = "kraj_stage"
_TREE_PROPERTY: Final = "kraj_tree_sha256"
_FORMAT_PROPERTY: Final = "kraj_format"
_CHUNK_BYTES: Final = 1 << 20
_PATCH: Final = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised to those who use an image, in the words of scs-0102."""

    provided_until: date | str  #: the last day, or `none`, `notice`
    replace_frequency: ReplaceFrequency = ReplaceFrequency.MONTHLY
    uuid_validity: str = "notice"


def properties_of(manifest: Manifest, promise: Promise, form: Format = "disk") -> dict[str, str]:
    """What Glance is told of an image."""
    file = manifest.outputs[form]
    entry = Image(
        name=standards.built_image_name(manifest.image),
        url=f"file:///{file.file}",
        description=f"Debian {manifest.os_version} with {', '.join(manifest.roles) or 'no role'}",
        os_distro="debian",
        os_version=manifest.os_version,
        os_purpose="generic" if manifest.image == "base" else "custom",
        min_disk=Size.from_gib(file.virtual_gib),
        min_ram=Size.from_gib(1),
        provided_until=promise.provided_until,
        replace_frequency=promise.replace_frequency,
        uuid_validity=promise.uuid_validity,
        build_date=datetime.fromisoformat(manifest.made).date(),
    )
    return standards.image(entry, None).properties | {
        IMAGE_PROPERTY: manifest.image,
        VERSION_PROPERTY: manifest.version,
        STAGE_PROPERTY: Stage.ACTIVE.value,
        _TREE_PROPERTY: manifest.tree_digest,
        _FORMAT_PROPERTY: form,
    }


def publish(
    cloud: Any,
    manifest: Manifest,
    folder: Path,
    promise: Promise,
    share_with: Sequence[str],
    form: Format = "disk",
    signer: Signer | None = None,
) -> Published:
    """Upload one of the files and let projects (names or ids) use it. Raises KRJ810, KRJ814.

    A version that is there already is not uploaded again. Signed where there is a signer, and the
    cloud has a place for its certificate.
    """
    # The SDK is large, and all commands import this module when they start.
    from openstack.exceptions import BadRequestException  # noqa: PLC0415

    for known in _ours(cloud):
        properties = _properties(known)
        if _is(properties, manifest, form) and known.status == "active":
            _share(cloud, known.id, share_with)
            return _published(known)
    file = manifest.outputs[form]
    signed = _signed(cloud, folder / file.file, signer) if signer else {}
    try:
        image = cloud.image.create_image(
            standards.built_image_name(manifest.image),
            filename=str(folder / file.file),
            disk_format="qcow2",
            container_format="bare",
            min_disk=file.virtual_gib,
            min_ram=1024,
            visibility="shared",
            tags=["kraj"],
            # The SDK would compare with images of the name and skip the upload; versions differ.
            allow_duplicates=True,
            validate_checksum=False,
            wait=True,
            timeout=3600,
            **properties_of(manifest, promise, form),
            **signed,
        )
    except BadRequestException as error:  # the SDK has taken away what was begun
        if not signed:
            raise
        message = f"Glance refuses {manifest.image}@{manifest.version} with its signature"
        raise KrajError(
            NOT_AS_SIGNED,
            message,
            hint="Look at Glance's log, and whether it can read the certificate in Barbican.",
            causes=(str(error.details or error),),
        ) from error
    found = cloud.image.get_image(image.id)
    _check(cloud, found, folder / file.file)
    _share(cloud, found.id, share_with)
    return _published(found)


def is_as_signed(cloud: Any, item: Published, signer: Signer) -> bool:
    """Read the data of an image and judge its signature; False where it has none."""
    properties = _properties(cloud.image.get_image(item.id))
    if SIGNATURE not in properties:
        return False
    answer = cloud.image.download_image(item.id, stream=True)
    return fits(properties, signer.certificate, answer.iter_content(_CHUNK_BYTES))


def read_published(cloud: Any) -> tuple[Published, ...]:
    """All images that kraj has published, hidden ones too."""
    return tuple(_published(image) for image in _ours(cloud))


def read_uses(cloud: Any, found: Sequence[Published]) -> tuple[Use, ...]:
    """Servers and volumes of all projects that were made from one of these images."""
    ids = {item.id for item in found}
    projects = {project.id: project.name for project in cloud.identity.projects()}
    uses: list[Use] = []
    for server in cloud.compute.servers(all_projects=True):
        image = (server.image or {}).get("id") if server.image else None
        if image in ids:
            project = projects.get(server.project_id, server.project_id)
            uses.append(Use(str(image), "server", server.id, server.name, project))
    for volume in cloud.block_storage.volumes(details=True, all_projects=True):
        image = (volume.volume_image_metadata or {}).get("image_id")
        if image in ids:
            project = projects.get(volume.project_id, str(volume.project_id))
            uses.append(Use(str(image), "volume", volume.id, volume.name or "", project))
    return tuple(uses)


def carry_out(cloud: Any, step: Step) -> None:
    """Move an image to its next stage."""
    item = step.published
    if step.stage is Stage.DELETED:
        cloud.image.delete_image(item.id, ignore_missing=True)
        return
    old = step.stage is not Stage.ACTIVE
    name = standards.built_image_name(item.image)
    values = {
        "name": f"{name} ({item.version})" if old else name,
        "os_hidden": step.stage is Stage.HIDDEN,
        STAGE_PROPERTY: step.stage.value,
    }
    patch = [{"op": "replace", "path": f"/{key}", "value": v} for key, v in values.items()]
    answer = cloud.image.patch(f"/images/{item.id}", json=patch, headers=_PATCH)
    if answer.status_code >= 400:
        raise KrajError(
            REFUSED, f"Glance refused to make {item.id} {step.stage}: {answer.text[:300]}"
        )


def _signed(cloud: Any, path: Path, signer: Signer) -> dict[str, str]:
    """The properties of a signature; none where the cloud has no place for a certificate."""
    if not cloud.has_service("key-manager"):
        return {}
    name = f"kraj images {signer.fingerprint}"
    known = next(iter(cloud.key_manager.secrets(name=name)), None)
    secret = known or cloud.key_manager.create_secret(
        name=name,
        secret_type="certificate",  # noqa: S106 - Barbican's word for a certificate
        payload=base64.b64encode(signer.certificate_pem).decode(),
        payload_content_type="application/octet-stream",
        payload_content_encoding="base64",
    )
    return signature_properties(signer.sign(path), secret.secret_id)


def _ours(cloud: Any) -> Iterator[Any]:
    for hidden in (False, True):
        for image in cloud.image.images(is_hidden=hidden):
            if _properties(image).get(IMAGE_PROPERTY):
                yield image


def _properties(image: Any) -> dict[str, Any]:
    return dict(image.properties or {})


def _is(properties: dict[str, Any], manifest: Manifest, form: Format) -> bool:
    told = tuple(map(properties.get, (VERSION_PROPERTY, _TREE_PROPERTY, _FORMAT_PROPERTY)))
    mine = (manifest.version, manifest.tree_digest, form)
    return properties.get(IMAGE_PROPERTY) == manifest.image and told == mine


def _published(image: Any) -> Published:
    properties = _properties(image)
    return Published(
        id=image.id,
        image=properties[IMAGE_PROPERTY],
        version=properties.get(VERSION_PROPERTY, ""),
        created=image.created_at,
        stage=Stage(properties.get(STAGE_PROPERTY, Stage.ACTIVE)),
        provided_until=str(properties.get("provided_until") or image.get("provided_until") or ""),
        signed=SIGNATURE in properties,
    )


def _check(cloud: Any, image: Any, path: Path) -> None:
    """Compare what Glance counted with the file; takes a damaged image away."""
    digest = hashlib.new(image.hash_algo or "sha512")
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    if image.hash_value != digest.hexdigest():
        cloud.image.delete_image(image.id, ignore_missing=True)
        raise KrajError(
            UPLOAD_DAMAGED,
            f"{path.name} arrived with {image.hash_algo} {image.hash_value}, "
            f"not {digest.hexdigest()}",
        )


def _share(cloud: Any, image_id: str, projects: Sequence[str]) -> None:
    """Let projects use an image; their membership is accepted for them."""
    known = {member.member_id for member in cloud.image.members(image_id)}
    for name in projects:
        project = cloud.identity.find_project(name, ignore_missing=False)
        if project.id not in known:
            cloud.image.add_member(image_id, member_id=project.id)
        cloud.image.update_member(project.id, image_id, status="accepted")


def today() -> date:
    """The day by which support is judged."""
    return datetime.now(UTC).date()
