"""Values computed from outputs, known and unknown."""

import pulumi
from conform import Thing, stage
from pulumi import Output

one = Thing("one", text="a")
two = Thing("two", text=f"version {stage}", size=stage)
everything = Output.all(one.path, two.path, "plain")
named = Output.all(first=one.path, second=two.length)
pulumi.export("all", everything)
pulumi.export("named", named.apply(lambda values: f"{values['first']} {values['second']}"))
pulumi.export("concat", Output.concat("<", one.path, ">"))
pulumi.export("format", Output.format("{0} and {b}", one.path, b=two.length))
pulumi.export("json", Output.json_dumps({"path": one.path, "n": [1, two.length]}))
pulumi.export("parsed", Output.json_loads(Output.from_input('{"a": [1, 2]}'))["a"])
pulumi.export("lifted", Output.from_input({"a": {"b": one.path}})["a"]["b"])
pulumi.export("nested", one.path.apply(lambda path: two.path.apply(lambda other: path + other)))
pulumi.export("known", one.text.apply(lambda text: text * 2))
Thing("user", text=Output.concat(one.path, two.path), labels={"n": two.length.apply(str)})
