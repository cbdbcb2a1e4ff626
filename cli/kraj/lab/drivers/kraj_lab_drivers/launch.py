"""Starts one service: `python -m kraj_lab_drivers.launch NAME [ARGUMENT …]`.

NAME is a program of the virtual environment (`nova-compute`), or `api:SERVICE:PORT:THREADS` for a
WSGI application served by waitress in one process of threads. Before the program starts, some
things are set right: nova finds the lab's compute driver and reports soon after its start; requests
at the same time do not meddle with each other's access rules and tokens; answers of remote calls
are looked for every 10 ms instead of every 500 ms (oslo.messaging 17 sleeps that long because of
its eventlet mode, see https://bugs.launchpad.net/oslo.messaging/+bug/2035113; a server's creation
takes 8 s with it, 2 s without); and Python's garbage collector suits a process that loads a lot and
then forks.
"""

from __future__ import annotations

import gc
import importlib
import os
import queue
import runpy
import sys
import threading
import time
from pathlib import Path
from typing import Any

import wrapt

POLL_SECONDS = 0.01

#: Allocations between two collections; Python's own 700 costs a sixth of the time of loading nova.
GARBAGE_THRESHOLD = 10_000

APPLICATIONS = {
    "keystone": "keystone.wsgi.api",
    "glance": "glance.wsgi.api",
    "placement": "placement.wsgi.api",
    "nova": "nova.wsgi.osapi_compute",
    "neutron": "neutron.wsgi.api",
    "cinder": "cinder.wsgi.api",
    "octavia": "octavia.wsgi.api",
    "designate": "designate.wsgi.api",
}

#: Services whose application reads its configuration from the command line.
BY_ARGUMENT = ("cinder", "octavia", "barbican")


@wrapt.when_imported("cinder.policy")
@wrapt.when_imported("neutron.policy")
@wrapt.when_imported("nova.policy")
def load_rules_once(policy: Any) -> None:
    """Let one thread load a service's access rules while the others wait.

    They are loaded at the first request. Of two that come at once, the second would meet a rule
    book without rules and be refused ("Policy … has not been registered").
    """
    load, loading = policy.init, threading.RLock()

    def init(*args: Any, **kwargs: Any) -> Any:
        with loading:
            return load(*args, **kwargs)

    policy.init = init


@wrapt.when_imported("keystone.server.flask.request_processing.middleware.auth_context")
def keep_tokens_apart(auth_context: Any) -> None:
    """Let each thread see the token of its own request in Keystone's middleware.

    There is one middleware in a process, and it keeps the token in an attribute: of two requests at
    once, one is judged by the other's (an application credential is then refused for its roles).
    """
    seen = threading.local()
    auth_context.AuthContextMiddleware.token = property(
        lambda _self: getattr(seen, "token", None),
        lambda _self, token: setattr(seen, "token", token),
    )


@wrapt.when_imported("oslo_messaging._drivers.amqpdriver")
def answer_quickly(amqpdriver: Any) -> None:
    """Replace the waiting loop of oslo.messaging's reply queue.

    A hook, because importing oslo.messaging here would choose the eventlet mode for the process.
    """
    import oslo_messaging

    def get(self: Any, msg_id: str, timeout: float | None) -> Any:
        deadline = None if timeout is None else time.monotonic() + timeout
        while deadline is None or time.monotonic() < deadline:
            try:
                return self._queues[msg_id].get(block=False)
            except queue.Empty:
                time.sleep(POLL_SECONDS)
        raise oslo_messaging.MessagingTimeout(
            f"Timed out waiting for a reply to message ID {msg_id}"
        )

    amqpdriver.ReplyWaiters.get = get


@wrapt.when_imported("nova.servicegroup.api")
def report_soon(api: Any) -> None:
    """Let nova's services report 1 s after their start, not 5: `kraj lab up` waits for that."""
    api.INITIAL_REPORTING_DELAY = 1


@wrapt.when_imported("nova.virt")
def show_compute_driver(virt: Any) -> None:
    """Make `compute_driver = kraj_lab.LabDriver` loadable: nova looks in `nova.virt` only."""
    virt.__path__.append(str(Path(__file__).parent / "nova_virt"))


def spare_garbage_collection() -> None:
    """Collect less often while modules load, and never what processes share after a fork.

    A collection writes into every object that it looks at, and so would give parent and child a
    copy each: https://docs.python.org/3/library/gc.html#gc.freeze.
    """
    gc.set_threshold(GARBAGE_THRESHOLD, 10, 10)
    os.register_at_fork(before=gc.freeze)


def serve(service: str, port: int, threads: int) -> None:
    """Serve one API on 127.0.0.1 until the process is stopped."""
    configuration = Path(os.environ["KRAJ_LAB_CONFIG"]) / service
    os.environ[f"OS_{service.upper()}_CONFIG_DIR"] = str(configuration)
    sys.argv = [f"{service}-api"]
    if service in BY_ARGUMENT:
        sys.argv += ["--config-file", str(configuration / f"{service}.conf")]
    if service == "neutron":
        os.environ["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf;ml2_conf.ini"
    if service == "barbican":
        application = _barbican()
    else:
        application = importlib.import_module(APPLICATIONS[service]).application
    import waitress

    waitress.serve(
        application,
        listen=f"127.0.0.1:{port}",
        threads=threads,
        ident=None,
        max_request_body_size=64 << 30,
        channel_timeout=600,
        connection_limit=400,
        clear_untrusted_proxy_headers=False,
    )


def _barbican() -> Any:
    # barbican.wsgi.api reads /etc/barbican whatever it is told: load the application ourselves.
    from barbican.common import config
    from paste import deploy

    config.parse_args(config.CONF, args=sys.argv[1:])
    paste = Path(sys.prefix) / "etc" / "barbican" / "barbican-api-paste.ini"
    return deploy.loadapp(f"config:{paste}")


def main() -> None:
    spare_garbage_collection()
    name = sys.argv[1]
    if name.startswith("api:"):
        _api, service, port, threads = name.split(":")
        serve(service, int(port), int(threads))
        return
    program = Path(sys.prefix) / "bin" / name
    sys.argv = [str(program), *sys.argv[2:]]
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    main()
