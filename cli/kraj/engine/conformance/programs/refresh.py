"""Resources that stay, that are changed by hand and that are removed by hand."""

import pulumi
from conform import Thing
from pulumi import Output

Thing("stays", text="a")
changed = Thing("changed", text="program", labels={"a": "1"})
gone = Thing("gone", text="b", size=3)
Thing("user", text=gone.path, labels={"secret": Output.secret("hush")})
pulumi.export("changed", changed.text)
