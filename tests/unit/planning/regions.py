"""Builds regions for planning tests: real models from real files in a temporary folder."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import yaml

from kraj.model.loader import RegionFiles, load_region
from kraj.planning.documents import Cloud

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "inventories" / "liberecky"
CLOUD = Cloud(
    name="lab",
    auth_url="http://127.0.0.1:5000/v3",
    region_name="RegionOne",
    services=("dns", "load-balancer"),
)
PLAIN_CLOUD = CLOUD.model_copy(update={"services": ()})


def example_region() -> RegionFiles:
    """The example region with all its municipalities."""
    return load_region(EXAMPLE, ROOT / "roles", environ={})


def small_region(folder: Path, *slugs: str) -> RegionFiles:
    """The example region with these tenants only."""
    target = folder / EXAMPLE.name
    (target / "tenants").mkdir(parents=True, exist_ok=True)
    for name in ("region.yaml", "operators.pub"):
        shutil.copy(EXAMPLE / name, target)
    for path in (target / "tenants").glob("*.yaml"):
        path.unlink()
    for slug in slugs:
        shutil.copy(EXAMPLE / "tenants" / f"{slug}.yaml", target / "tenants")
    return load_region(target, ROOT / "roles", environ={})


def change_tenant(files: RegionFiles, slug: str, **changes: object) -> RegionFiles:
    """The region with some keys of one tenant's file replaced."""
    path = files.tenant_file(slug)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    # JSON is YAML that quotes every text, as codes with leading zeros need.
    path.write_text(json.dumps(content | changes), encoding="utf-8")
    return load_region(files.folder, ROOT / "roles", environ={})


def with_parts(files: RegionFiles, **parts: object) -> RegionFiles:
    """The region with some of `region`, `tenants` and `services` replaced, as if files said so."""
    return dataclasses.replace(files, **parts)  # type: ignore[arg-type]


def with_network(files: RegionFiles, family: str, **changes: object) -> RegionFiles:
    """The region with some keys of `network.ipv4` or `network.ipv6` replaced."""
    part = getattr(files.region.network, family).model_copy(update=changes)
    network = files.region.network.model_copy(update={family: part})
    return with_parts(files, region=files.region.model_copy(update={"network": network}))


def with_card(files: RegionFiles, service: str, **changes: object) -> RegionFiles:
    """The region with some keys of a service's card replaced; a changed name adds a service."""
    card = files.services[service].model_copy(update=changes)
    return with_parts(files, services=dict(sorted({**files.services, card.name: card}.items())))
