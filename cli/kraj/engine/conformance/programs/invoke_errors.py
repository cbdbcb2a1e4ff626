"""Functions that fail: heeded by the program, then not."""

import pulumi
from conform import Thing, stage
from pulumi import InvokeOptions

options = InvokeOptions(version="1.0.0")
try:
    pulumi.runtime.invoke("conform:index:nothing", {}, options)
except Exception as error:
    pulumi.export("heeded", "no such function" in str(error))
Thing("thing", text="a")
if stage == 2:
    pulumi.runtime.invoke("conform:index:nothing", {}, options)
if stage == 3:
    pulumi.runtime.invoke("conform:index:refuse", {}, options)
