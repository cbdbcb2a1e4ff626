"""Environment variables for the process of an explicit provider."""

from conform import Provider, Thing
from pulumi import ResourceOptions

provider = Provider("provider", opts=ResourceOptions(env_var_mappings={"HERE": "THERE"}))
Thing("thing", text="a", opts=ResourceOptions(provider=provider))
