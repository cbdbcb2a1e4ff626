"""Whether something is in the cloud, asked without making it a part of the stack."""

import pulumi
from conform import VERSION


def there(identifier: str) -> pulumi.Output[bool]:
    return pulumi.runtime.exists_resource(None, "conform:index:Thing", identifier, {}, VERSION)


pulumi.export("found", there("found-1"))
pulumi.export("missing", there("nowhere-1"))
