"""Changes that would be made in place replace the resource; changes elsewhere do not."""

from conform import Thing, stage
from pulumi import ResourceOptions

text = "old" if stage == 1 else "new"
Thing("one", text=text, size=stage, opts=ResourceOptions(replace_on_changes=["text"]))
Thing("all", text=text, opts=ResourceOptions(replace_on_changes=["*"]))
Thing(
    "nested",
    labels={"a": text, "b": str(stage)},
    opts=ResourceOptions(replace_on_changes=["labels.a"]),
)
Thing("other", text=text, opts=ResourceOptions(replace_on_changes=["size"]))
