"""`kraj image`: the images that servers boot from."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import Annotated

import typer

from kraj.commands.confirming import confirm
from kraj.commands.options import CloudName, EventsFile, Json, Region, Yes
from kraj.errors import ExitCode, KrajError
from kraj.images.errors import NOT_AS_SIGNED, TEST_FAILED
from kraj.images.lifecycle import NEAR_DAYS, Stage
from kraj.images.manifest import FILE_NAMES, Format
from kraj.operations import images
from kraj.report.documents.images import (
    ImageBuildDocument,
    ImageDiffDocument,
    ImageEntry,
    ImageListDocument,
    ImagePruneDocument,
    ImagePublishDocument,
    ImageShowDocument,
    ImageStep,
    ImageTestDocument,
    ImageUser,
    ImageUsersDocument,
    ImageVerifyDocument,
)
from kraj.report.images import (
    print_difference,
    print_image,
    print_images,
    print_signatures,
    print_steps,
    print_trial,
    print_users,
)
from kraj.report.output import print_document, progress, results
from kraj.report.progress import ConsoleProgress

app = typer.Typer(
    help="The images that servers boot from: build, test, publish, retire.",
    no_args_is_help=True,
)


class ImageFormat(enum.StrEnum):
    """What servers boot from."""

    ROOT = "root"
    DISK = "disk"


def _complete_image(incomplete: str) -> list[str]:
    try:
        known = images.image_store().versions()
    except (KrajError, OSError):
        return []
    names = {manifest.image for manifest in known}
    names |= {f"{manifest.image}@{manifest.version}" for manifest in known}
    return sorted(name for name in names if name.startswith(incomplete))


Image = Annotated[
    str,
    typer.Argument(
        metavar="IMAGE",
        help="IMAGE, its newest version, or IMAGE@VERSION.",
        autocompletion=_complete_image,
    ),
]
Keep = Annotated[
    int, typer.Option("--keep", min=1, help="Versions of each image that stay visible.")
]
SigningKey = Annotated[
    Path | None,
    typer.Option(
        "--signing-key",
        metavar="FILE",
        envvar="KRAJ_IMAGE_SIGNING_KEY",
        dir_okay=False,
        help="Private key (RSA) and certificate, in PEM; made where it is not there. "
        "Default: .kraj/images/signing.pem.",
    ),
]


@app.command()
def build(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[base|SERVICE]...", help="Default: base.")
    ] = None,
    format_: Annotated[
        list[ImageFormat] | None,
        typer.Option(
            "--format",
            help="root: file system for the lab. disk: bootable, for clouds. Default: both.",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Use no layer that is there already.")
    ] = False,
    json_: Json = False,
    events: EventsFile = None,
) -> int:
    """Build images, where their inputs have changed: Debian, the role `base`, the service's role.

    Example: kraj image build base records
    """
    formats: list[Format] = [kind for kind in FILE_NAMES if not format_ or kind in format_]
    with ConsoleProgress(progress(), events) as view:
        made = images.build_images(names or [], formats, view.report, fresh=fresh)
    store = images.image_store()
    placed = [(version, str(store.folder(version.manifest))) for version in made]
    document = ImageBuildDocument.of(placed)
    if json_:
        print_document(document)
    else:
        print_images([item.image for item in document.images], results())
    return ExitCode.OK


@app.command("list")
def list_(json_: Json = False) -> int:
    """Show the images that were built on this machine.

    Example: kraj image list
    """
    store = images.image_store()
    entries = tuple(ImageEntry.of(m, str(store.folder(m))) for m in store.versions())
    if json_:
        print_document(ImageListDocument(images=entries))
    else:
        print_images(entries, results())
    return ExitCode.OK


@app.command()
def show(image: Image, json_: Json = False) -> int:
    """Show one image: what it was made from, its files, its software with licences (--json).

    Example: kraj image show records --json
    """
    store = images.image_store()
    manifest = store.find(image)
    document = ImageShowDocument.of(manifest, str(store.folder(manifest)))
    if json_:
        print_document(document)
    else:
        print_image(document, results())
    return ExitCode.OK


@app.command("test")
def try_(image: Image, json_: Json = False, events: EventsFile = None) -> int:
    """Boot an image in a fresh container without network and check it. Exit code 1 if it fails.

    Runs the testinfra tests in roles/SERVICE/tests/test_image*.py.

    Example: kraj image test records
    """
    with ConsoleProgress(progress(), events) as view:
        manifest, trial = images.try_built_image(image, view.report)
    document = ImageTestDocument.of(manifest, trial)
    if json_:
        print_document(document)
        return ExitCode.OK if trial.passed else ExitCode.ERROR
    print_trial(document, results())
    if not trial.passed:
        failed = ", ".join(c.name for c in trial.checks if c.result == "failed")
        raise KrajError(TEST_FAILED, f"{manifest.image}@{manifest.version}: {failed}")
    return ExitCode.OK


@app.command()
def diff(
    old: Image,
    new: Image,
    tracker: Annotated[
        Path | None,
        typer.Option("--tracker", metavar="FILE", help="JSON data of Debian's security tracker."),
    ] = None,
    json_: Json = False,
) -> int:
    """Show packages added, removed and upgraded, and CVE ids where tracker data is given.

    Example: kraj image diff records@20261101-5b0c2a77 records --tracker tracker.json
    """
    found = images.compare_images(old, new, tracker)
    document = ImageDiffDocument.of(found, tracker=tracker is not None)
    if json_:
        print_document(document)
    else:
        print_difference(document, results())
    return ExitCode.OK


@app.command()
def publish(
    image: Image,
    region: Region = None,
    cloud: CloudName = None,
    keep: Keep = 3,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="DAY", help="Last day of support; default: that of the release."
        ),
    ] = None,
    share_with: Annotated[
        list[str] | None,
        typer.Option("--share-with", metavar="PROJECT", help="Who may use it. Several times."),
    ] = None,
    untested: Annotated[
        bool, typer.Option("--untested", help="Also where its test has not passed.")
    ] = False,
    format_: Annotated[
        ImageFormat,
        typer.Option("--format", help="root: for a lab whose servers boot. disk: for clouds."),
    ] = ImageFormat.DISK,
    signing_key: SigningKey = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Without a signature.")] = False,
    json_: Json = False,
) -> int:
    """Upload the bootable disk to Glance, with the properties of scs-0102; older ones step back.

    It is signed, and Glance checks that, where the cloud has Barbican for the certificate.

    Example: kraj image publish records --share-with reg-563889
    """
    if until is not None and not images.is_day(until):
        raise typer.BadParameter(f"{until!r} is no day (2028-06-30), `none` or `notice`")
    done = images.publish_image(
        image,
        region,
        cloud,
        keep=keep,
        until=until,
        share_with=share_with or [],
        untested=untested,
        form=format_.value,
        signing=None if unsigned else _signing(signing_key),
    )
    document = ImagePublishDocument.of(done)
    if json_:
        print_document(document)
    else:
        item = done.published
        signed = "signed" if item.signed else "not signed"
        told = f"{item.image}@{item.version} is image {item.id}, {signed}"
        results().print(told, soft_wrap=True)
        if document.steps:
            print_steps(document.steps, results())
    return ExitCode.OK


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[base|SERVICE]...", help="Default: all.")
    ] = None,
    region: Region = None,
    cloud: CloudName = None,
    signing_key: SigningKey = None,
    json_: Json = False,
    events: EventsFile = None,
) -> int:
    """Read published images back and check that they are what was signed. Exit code 1 if not.

    Example: kraj image verify records
    """
    with ConsoleProgress(progress(), events) as view:
        found = images.verify_images(names or [], region, cloud, _signing(signing_key), view.report)
    document = ImageVerifyDocument.of(found)
    if json_:
        print_document(document)
    else:
        print_signatures(document.images, results())
    wrong = sum(not one.good for one in found)
    if wrong and not json_:
        raise KrajError(NOT_AS_SIGNED, f"{wrong} of {len(found)} images are not as signed")
    return ExitCode.ERROR if wrong else ExitCode.OK


def _signing(file: Path | None) -> images.Signing:
    return images.Signing(file, os.environ.get("KRAJ_IMAGE_SIGNING_PASSPHRASE", ""))


@app.command()
def prune(
    region: Region = None, cloud: CloudName = None, keep: Keep = 3, yes: Yes = False,
    json_: Json = False,
) -> int:  # fmt: skip
    """Move older images on: deprecated, hidden, deleted. One that is used is never deleted.

    Example: kraj image prune --keep 3
    """
    steps = images.prune_plan(region, cloud, keep)
    document = ImagePruneDocument(keep=keep, steps=tuple(map(ImageStep.of, steps)))
    doomed = [step for step in steps if step.stage is Stage.DELETED]
    if not json_:
        print_steps(document.steps, results())
    if doomed and not yes:
        confirm(
            f"Delete {len(doomed)} images from the cloud?",
            "the images were kept",
            "Answer y, or run it with --yes.",
        )
    images.prune(region, cloud, steps)
    if json_:
        print_document(document)
    return ExitCode.OK


@app.command()
def users(
    region: Region = None,
    cloud: CloudName = None,
    within: Annotated[
        int, typer.Option("--within", min=0, metavar="DAYS", help="How near an end is named.")
    ] = NEAR_DAYS,
    json_: Json = False,
) -> int:
    """Show servers and volumes of images whose support is over or near its end, by tenant.

    Example: kraj image users --within 90
    """
    found = images.image_users(region, cloud, within)
    document = ImageUsersDocument(within_days=within, users=tuple(map(ImageUser.of, found)))
    if json_:
        print_document(document)
    else:
        print_users(document.users, results())
    return ExitCode.OK
