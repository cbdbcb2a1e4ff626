"""Runs a feature on either engine in a folder of its own."""

from __future__ import annotations

import os
from pathlib import Path

from kraj.engine.conformance.features import Feature
from kraj.engine.conformance.observing import PASSPHRASE, Observation, observe
from kraj.engine.conformance.provider import ConformProvider
from kraj.engine.local.engine import LocalEngine
from kraj.engine.local.hosts import ProgramHosts
from kraj.engine.pulumi import PulumiEngine

#: Shared by all engines of a run: Pulumi's SDK is loaded once.
_HOSTS = ProgramHosts()


def local_engine(state: Path) -> LocalEngine:
    return LocalEngine(
        state,
        providers={"conform": ConformProvider},
        environ={"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE},
        hosts=_HOSTS,
    )


def pulumi_engine(state: Path) -> PulumiEngine:
    environ = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    environ.pop("PULUMI_BACKEND_URL", None)
    return PulumiEngine(state, environ=environ)


def on_local(feature: Feature, root: Path) -> list[Observation]:
    return observe(feature, local_engine(root / "state"), root)


def on_pulumi(feature: Feature, root: Path) -> list[Observation]:
    return observe(feature, pulumi_engine(root / "state"), root)
