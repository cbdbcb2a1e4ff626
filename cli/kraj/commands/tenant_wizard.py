"""Asks for what a new tenant's file says, with the catalogue and prices beside the questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console

from kraj.errors import KrajError
from kraj.model.errors import WRONG_VALUE
from kraj.model.loader import RegionFiles
from kraj.model.service import ServiceCard
from kraj.model.tenant import ContactRole, TenantKind
from kraj.operations.new_tenant import slug_of
from kraj.report.services import print_services

_CONTACT_PARTS = ("role", "name", "email", "phone")
_ORDER_KEYS = ("size", "storage")


@dataclass(frozen=True, slots=True)
class Wizard:
    """`ask` takes a question and what is meant where nothing is answered."""

    ask: Callable[[str, str], str]
    console: Console

    def slug(self, files: RegionFiles, name: str, wanted: str = "") -> str:
        """A slug that no tenant has yet: the wanted one, or that of the name, or another."""
        found = wanted or slug_of(name)
        while found in files.tenants:
            there = files.tenants[found].name
            self.console.print(f"{found!r} is {there} already.", markup=False)
            found = self.ask("Slug of the new one", "").strip()
        return found

    def content(self, files: RegionFiles, given: dict[str, Any]) -> dict[str, Any]:
        """The content of the file; what is given already is not asked for."""
        content = self.named(given)
        self._choice(content, "kind", "Kind", [kind.value for kind in TenantKind], "basic")
        if TenantKind(content["kind"]).is_municipality:
            self._text(content, "lau", "LAU code")
            self._text(content, "population", "Inhabitants (empty: unknown)", number=True)
        elif content["kind"] == TenantKind.REGION:
            self._text(content, "nuts", "NUTS code")
        self._text(content, "company_id", "Identification number (empty: none)")
        if "contacts" not in content:
            content["contacts"] = [self._contact()]
        if "services" not in content:
            content["services"] = list(self._orders(files))
        return content

    def named(self, given: dict[str, Any]) -> dict[str, Any]:
        """What is given, and a name."""
        content = dict(given)
        self._text(content, "name", "Official name")
        return content

    def _text(
        self, content: dict[str, Any], key: str, question: str, *, number: bool = False
    ) -> None:
        if key not in content:
            answer = self.ask(question, "").strip()
            if answer:
                content[key] = int(answer) if number and answer.isdigit() else answer

    def _choice(
        self,
        content: dict[str, Any],
        key: str,
        question: str,
        choices: Sequence[str],
        default: str,
    ) -> None:
        if key not in content:
            content[key] = self._one_of(question, choices, default)

    def _one_of(self, question: str, choices: Sequence[str], default: str) -> str:
        while True:
            answer = self.ask(f"{question} ({', '.join(choices)})", default).strip()
            if answer in choices:
                return answer
            self.console.print(f"{answer!r} is none of them.", markup=False)

    def _contact(self) -> dict[str, str]:
        self.console.print("Whom to ask about orders and changes:")
        found = {"role": ContactRole.REQUESTER.value}
        found["name"] = self.ask("Person or office", "")
        found["email"] = self.ask("E-mail", "")
        phone = self.ask("Telephone (empty: none)", "")
        return found | ({"phone": phone} if phone else {})

    def _orders(self, files: RegionFiles) -> list[dict[str, str]]:
        cards = [card for _name, card in sorted(files.services.items())]
        print_services(cards, files.region.prices, self.console)
        names = {card.name: card for card in cards}
        orders: list[dict[str, str]] = []
        while True:
            name = self.ask("Service to order (empty: no more)", "").strip()
            if not name:
                return orders
            if name not in names or any(order["service"] == name for order in orders):
                self.console.print(f"{name!r} cannot be ordered (again).", markup=False)
                continue
            orders.append(self._order(names[name]))

    def _order(self, card: ServiceCard) -> dict[str, str]:
        order = {"service": card.name}
        if len(card.sizes) > 1:
            size = self._one_of("Size", card.sizes, card.default_size)
            order |= {"size": size} if size != card.default_size else {}
        volume = card.orderable_volume
        if volume is not None:
            question = f"Storage ({volume.minimum} to {volume.maximum})"
            storage = self.ask(question, str(volume.default)).strip()
            order |= {"storage": storage}
        return order


def parse_contact(text: str) -> dict[str, str]:
    """`requester,Town office,office@town.example[,+420 1]`. Raises KRJ105."""
    parts = [part.strip() for part in text.split(",")]
    if not 3 <= len(parts) <= len(_CONTACT_PARTS):
        raise KrajError(WRONG_VALUE, f"a contact is ROLE,NAME,E-MAIL[,TELEPHONE], not {text!r}")
    return dict(zip(_CONTACT_PARTS, parts, strict=False))


def parse_order(text: str) -> dict[str, str]:
    """`records[:size=small,storage=40 GiB]`. Raises KRJ105."""
    service, _colon, rest = text.partition(":")
    order = {"service": service.strip()}
    for part in filter(None, rest.split(",")):
        key, equals, value = (word.strip() for word in part.partition("="))
        if not equals or key not in _ORDER_KEYS:
            form = "SERVICE[:size=SIZE,storage=AMOUNT]"
            raise KrajError(WRONG_VALUE, f"an order is {form}, not {text!r}")
        order[key] = value
    return order


def ask_in_terminal(question: str, default: str) -> str:
    """A question on standard error; the default stands in brackets."""
    shown = bool(default)
    return str(typer.prompt(question, default=default, show_default=shown, err=True))
