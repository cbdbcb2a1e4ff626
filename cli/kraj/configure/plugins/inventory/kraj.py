"""Ansible's inventory plugin `kraj`: the servers of a region, with groups of the user's own."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable

from kraj.errors import KrajError, KrajErrors
from kraj.operations.inventory import read_inventory

DOCUMENTATION = """
name: kraj
short_description: Servers of a region that kraj provisions
description:
  - Reads what the stacks of a region export. The cloud is not asked.
  - The file's name ends in C(kraj.yml) or C(kraj.yaml).
extends_documentation_fragment: [constructed]
options:
  plugin:
    description: Always V(kraj).
    required: true
    choices: [kraj]
  region:
    description: Folder of C(inventories/), or its path; the only region where it is left out.
    type: str
    env:
      - name: KRAJ_REGION
  only:
    description: Stacks to take, V(centre) or V(tenant:<slug>); all of them where it is left out.
    type: list
    elements: str
    default: []
"""

EXAMPLES = """
plugin: kraj
region: liberecky
keyed_groups:
  - key: kraj_metadata.kraj_owner
    prefix: owner
"""


class InventoryModule(BaseInventoryPlugin, Constructable):  # type: ignore[misc]
    """What `kraj inventory --list` prints, as Ansible's own objects."""

    NAME = "kraj"

    def verify_file(self, path: str) -> bool:
        """Whether a file is for this plugin."""
        known = ("kraj.yml", "kraj.yaml")
        return bool(super().verify_file(path)) and path.endswith(known)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add hosts, variables and groups. Raises AnsibleParserError with kraj's own words."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            found = read_inventory(self.get_option("region"), self.get_option("only"))
        except (KrajError, KrajErrors) as error:
            raise AnsibleParserError(f"kraj: {error}") from error
        self._add(found)

    def _add(self, found: dict[str, Any]) -> None:
        for group in found["all"]["children"]:
            self.inventory.add_group(group)
        for host, variables in found["_meta"]["hostvars"].items():
            self.inventory.add_host(host)
            for name, value in variables.items():
                self.inventory.set_variable(host, name, value)
        for group in found["all"]["children"]:
            for host in found[group]["hosts"]:
                self.inventory.add_child(group, host)
        for host in found["_meta"]["hostvars"]:
            self._construct(host)

    def _construct(self, host: str) -> None:
        """Groups and variables that the file defines by expressions."""
        strict = self.get_option("strict")
        known = self.inventory.get_host(host).get_vars()
        self._set_composite_vars(self.get_option("compose"), known, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), known, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, host, strict=strict)
