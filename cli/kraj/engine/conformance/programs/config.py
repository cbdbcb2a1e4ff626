"""Configuration: plain, typed, secret, defaulted by the project file, absent."""

import json

import pulumi
from conform import stage

config = pulumi.Config("suite")
pulumi.export("given", pulumi.Config().get("given"))
pulumi.export("absent", config.get("absent"))
pulumi.export("fallback", config.get("absent", "fallback"))
pulumi.export("is-secret", pulumi.runtime.is_config_secret("suite:password"))
pulumi.export("password", config.require_secret("password"))
pulumi.export("length", config.get_secret("password").apply(len))
if stage == 1:
    pulumi.export("number", config.require_int("number") + 1)
    pulumi.export("float", config.get_float("number"))
    pulumi.export("object", json.dumps(config.require_object("object")))
else:
    config.require("absent")
