"""Changed properties keep their old values: at the top, nested, in lists, added and removed."""

from conform import Thing, stage
from pulumi import ResourceOptions

new = stage > 1


def ignore(*paths: str) -> ResourceOptions:
    return ResourceOptions(ignore_changes=list(paths))


Thing("top", text="new" if new else "old", size=stage, opts=ignore("text"))
Thing("nested", labels={"a": f"a{stage}", "b": f"b{stage}"}, opts=ignore("labels.a"))
Thing("listed", items=[f"x{stage}", f"y{stage}"], opts=ignore("items[0]"))
Thing("quoted", labels={"a.b": f"a{stage}"}, opts=ignore('labels["a.b"]'))
Thing("any", items=[{"a": stage, "b": stage}], opts=ignore("items[*].a"))
Thing("added", **({"text": "new"} if new else {}), opts=ignore("text"))
Thing("removed", **({} if new else {"text": "old"}), opts=ignore("text"))
Thing("replacing", kind="new" if new else "old", opts=ignore("kind"))
if stage < 3:
    Thing("everything", text=f"v{stage}", size=stage, opts=ignore("*"))
