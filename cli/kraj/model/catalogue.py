"""The parts of `region.yaml` that servers are made from: images and sizes.

Words and forms are those of the Sovereign Cloud Stack standards for image metadata (scs-0102) and
flavour names (scs-0100). Which image and size a service uses is said in its card and its orders.
"""

from __future__ import annotations

import enum
import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from kraj.model.base import Faults, IsoDate, Part, Positive, Slug, Text, shaped
from kraj.model.units import GIB, Size

FlavorName = Annotated[
    str,
    shaped(
        r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
        "a flavour name of letters, digits, dots, hyphens and underscores",
    ),
]
Url = Annotated[str, shaped(r"^(https?|file)://\S+$", "a URL (https, http or file)", 2000)]
UuidValidity = Annotated[
    str,
    shaped(
        r"^(none|notice|forever|last-[1-9][0-9]*|[0-9]{4}-[01][0-9]-[0-3][0-9])$",
        "none, notice, forever, last-N or a date",
    ),
]


class ReplaceFrequency(enum.StrEnum):
    """How often a public image is replaced (scs-0102)."""

    YEARLY = "yearly"
    QUARTERLY = "quarterly"
    MONTHLY = "monthly"
    WEEKLY = "weekly"
    DAILY = "daily"
    CRITICAL_BUG = "critical_bug"
    NEVER = "never"


class Image(Part):
    """An image that servers boot from, with what scs-0102 asks to be said about it."""

    name: Text = Field(description="Name in Glance, and what cards and the centre call it.")
    url: Url = Field(description="Where it is downloaded, unless the cloud has an `image_mirror`.")
    description: str = Field(default="", description="One sentence for people.")
    disk_format: Literal["qcow2", "raw"] = Field(default="qcow2", description="Glance format.")
    architecture: Literal["x86_64", "aarch64"] = Field(
        default="x86_64", description="Processor architecture."
    )
    os_distro: Slug = Field(description="Distribution, as libosinfo names it.")
    os_version: Text = Field(description="Version of the distribution.")
    os_purpose: Literal["generic", "minimal", "k8snode", "gpu", "network", "custom"] = Field(
        default="generic", description="What the image is for (scs-0102)."
    )
    default_user: str = Field(
        default="", description="Login that cloud-init makes; `os_distro` where not given."
    )
    min_disk: Size = Field(description="Smallest boot volume.")
    min_ram: Size = Field(description="Smallest memory.")
    provided_until: IsoDate | Literal["none", "notice"] = Field(
        description="Last day of upkeep, `none` for no promise, `notice` until called off."
    )
    replace_frequency: ReplaceFrequency = Field(description="How often a new build replaces it.")
    uuid_validity: UuidValidity = Field(
        default="none", description="How long old builds can be named by their id (scs-0102)."
    )
    build_date: IsoDate | None = Field(
        default=None, description="Day of the build, where the url names one build (scs-0102)."
    )

    @property
    def original_user(self) -> str:
        """The login of a fresh server."""
        return self.default_user or self.os_distro


#: scs-0100 version 3: vCPUs with a suffix for their kind, memory in GiB, root disk in GB.
_SCS_FLAVOR = re.compile(
    r"SCS-(?P<vcpus>[0-9]+)[LVTC]i?-(?P<ram>[0-9]+(?:\.[05])?)u?o?"
    r"(?:-(?:[0-9]+x)?(?P<disk>[0-9]+)[nhsp]?)?(?:_[A-Za-z0-9._-]+)?"
)


class ServerSize(Part):
    """A size that orders name. Numbers may be left out where the flavour's SCS name says them."""

    flavor: FlavorName = Field(
        description="Name of the flavour; names by scs-0100, such as SCS-2V-4, are understood.",
        examples=["SCS-2V-4"],
    )
    vcpus: Positive | None = Field(default=None, description="Virtual processors.")
    ram: Size | None = Field(default=None, description="Memory.")
    disk: Size | None = Field(
        default=None, description="Local root disk; none where servers boot from volumes."
    )

    @model_validator(mode="after")
    def _numbers_known(self) -> ServerSize:
        faults = Faults()
        named = self._named
        if named is None and (self.vcpus is None or self.ram is None):
            faults.add(
                f"the flavour name {self.flavor!r} does not follow scs-0100, "
                "so `vcpus` and `ram` must be given",
                "flavor",
            )
        for key, meant in zip(("vcpus", "ram", "disk"), named or (), strict=False):
            given = getattr(self, key)
            if given is not None and given != meant:
                faults.add(f"{key} is {given}, but {self.flavor} means {meant}", key)
        faults.raise_any("size")
        return self

    @property
    def _named(self) -> tuple[int, Size, Size] | None:
        """vCPUs, memory and disk that the name says, None where it is no SCS name."""
        match = _SCS_FLAVOR.fullmatch(self.flavor)
        if match is None:
            return None
        ram = Size(int(float(match["ram"]) * GIB), f"{match['ram']} GiB")
        return int(match["vcpus"]), ram, Size.from_gib(int(match["disk"] or 0))

    @property
    def vcpu_count(self) -> int:
        """Virtual processors."""
        return self._numbers[0]

    @property
    def ram_mib(self) -> int:
        """Memory in MiB."""
        return self._numbers[1].mib

    @property
    def disk_gib(self) -> int:
        """Local root disk in GiB; 0 where servers boot from volumes."""
        return self._numbers[2].gib_ceil

    @property
    def _numbers(self) -> tuple[int, Size, Size]:
        named = self._named
        if named is not None:
            return named
        if self.vcpus is None or self.ram is None:  # refused by `_numbers_known`
            raise ValueError(f"the size {self.flavor} has no numbers")
        return self.vcpus, self.ram, self.disk or Size(0)
