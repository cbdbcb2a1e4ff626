"""Documents of `kraj image`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from kraj.report.documents.base import MOMENT, Document, Part, named

if TYPE_CHECKING:
    from kraj.images.comparing import Difference, Weakness
    from kraj.images.finishing import Version
    from kraj.images.lifecycle import Overdue, Step
    from kraj.images.manifest import Manifest, Trial
    from kraj.operations.images import Publication, SignatureFound

_RESULT = "passed, failed or skipped."
_PROVIDED = "Last day of support, or `none`, `notice` (scs-0102)."


class ImageFile(Part):
    """A file that servers boot from."""

    format: Literal["root", "disk"] = Field(
        description="`root`: file system for the lab; `disk`: bootable, for clouds."
    )
    path: str = Field(description="Where it is.")
    size_mib: int = Field(ge=0, description="Size of the file in MiB.")
    virtual_gib: int = Field(ge=1, description="Size of the disk that it shows, in GiB.")
    sha256: str = Field(description="Its checksum.")


class ImageEntry(Part):
    """An image in one version."""

    image: str = Field(description="`base`, or a service.")
    version: str = Field(description="Date of the package archive and begin of the inputs' digest.")
    made: str = Field(description=f"When it was built: {MOMENT}.")
    os_version: str = Field(description="Version of Debian.")
    snapshot: dict[str, str] = Field(description="Suite of the archive → its date.")
    roles: tuple[str, ...] = Field(description="Roles that were installed, in order.")
    seconds: float = Field(ge=0, description="How long its build took.")
    seconds_by_layer: dict[str, float] = Field(
        description="Layer → how long it took when it was made."
    )
    cached: tuple[str, ...] = Field(description="Layers that were there already.")
    tree_digest: str = Field(description="SHA-256 over the list of all files.")
    file_count: int = Field(ge=0, description="Files and folders.")
    tree_mib: int = Field(ge=0, description="Size of all files in MiB.")
    package_count: int = Field(ge=0, description="Packages of Debian and of Python.")
    files: tuple[ImageFile, ...] = Field(description="What servers boot from.")
    tested: Literal["passed", "failed", "not tested"] = Field(description="Its last test.")

    @classmethod
    def of(cls, manifest: Manifest, folder: str) -> ImageEntry:
        trial = manifest.trial
        verdict = "not tested" if trial is None else "passed" if trial.passed else "failed"
        files = tuple(
            ImageFile(
                format=kind,
                path=f"{folder}/{output.file}",
                size_mib=output.size_bytes >> 20,
                virtual_gib=output.virtual_gib,
                sha256=output.sha256,
            )
            for kind, output in sorted(manifest.outputs.items())
        )
        kept = {name: getattr(manifest, name) for name in cls.model_fields.keys() & _KEPT}
        return cls.model_validate(
            {
                **kept,
                "package_count": len(manifest.packages),
                "files": files,
                "tested": verdict,
            }
        )


_KEPT = frozenset(
    (
        *("image", "version", "made", "os_version", "snapshot", "roles", "seconds"),
        *("seconds_by_layer", "cached", "tree_digest", "file_count", "tree_mib"),
    )
)


class BuiltImage(Part):
    """What came of one image."""

    image: ImageEntry = Field(description="The version.")
    built: bool = Field(description="False where this version was there already.")
    seconds: float = Field(ge=0, description="How long this run took for it.")


class ImageBuildDocument(Document):
    """Images that were built, or were there already."""

    schema_: Literal["kraj.image.build/1"] = named("kraj.image.build/1")
    images: tuple[BuiltImage, ...] = Field(description="In the order of the command line.")

    @classmethod
    def of(cls, made: Sequence[tuple[Version, str]]) -> ImageBuildDocument:
        """Versions with their folders."""
        return cls(
            images=tuple(
                BuiltImage(
                    image=ImageEntry.of(version.manifest, folder),
                    built=version.built,
                    seconds=version.seconds,
                )
                for version, folder in made
            )
        )


class ImageListDocument(Document):
    """All images that were built on this machine."""

    schema_: Literal["kraj.image.list/1"] = named("kraj.image.list/1")
    images: tuple[ImageEntry, ...] = Field(description="By name, the oldest first.")


class ImagePackage(Part):
    """A piece of software."""

    kind: Literal["deb", "pypi"] = Field(description="Whose package it is.")
    name: str = Field(description="Name of the package.")
    version: str = Field(description="Its version.")
    licences: tuple[str, ...] = Field(description="As the package names them; may be empty.")


class ImageShowDocument(Document):
    """One image with its software."""

    schema_: Literal["kraj.image.show/1"] = named("kraj.image.show/1")
    image: ImageEntry = Field(description="The version.")
    packages: tuple[ImagePackage, ...] = Field(description="All packages.")

    @classmethod
    def of(cls, manifest: Manifest, folder: str) -> ImageShowDocument:
        packages = (
            ImagePackage(kind=p.kind, name=p.name, version=p.version, licences=p.licences)
            for p in manifest.packages
        )
        return cls(image=ImageEntry.of(manifest, folder), packages=tuple(packages))


class ImageCheck(Part):
    """One check of a booted image."""

    name: str = Field(description="What was looked at.")
    result: Literal["passed", "failed", "skipped"] = Field(description=_RESULT)
    message: str = Field(description="What was found, or why it was skipped.")
    seconds: float = Field(ge=0, description="How long it took.")


class ImageTestDocument(Document):
    """What a test of an image found."""

    schema_: Literal["kraj.image.test/1"] = named("kraj.image.test/1")
    image: str = Field(description="`base`, or a service.")
    version: str = Field(description="The version.")
    passed: bool = Field(description="Whether no check failed.")
    seconds: float = Field(ge=0, description="How long the test took.")
    checks: tuple[ImageCheck, ...] = Field(description="In the order in which they were made.")

    @classmethod
    def of(cls, manifest: Manifest, trial: Trial) -> ImageTestDocument:
        return cls(
            image=manifest.image,
            version=manifest.version,
            passed=trial.passed,
            seconds=trial.seconds,
            checks=tuple(ImageCheck.model_validate(check) for check in trial.checks),
        )


class PackageChange(Part):
    """A package that is not the same in both images."""

    change: Literal["added", "removed", "upgraded", "downgraded"] = Field(description="How.")
    kind: Literal["deb", "pypi"] = Field(description="Whose package it is.")
    name: str = Field(description="Name of the package.")
    old: str = Field(description="Version in the first image; empty where it is not in it.")
    new: str = Field(description="Version in the second image; empty where it is not in it.")


class KnownWeakness(Part):
    """A weakness that Debian's security tracker knows."""

    cve: str = Field(description="Its CVE id.")
    source: str = Field(description="Source package.")


class ImageDiffDocument(Document):
    """What changed from one image to another."""

    schema_: Literal["kraj.image.diff/1"] = named("kraj.image.diff/1")
    changes: tuple[PackageChange, ...] = Field(description="By kind and name.")
    tracker: bool = Field(description="Whether tracker data was given; without, none are named.")
    fixed: tuple[KnownWeakness, ...] = Field(description="Only the first image has them.")
    introduced: tuple[KnownWeakness, ...] = Field(description="Only the second has them.")
    open: tuple[KnownWeakness, ...] = Field(description="Both have them.")

    @classmethod
    def of(cls, found: Difference, *, tracker: bool) -> ImageDiffDocument:
        def known(items: Sequence[Weakness]) -> tuple[KnownWeakness, ...]:
            return tuple(KnownWeakness.model_validate(item) for item in items)

        return cls(
            changes=tuple(
                PackageChange.model_validate(
                    {"change": c.word, "kind": c.kind, "name": c.name, "old": c.old, "new": c.new}
                )
                for c in found.changes
            ),
            tracker=tracker,
            fixed=known(found.fixed),
            introduced=known(found.introduced),
            open=known(found.open),
        )


class ImageStep(Part):
    """What becomes of an image in the cloud."""

    id: str = Field(description="Glance's id.")
    image: str = Field(description="`base`, or a service.")
    version: str = Field(description="Its version.")
    before: Literal["active", "deprecated", "hidden", "deleted"] = Field(description="Its stage.")
    after: Literal["active", "deprecated", "hidden", "deleted"] = Field(description="The next.")
    reason: str = Field(description="Why.")

    @classmethod
    def of(cls, step: Step) -> ImageStep:
        item = step.published
        return cls(
            id=item.id,
            image=item.image,
            version=item.version,
            before=item.stage.value,
            after=step.stage.value,
            reason=step.reason,
        )


class ImagePublishDocument(Document):
    """An image that is in the cloud now."""

    schema_: Literal["kraj.image.publish/1"] = named("kraj.image.publish/1")
    id: str = Field(description="Glance's id.")
    image: str = Field(description="`base`, or a service.")
    version: str = Field(description="Its version.")
    provided_until: str = Field(description=_PROVIDED)
    signed: bool = Field(description="Whether it has a signature that Glance has checked.")
    steps: tuple[ImageStep, ...] = Field(description="What became of its predecessors.")

    @classmethod
    def of(cls, done: Publication) -> ImagePublishDocument:
        item = done.published
        return cls(
            id=item.id,
            image=item.image,
            version=item.version,
            provided_until=item.provided_until,
            signed=item.signed,
            steps=tuple(map(ImageStep.of, done.steps)),
        )


class ImageSignature(Part):
    """An image in the cloud and its signature."""

    id: str = Field(description="Glance's id.")
    image: str = Field(description="`base`, or a service.")
    version: str = Field(description="Its version.")
    signed: bool = Field(description="Whether it has a signature.")
    good: bool = Field(description="Whether its data is what the key in use has signed.")

    @classmethod
    def of(cls, found: SignatureFound) -> ImageSignature:
        item = found.published
        return cls(
            id=item.id,
            image=item.image,
            version=item.version,
            signed=item.signed,
            good=found.good,
        )


class ImageVerifyDocument(Document):
    """Whether the images in the cloud are what was signed."""

    schema_: Literal["kraj.image.verify/1"] = named("kraj.image.verify/1")
    good: bool = Field(description="Whether all are.")
    images: tuple[ImageSignature, ...] = Field(description="Every image, in Glance's order.")

    @classmethod
    def of(cls, found: Sequence[SignatureFound]) -> ImageVerifyDocument:
        return cls(good=all(one.good for one in found), images=tuple(map(ImageSignature.of, found)))


class ImagePruneDocument(Document):
    """What pruning did to the images in the cloud."""

    schema_: Literal["kraj.image.prune/1"] = named("kraj.image.prune/1")
    keep: int = Field(ge=1, description="Versions of each image that stay visible.")
    steps: tuple[ImageStep, ...] = Field(description="Every image; its stage may stay the same.")


class ImageUser(Part):
    """A server or volume of an image whose support is over or near its end."""

    project: str = Field(description="Project of the cloud: a tenant.")
    kind: Literal["server", "volume"] = Field(description="What was made from the image.")
    id: str = Field(description="Its id.")
    name: str = Field(description="Its name; may be empty for a volume.")
    image: str = Field(description="`base`, or a service.")
    version: str = Field(description="Version of the image.")
    provided_until: str = Field(description=_PROVIDED)
    reason: str = Field(description="Why it is named.")

    @classmethod
    def of(cls, found: Overdue) -> ImageUser:
        return cls.model_validate(
            {
                "project": found.use.project,
                "kind": found.use.kind,
                "id": found.use.id,
                "name": found.use.name,
                "image": found.published.image,
                "version": found.published.version,
                "provided_until": found.published.provided_until,
                "reason": found.reason,
            }
        )


class ImageUsersDocument(Document):
    """Who runs an image that has to be replaced."""

    schema_: Literal["kraj.image.users/1"] = named("kraj.image.users/1")
    within_days: int = Field(ge=0, description="How near an end of support is named.")
    users: tuple[ImageUser, ...] = Field(description="The nearest end first.")
