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
    environment = Environment(document, project, Lookups())
    credential = project.application_credential(
        "tenant/automation", document, after=environment.components
    )
    pulumi.export("document", environment.outputs(f"tenant:{tenant.slug}", credential.id))
    pulumi.export("applicationCredentialSecret", pulumi.Output.secret(credential.secret))


main()
