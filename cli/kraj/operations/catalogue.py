"""What towns can order, and what their orders cost; needs no cloud."""

from __future__ import annotations

from kraj.errors import KrajError
from kraj.model.errors import UNKNOWN_NAME
from kraj.model.loader import RegionFiles
from kraj.model.problems import did_you_mean
from kraj.model.service import ServiceCard
from kraj.operations.region import ledger_text, read_region
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from kraj.planning.documents import Cloud
from kraj.planning.ledger import ledger_from_text
from kraj.planning.quote import Quote, quote_tenant
from kraj.planning.tenant_check import TenantCheck, check_tenant

#: Which services a cloud has changes what is built, and nothing of what is counted.
_SERVICES = ("dns", "load-balancer")


def services_of(region: str | None) -> tuple[RegionFiles, tuple[ServiceCard, ...]]:
    """The region's files and its catalogue by name. Raises KRJ1xx."""
    _project, _folder, files = read_region(region)
    return files, tuple(card for _name, card in sorted(files.services.items()))


def find_service(region: str | None, name: str) -> tuple[RegionFiles, ServiceCard]:
    """One card of the catalogue. Raises KRJ1xx; KRJ120 for an unknown name."""
    files, cards = services_of(region)
    for card in cards:
        if card.name == name:
            return files, card
    known = [card.name for card in cards]
    raise KrajError(UNKNOWN_NAME, f"unknown service {name!r}{did_you_mean(name, known)}")


def quote(region: str | None, slug: str) -> Quote:
    """What a tenant's file orders costs. Raises KRJ1xx, KRJ2xx; writes nothing."""
    files, ledger, cloud = _planned_without_a_cloud(region, slug)
    return quote_tenant(files, plan_region(files, ledger, cloud), slug)


def check(region: str | None, slug: str) -> TenantCheck:
    """What a tenant's file would mean. Raises KRJ1xx, KRJ2xx but KRJ210; writes nothing."""
    files, ledger, cloud = _planned_without_a_cloud(region, slug)
    plan = plan_region(files, ledger, cloud, may_exceed=True)
    return check_tenant(files, plan, ledger, slug)


def _planned_without_a_cloud(region: str | None, slug: str) -> tuple[RegionFiles, Ledger, Cloud]:
    """What planning takes. Raises KRJ120 for an unknown tenant."""
    _project, folder, files = read_region(region)
    if slug not in files.tenants:
        similar = did_you_mean(slug, sorted(files.tenants))
        raise KrajError(UNKNOWN_NAME, f"unknown tenant {slug!r}{similar}")
    ledger = ledger_from_text(*ledger_text(folder))
    return files, ledger, cloud_for_counting(files)


def cloud_for_counting(files: RegionFiles) -> Cloud:
    """A cloud that nobody signs in to, with the services that change nothing of what is counted."""
    name = files.region.clouds[0].name
    return Cloud(name=name, auth_url="", region_name="", services=_SERVICES)
