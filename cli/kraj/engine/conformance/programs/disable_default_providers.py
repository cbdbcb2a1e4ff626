"""Without a default provider: with an explicit one, then with none."""

from conform import Provider, Thing, stage
from pulumi import ResourceOptions

provider = Provider("provider") if stage == 1 else None
Thing("thing", text="a", opts=ResourceOptions(provider=provider))
