"""One tenant's life on a real cloud in bad weather: made, changed, refreshed, left alone, ended.

Each phase runs with kraj's own engine and provider behind proxies that a seed steers. A phase that
ends well must have done its work; one that fails must say so with a code, and the same run in fair
weather must put everything right. The cloud is compared with the state after each phase.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from kraj.engine.base import Operation, Result, StackSpec
from kraj.engine.local.engine import LocalEngine
from kraj.engine.local.hosts import ProgramHosts
from kraj.errors import KrajError
from kraj.events import Event, EventKind
from kraj.openstack.provider import OpenStackProvider
from kraj.openstack.retry import Policy
from tests.lab.belongings import belongings
from tests.lab.faults import FaultyProxy, faulty_proxies
from tests.lab.weather import Weather, chance

#: As in production, in a tenth of the time.
POLICY = Policy(
    attempts=7,
    total_seconds=20,
    first_delay_seconds=0.02,
    longest_delay_seconds=0.4,
    longest_retry_after_seconds=0.4,
    look_delays_seconds=(0.1, 0.2, 0.4, 0.8, 1.0),
)
PROGRAM = Path(__file__).with_name("life_program.py")
_HOSTS = ProgramHosts()  #: of all lives: Pulumi's SDK is loaded once
#: What an error's text must not have in it: the name of an exception of Python.
_PYTHON = re.compile(r"Traceback|\b[A-Z]\w*(Error|Exception)\b")
#: Codes that stand for a fault of kraj: an engine's step failed without one of the cloud's codes.
_UNEXPLAINED = frozenset({"KRJ303"})
#: Parts that only some lives have, with the share of lives that have them.
_PARTS = {
    "volume": 0.5,
    "address": 0.5,
    "dns": 0.4,
    "credential": 0.5,
    "people": 0.4,
    "key": 0.4,
    "server": 0.3,
    "balancer": 0.2,
}


@dataclass(frozen=True)
class Ground:
    """The cloud that all lives share, and what is there for them."""

    connection: Any
    entry: dict[str, Any]  #: of clouds.yaml
    folder: Path
    image: str
    flavor: str


@dataclass
class Life:
    """A tenant in a project of its own."""

    seed: int
    ground: Ground
    name: str
    project: str
    proxies: dict[str, FaultyProxy]
    engine: LocalEngine
    spec: StackSpec
    story: list[str] = field(default_factory=list)
    weathers: list[Weather] = field(default_factory=list)

    # --- phases

    def live(self) -> None:
        """From the first run to the last. Raises AssertionError."""
        self._phase("up", stage=1)
        self._phase("up", stage=2)
        self._phase("refresh", stage=2)
        unchanged = self._phase("up", stage=2)
        assert not unchanged.has_changes, unchanged.steps
        drift = self.engine.refresh(self.spec, _ignore, preview_only=True)
        assert not drift.has_changes, [step for step in drift.steps if step.changed]
        self._phase("destroy", stage=2)
        left = self._belongings()
        assert not left, left

    def _phase(self, action: str, stage: int) -> Result:
        label = f"{len(self.story)} {action} {stage}"
        self.spec = replace(self.spec, config={**self.spec.config, "life:stage": str(stage)})
        try:
            with self._weather(label), self._rival(label) as report:
                result = self._run(action, report)
            outcome = "done"
        except KrajError as error:
            _assert_clear(error)
            outcome = str(error)
            result = self._recovered(action)
        self.story.append(f"{label}: {outcome}")
        self._assert_true(action, result)
        return result

    def _recovered(self, action: str) -> Result:
        """The same run in fair weather; where it asks, the user says that the objects are ours."""
        try:
            return self._run(action, _ignore)
        except KrajError as error:
            if error.code.code != "KRJ415":
                raise
            asked = [error.details, *error.details.get("also", ())]
            ids = [identity for item in asked for identity in item.get("details", item)["ids"]]
        own = {**self.spec.environment, "KRAJ_ADOPT": " ".join(ids)}
        self.spec, fair = replace(self.spec, environment=own), self.spec
        try:
            return self._run(action, _ignore)
        finally:
            self.spec = fair

    def _run(self, action: str, report: Any) -> Result:
        result: Result = getattr(self.engine, action)(self.spec, report)
        return result

    @contextlib.contextmanager
    def _weather(self, label: str) -> Iterator[None]:
        seed = f"{self.seed} {label}"
        share = chance(f"{seed} share").choice((0.02, 0.05, 0.1, 0.2, 0.35))
        ahead = chance(f"{seed} clock").choice((0, 0, 0, 10800, -10800))
        for service, proxy in self.proxies.items():
            proxy.choose = Weather(seed, service, self.name, share)
            proxy.fast_by_seconds = ahead
            self.weathers.append(proxy.choose)
        try:
            yield
        finally:
            for proxy in self.proxies.values():
                proxy.choose, proxy.fast_by_seconds = None, 0

    @contextlib.contextmanager
    def _rival(self, label: str) -> Iterator[Any]:
        """In some phases, another engine that begins in the midst of it and has to be refused."""
        rival = _engine(self.ground.folder / self.name)
        told: list[Any] = []

        def intrude() -> None:
            try:
                told.append(rival.up(self.spec, _ignore))
            except KrajError as error:
                told.append(error)

        thread = threading.Thread(target=intrude)

        def report(event: Event) -> None:
            # Of a first creation there is more to come: the lock is held for a while.
            if event.kind is EventKind.STARTED and event.operation == "create":
                with contextlib.suppress(RuntimeError):  # it has started before
                    thread.start()

        if chance(f"{self.seed} {label} rival").random() >= 0.2:
            yield _ignore
            return
        yield report
        if thread.ident:
            thread.join()
            (refusal,) = told
            assert isinstance(refusal, KrajError), refusal
            assert refusal.code.code == "KRJ306", refusal

    # --- what must be true after each phase

    def _assert_true(self, action: str, result: Result) -> None:
        if action == "up":
            again = self.engine.preview(self.spec, _ignore)
            assert not again.has_changes, [s for s in again.steps if s.operation != Operation.SAME]
        if action == "refresh":
            assert not result.has_changes, [step for step in result.steps if step.changed]
        deployment = self.engine.export_state(self.spec)["deployment"]
        assert not deployment.get("pending_operations"), deployment["pending_operations"]
        there = self._belongings()
        resources = [item for item in deployment.get("resources", ()) if item.get("id")]
        known = {item["id"].rpartition("/")[2] for item in resources}
        unknown = [name for identity, name in there.items() if identity not in known]
        assert not unknown, f"in the cloud, but not in the state: {unknown}"
        missing = [
            item["urn"]
            for item in resources
            if item["type"].startswith("openstack:")
            and not _is_relation(item["type"])
            and item["id"].rpartition("/")[2] not in there
        ]
        assert not missing, f"in the state, but not in the cloud: {missing}"

    def _belongings(self) -> dict[str, str]:
        parts = self.spec.config["life:parts"].split(",")
        return belongings(self.ground.connection, self.project, self.name, parts)

    def faults(self) -> list[str]:
        """What the weather did, in order."""
        return [met for weather in self.weathers for met in weather.met]


def _is_relation(kind: str) -> bool:
    """Types that are no objects of their own; reading them back shows whether they are there."""
    return kind.rpartition(":")[2] in ("RoleAssignment", "RouterInterface", "VolumeAttach")


def _ignore(_event: Event) -> None:
    pass


def _assert_clear(error: KrajError) -> None:
    """An error says in kraj's words what went wrong."""
    for text in (str(error), *map(str, error.causes)):
        assert not _PYTHON.search(text), error
    assert error.code.code not in _UNEXPLAINED, error
    assert error.message


def _engine(folder: Path) -> LocalEngine:
    def provider(report: Any, environment: Any) -> OpenStackProvider:
        return OpenStackProvider(report, environment, POLICY)

    return LocalEngine(
        folder / "state",
        providers={"openstack": provider},
        environ={"PULUMI_CONFIG_PASSPHRASE": "not a secret"},
        hosts=_HOSTS,
    )


# --- beginning and end ----------------------------------------------------------------------------


@contextlib.contextmanager
def life(seed: int, ground: Ground) -> Iterator[Life]:
    """A tenant that nothing has happened to yet; whatever is left of it at the end is deleted."""
    name = f"life-{seed}-{secrets.token_hex(2)}"
    identity = ground.connection.identity
    project = identity.create_project(name=name, domain_id="default")
    user, role = ground.connection.current_user_id, identity.find_role("admin")
    identity.assign_project_role_to_user(project, user, role)
    with contextlib.ExitStack() as stack:
        proxies = _proxies(ground.connection, stack)
        made = Life(seed, ground, name, project.id, proxies, *_stack(seed, ground, name, proxies))
        try:
            yield made
        finally:
            with contextlib.suppress(Exception):  # what went wrong before is what matters
                made.engine.destroy(made.spec, _ignore)
            _clean_up(ground.connection, project)


def _stack(
    seed: int, ground: Ground, name: str, proxies: dict[str, FaultyProxy]
) -> tuple[LocalEngine, StackSpec]:
    folder = ground.folder / name
    (folder / "program").mkdir(parents=True)
    (folder / "program" / "Pulumi.yaml").write_text("name: life\nruntime: python\n")
    (folder / "program" / "__main__.py").write_text(PROGRAM.read_text(encoding="utf-8"))
    access = {**ground.entry["auth"], "auth_url": f"{proxies['identity'].url}/v3"}
    access |= {"project_name": name, "project_domain_name": "Default"}
    entry = {**ground.entry, "auth": access}
    (folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"lab": entry}}))
    parts = [part for part, share in _PARTS.items() if chance(f"{seed} {part}").random() < share]
    config = {
        "openstack:cloud": "lab",
        "life:name": name,
        "life:parts": ",".join(parts),
        "life:image": ground.image,
        "life:flavor": ground.flavor,
    }
    spec = StackSpec(
        "life",
        name,
        name,
        folder / "program",
        config=config,
        environment={"OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml")},
    )
    return _engine(folder), spec


def _proxies(connection: Any, stack: contextlib.ExitStack) -> dict[str, FaultyProxy]:
    """One proxy per address, under the first type of service there; all know Keystone's own."""
    proxies: dict[str, FaultyProxy] = {}
    for kind, proxy in faulty_proxies(connection, stack).items():
        if proxy not in proxies.values():
            proxies[kind] = proxy
    for proxy in proxies.values():
        proxy.identity = proxies["identity"].target
    return proxies


def _clean_up(connection: Any, project: Any) -> None:
    deadline = time.monotonic() + 30
    for group in connection.network.security_groups(project_id=project.id, name="default"):
        while time.monotonic() < deadline:
            with contextlib.suppress(Exception):  # ports of a failed life may still use it
                connection.network.delete_security_group(group)
                break
            time.sleep(0.5)
    connection.identity.delete_project(project)
