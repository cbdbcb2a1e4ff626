"""One run put together: refresh, program, deletions, in this order, and how it ends.

A session works in a thread of its own, so that Ctrl-C reaches whoever waits for it: the first one
lets running steps end, the second one leaves them to themselves (the journal knows of them).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from kraj.engine.base import StackSpec, Together
from kraj.engine.errors import PROGRAM_FAILED, interrupted
from kraj.engine.local.builtin import BuiltinProvider
from kraj.engine.local.deletion import Deleter
from kraj.engine.local.monitor import EngineService, Monitor, serving
from kraj.engine.local.orphans import Orphans
from kraj.engine.local.packages import Packages
from kraj.engine.local.program import Program
from kraj.engine.local.providers import ProviderFactory
from kraj.engine.local.refreshing import Refresher
from kraj.engine.local.run import Run
from kraj.engine.local.state import PendingOperation
from kraj.engine.local.stepper import Stepper
from kraj.engine.local.urns import name_of
from kraj.engine.local.values import Properties, Secret
from kraj.errors import KrajError

_IN_DOUBT = frozenset({"updating", "deleting"})  #: steps that may be half done on what exists
_PROGRAM_GRACE_SECONDS = 2.0  #: for a program to notice that its run is stopping


class Session:
    """The parts of one run. `outputs_of` gives the outputs of another stack for references."""

    def __init__(
        self,
        run: Run,
        factories: Mapping[str, ProviderFactory],
        outputs_of: Callable[[str, str], Properties | None],
        *,
        parallel: int,
    ) -> None:
        self._run = run
        self._parallel = parallel
        builtin = {"pulumi": lambda *_: BuiltinProvider(outputs_of, run.spec.project)}
        self._packages = Packages(run, {**factories, **builtin}, provider_config(run.spec))
        self._deleter = Deleter(run, self._packages)
        self._orphans = Orphans(run, self._packages)
        run.on_abandon = self._packages.cancel

    # -- what a run consists of

    def update(self, program: Program, pending: list[PendingOperation], *, refresh: bool) -> None:
        """Preview or apply: bring the stack to what the program wants."""
        self._look_back(pending, refresh=refresh)
        self._run_program(program)
        self._run.ensure_going()
        self._deleter.delete_all(self._run.journal.remaining())

    def refresh(self, pending: list[PendingOperation], together: Together | None) -> None:
        """Bring the state to what the providers find."""
        self._orphans.settle(pending)
        remaining = self._run.journal.remaining()
        Refresher(self._run, self._packages, together=together).refresh(remaining)

    def destroy(self, pending: list[PendingOperation]) -> None:
        """Delete everything that the state knows."""
        self._orphans.settle(pending)
        self._deleter.delete_all(self._run.journal.remaining())

    def _look_back(self, pending: list[PendingOperation], *, refresh: bool) -> None:
        """Settle what a broken run left open; read again what may differ from the state."""
        self._orphans.settle(pending)
        remaining = self._run.journal.remaining()
        touched = {item.resource.urn for item in pending if item.type in _IN_DOUBT}
        chosen = remaining
        if not refresh:
            # What became of a step that failed half way, the state does not know either.
            chosen = [old for old in remaining if old.urn in touched or old.init_errors]
        if chosen:
            Refresher(self._run, self._packages, recorded=False).refresh(chosen)

    def _run_program(self, program: Program) -> None:
        run = self._run
        engine = EngineService(run)
        monitor = Monitor(run, self._packages, Stepper(run, self._packages, self._deleter))
        ended = threading.Event()
        with serving(monitor, engine) as address:
            program.start(address, preview=run.preview, parallel=self._parallel)
            watcher = threading.Thread(target=self._end_program, args=(program, ended), daemon=True)
            watcher.start()
            failure = program.wait()
            ended.set()
            run.wait_for_activities()
        if run.stopping:
            return
        if failure is not None:
            run.fail(failure)
        elif engine.errors:
            message = f"the program of {run.spec.label} reported: {engine.errors[0]}"
            run.fail(KrajError(PROGRAM_FAILED, message, causes=engine.errors[1:]))

    def _end_program(self, program: Program, ended: threading.Event) -> None:
        """When the run stops, give the program a moment to end by itself."""
        self._run.wait_until_stopping(ended)
        self._run.wait_for_activities()
        if not ended.wait(_PROGRAM_GRACE_SECONDS):
            program.kill()


def provider_config(spec: StackSpec) -> dict[str, Properties]:
    """The inputs of default providers by package: `openstack:cloud` is `cloud` of `openstack`."""
    config: dict[str, Properties] = {}
    for key, value in spec.config.items():
        package, _, name = key.partition(":")
        config.setdefault(package, {})[name] = value
    for key, value in spec.secret_config.items():
        package, _, name = key.partition(":")
        config.setdefault(package, {})[name] = Secret(value)
    return config


def carry_out(run: Run, work: Callable[[], None]) -> None:
    """Do the work of a session and write down how far it came. Raises what went wrong."""

    def body() -> None:
        with run.kept():
            work()
            run.journal.settle()
        run.wait_for_activities()
        with run.kept():
            run.journal.commit()
        run.release()

    threading.Thread(target=body, daemon=True).start()
    while not run.released.is_set():
        try:
            run.released.wait()
        except KeyboardInterrupt:
            run.interrupt()
    run.journal.close()
    if run.fault is not None:
        raise run.fault
    if run.failures:
        raise _together(run.failures)
    if run.interrupted:
        raise interrupted(run.action, run.spec.label, _left_alone(run))


def _together(failures: list[KrajError]) -> KrajError:
    """The first failure, with the others as its details."""
    first, *others = failures
    if others:
        first.causes = [*first.causes, *(f"also: {error}" for error in others)]
        first.details["also"] = [error.as_dict() for error in others]
    return first


def _left_alone(run: Run) -> str:
    """The steps of which nobody has seen the end, for the error's message."""
    pending = run.journal.pending()
    names = ", ".join(f"{item.type} {name_of(item.urn)!r}" for item in pending)
    return f"; these steps were left to themselves: {names}" if pending else ""
