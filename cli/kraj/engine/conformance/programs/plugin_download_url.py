"""Where to get the plugin from: without effect for a plugin that is there, kept in the state."""

import pulumi
from conform import Provider, Thing, stage
from pulumi import ResourceOptions

url = "https://plugins.kraj.example/"
Thing("thing", text="a", opts=ResourceOptions(plugin_download_url=url))
provider = Provider("provider", opts=ResourceOptions(plugin_download_url=url))
Thing("other", text=f"version {stage}", opts=ResourceOptions(provider=provider))
from_there = pulumi.InvokeOptions(version="1.0.0", plugin_download_url=url)
pulumi.export("echo", pulumi.runtime.invoke("conform:index:echo", {"n": 1}, from_there).value)
