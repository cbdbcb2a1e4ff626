"""Codes of images (KRJ800 to KRJ839)."""

from kraj.errors import error_code

IMAGES_IMPOSSIBLE = error_code(
    "KRJ800",
    "Images cannot be built here",
    "Building needs Linux, root and some programs of the distribution; one of them is missing.",
    "Run kraj as root on Debian or Ubuntu, and install what the message names.",
)
UNKNOWN_IMAGE = error_code(
    "KRJ801",
    "Unknown image",
    "There is no image, version or service of that name.",
    "List the services with `kraj region show`, and what has been built with `kraj image list`.",
)
NOTHING_TO_BUILD = error_code(
    "KRJ802",
    "Role has no tasks",
    "The service has a catalogue card, but its role does not say yet how it is installed.",
    "Write the file that the message names, or build another image.",
)
ARCHIVE_UNUSABLE = error_code(
    "KRJ803",
    "Package archive cannot be read",
    "The mirror of Debian's packages does not answer, or has no release of that name.",
    "Look at the network, or name a mirror: KRAJ_DEBIAN_MIRROR, KRAJ_DEBIAN_SECURITY_MIRROR.",
)
ARCHIVE_MOVED = error_code(
    "KRJ804",
    "Package archive changed meanwhile",
    "The mirror published new packages while the image was built, so that it would be made of two "
    "states of the archive.",
    "Run the command again.",
)
STEP_FAILED = error_code(
    "KRJ805",
    "Build step failed",
    "A program that makes the image ended with an error.",
    "Its last lines are in the message.",
)
ROLE_FAILED = error_code(
    "KRJ806",
    "Role failed",
    "Ansible could not install the role into the image.",
    "The message names the task and what it said; mend the role and build again.",
)
MACHINE_FAILED = error_code(
    "KRJ807",
    "Build machine did not start",
    "The container that an image is built or tested in did not boot in time.",
    "The last lines of its console are in the message.",
)
BUSY = error_code(
    "KRJ808",
    "Images busy",
    "Another kraj builds or deletes images in the same folder.",
    "Wait until it has finished.",
)
NOT_TESTED = error_code(
    "KRJ809",
    "Image not tested",
    "Only an image that passed its test is published.",
    "Run `kraj image test IMAGE`, mend what fails, and publish again.",
)
UPLOAD_DAMAGED = error_code(
    "KRJ810",
    "Upload damaged",
    "The cloud's checksum of the image is not that of the file; the image was taken away again.",
    "Run the command again; if it fails again, look at the network and at Glance's store.",
)
BAD_TRACKER = error_code(
    "KRJ811",
    "Security tracker data unusable",
    "The file is not the JSON document that Debian's security tracker publishes.",
    "Download it anew: https://security-tracker.debian.org/tracker/data/json",
)
TEST_FAILED = error_code(
    "KRJ812",
    "Image failed its test",
    "A check of the booted image did not hold.",
    "The checks are listed above; mend the role, build and test again.",
)
SIGNING_KEY = error_code(
    "KRJ813",
    "Signing key unusable",
    "The file does not hold a private key of RSA with its certificate, both in PEM, or the "
    "passphrase does not fit.",
    "Give the right file by --signing-key and the passphrase by KRAJ_IMAGE_SIGNING_PASSPHRASE; a "
    "file that is not there is made. Without a signature: --unsigned.",
)
NOT_AS_SIGNED = error_code(
    "KRJ814",
    "Image not as signed",
    "An image in the cloud has no signature, or one that does not fit its content or this "
    "region's certificate.",
    "Find out who uploaded it before anything boots from it; publish the image again.",
)
