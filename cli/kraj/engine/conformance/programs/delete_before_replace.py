"""The old resource goes first, by option or because the provider says so, with its dependents."""

from conform import Thing, stage
from pulumi import ResourceOptions

value = f"value {stage}"
by_option = Thing(
    "by-option",
    kind="a" if stage == 1 else "b",
    opts=ResourceOptions(delete_before_replace=True),
)
falls = Thing("falls", kind=by_option.path)
falls_too = Thing("falls-too", slot=falls.path)
stays = Thing("stays", text=by_option.path)
by_provider = Thing("by-provider", slot="one" if stage < 3 else "two")
Thing("user", kind=by_provider.path)
