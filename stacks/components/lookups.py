"""Finds what a stack uses but does not own: published images, subnet pools, external networks.

A region is planned before its centre stands. Then a tenant's preview takes what the centre will
publish as not yet known, and says so; `up` fails with what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import pulumi
import pulumi_openstack as openstack

from kraj.planning.standards import built_image_name


class Lookups:
    """Ids by name: the stack's own resources first, then the cloud's; asked for once each."""

    def __init__(
        self,
        images: Mapping[str, pulumi.Input[str]] | None = None,
        subnet_pools: Mapping[str, pulumi.Input[str]] | None = None,
    ) -> None:
        self._images = dict(images or {})
        self._subnet_pools = dict(subnet_pools or {})
        self._networks: dict[str, pulumi.Input[str]] = {}

    def image_id(self, name: str) -> pulumi.Input[str]:
        """The newest image of that name."""
        if name not in self._images:
            self._images[name] = _published("image", name, lambda: _newest_image(name))
        return self._images[name]

    def built_image_id(self, name: str) -> pulumi.Input[str]:
        """The newest published version of an image that `kraj image` has built."""
        if name not in self._images:
            image = name.removeprefix(built_image_name(""))
            what = f"publish it first: kraj image publish {image}"
            self._images[name] = _published("image", name, lambda: _newest_image(name), what)
        return self._images[name]

    def subnet_pool_id(self, name: str) -> pulumi.Input[str]:
        """The subnet pool of that name."""
        if name not in self._subnet_pools:
            self._subnet_pools[name] = _published(
                "subnet pool", name, lambda: openstack.networking.get_subnet_pool(name=name)
            )
        return self._subnet_pools[name]

    def centre_network_id(self, name: str) -> pulumi.Input[str]:
        """The centre's network of that name, as the administrator sees it."""
        return _published("network", name, lambda: openstack.networking.get_network(name=name))

    def external_network_id(self, name: str) -> pulumi.Input[str]:
        """The provider network of that name: the cloud's own, so it is there before kraj."""
        if name not in self._networks:
            self._networks[name] = openstack.networking.get_network_output(
                name=name, external=True
            ).id
        return self._networks[name]


def _newest_image(name: str) -> Any:
    return openstack.images.get_image(name=name, most_recent=True)


def _published(
    kind: str, name: str, find: Callable[[], Any], what: str = "apply the centre first"
) -> pulumi.Input[str]:
    try:
        return str(find().id)
    except Exception as error:
        if not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(f"no {kind} {name!r} in the cloud: {what} ({error})") from error
        pulumi.log.info(f"{kind} {name!r} is not there yet: {what}")
        return pulumi.Output.from_input(cast(str, pulumi.UNKNOWN))
