"""The environment of one tenant: its project and what stands in it.

Configuration: `kraj:document` (a `TenantDocument` as JSON) and the secret
`kraj:serviceUserPassword`.
Outputs: `document` (`StackOutputs`) and the secret `applicationCredentialSecret`.
"""

import sys
from pathlib import Path

import pulumi

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kraj.planning.documents import TenantDocument
from stacks.components.environment import Environment
from stacks.components.lookups import Lookups
from stacks.components.project import TenantProject
from stacks.components.transit import TransitPort


def main() -> None:
    """Provision the tenant."""
    config = pulumi.Config("kraj")
    document = TenantDocument.model_validate_json(config.require("document"))
    tenant = document.tenant
    project = TenantProject(
        "tenant",
        document,
        password=config.require_secret("serviceUserPassword"),
        description=f"{tenant.title} ({tenant.code})",
    )
    lookups = Lookups()
    environment = Environment(document, project, lookups)
    ways_in = []
    if document.transit is not None:
        router = environment.routers[document.transit.router]
        network_id = lookups.centre_network_id(document.transit.network)
        ways_in.append(TransitPort("transit", document, project, router, network_id))
    credential = project.application_credential(
        "tenant/automation", document, after=[*environment.components, *ways_in]
    )
    outputs = environment.outputs(
        f"tenant:{tenant.slug}",
        tenant.title,
        credential.id,
        next((way.address for way in ways_in), None),
    )
    pulumi.export("document", outputs)
    pulumi.export("applicationCredentialSecret", pulumi.Output.secret(credential.secret))


main()
