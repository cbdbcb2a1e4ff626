"""The technology centre: what it offers to all tenants, and its own project.

Configuration: `kraj:document` (a `CentreDocument` as JSON) and the secret
`kraj:serviceUserPassword`.
Output: `document` (`StackOutputs`).
"""

import sys
from pathlib import Path

import pulumi

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kraj.planning.documents import CentreDocument
from stacks.components.environment import Environment
from stacks.components.lookups import Lookups
from stacks.components.offer import AddressPools, Flavors, PublishedImage, VolumeTypes
from stacks.components.project import TenantProject


def main() -> None:
    """Provision the centre."""
    config = pulumi.Config("kraj")
    document = CentreDocument.model_validate_json(config.require("document"))
    flavors = Flavors("flavors", document.flavors)
    volume_types = VolumeTypes("volume-types", document.volume_types)
    address_pools = AddressPools(
        "address-pools",
        document.address_scopes,
        document.subnet_pools,
        tags=document.tag_list,
    )
    images = {image.name: PublishedImage(image.key, image) for image in document.images}
    project = TenantProject(
        "centre",
        document,
        password=config.require_secret("serviceUserPassword"),
        description=f"Technology centre of {document.region.title}",
        requires=[flavors, volume_types],
    )
    environment = Environment(
        document,
        project,
        Lookups(
            images={name: image.id for name, image in images.items()},
            subnet_pools=address_pools.pool_ids,
        ),
    )
    pulumi.export("document", environment.outputs("centre", document.region.title))


main()
