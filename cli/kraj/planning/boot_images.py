"""Which image the servers of a pool boot from: the catalogue's, or one of `kraj image`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kraj.model.region import BootImages
from kraj.planning.context import Context
from kraj.planning.standards import built_image_name

#: The image of `kraj image` for servers whose role cannot be installed yet, and the centre's own.
BASE: Final = "base"
#: The login that cloud-init makes in Debian, and so in all of ours.
_LOGIN: Final = "debian"


@dataclass(frozen=True, slots=True)
class BootImage:
    """An image by its name in Glance."""

    name: str
    login: str  #: user that it makes
    shared: bool  #: whether a project sees it only when it is shared with it


def boot_image(context: Context, key: str, catalogue_name: str) -> BootImage:
    """The image of a service's servers, or of a pool of the centre.

    `catalogue_name` is what the card or the centre names.
    """
    if context.site.boot_images is BootImages.CATALOGUE:
        login = context.region.image(catalogue_name).original_user
        return BootImage(catalogue_name, login, shared=False)
    image = key if key in context.files.installable else BASE
    return BootImage(built_image_name(image), _LOGIN, shared=True)
