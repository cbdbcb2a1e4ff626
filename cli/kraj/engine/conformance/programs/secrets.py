"""Secret inputs and outputs, through functions, in lists and objects, opened again."""

import pulumi
from conform import Thing, stage
from pulumi import Output

secret = Output.secret(f"hush {stage}")
thing = Thing("thing", text=secret, labels={"open": "a", "closed": secret}, items=["a", secret])
user = Thing("user", text=thing.token)
pulumi.export("direct", secret)
pulumi.export("computed", secret.apply(lambda value: value.upper()))
pulumi.export("opened", Output.unsecret(secret).apply(len))
pulumi.export("nested", {"open": 1, "closed": [secret]})
pulumi.export("of-resource", thing.text)
pulumi.export("token", thing.token)
pulumi.export("joined", Output.concat("a", secret))
Output.from_input(secret.is_secret()).apply(lambda is_secret: pulumi.export("is-secret", is_secret))
if stage == 2:
    Thing("formerly", text="open now")
else:
    Thing("formerly", text=Output.secret("open now"))
