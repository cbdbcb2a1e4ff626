"""Keystone sessions, one per process and set of credentials: a token and open connections.

Every stack of a region has a provider of its own, and a preview comes before most updates; with a
shared session they log in once. keystoneauth renews a token that has expired or was revoked.
Sessions of several credentials draw on one pool of connections: what was opened to a service for
one tenant serves the next.
"""

from __future__ import annotations

import hashlib
import json
import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from kraj.openstack.configuration import POOL_SIZE

if TYPE_CHECKING:
    from openstack.config import cloud_region

#: A service that sends nothing for so long is taken for dead, unless clouds.yaml has `api_timeout`.
_ANSWER_SECONDS: Final = 300.0

_REGIONS: Final[dict[str, cloud_region.CloudRegion]] = {}
_ADAPTERS: Final[dict[tuple[str, str], Any]] = {}  #: by scheme and settings of TLS
#: Settings that decide how a connection is secured.
_TLS: Final = ("verify", "cacert", "insecure", "cert", "key", "tls_ciphers", "tls_min_version")
_LOCK: Final = threading.Lock()
_LOG_INS: Final[weakref.WeakKeyDictionary[Any, threading.RLock]] = weakref.WeakKeyDictionary()


def with_shared_session(region: cloud_region.CloudRegion) -> cloud_region.CloudRegion:
    """The region that this process first met with the same settings, credentials among them."""
    settings = json.dumps([region.region_name, region.config], sort_keys=True, default=str)
    key = hashlib.sha256(settings.encode()).hexdigest()
    with _LOCK:
        if key not in _REGIONS:
            session = region.get_session()
            session.timeout = session.timeout or _ANSWER_SECONDS
            _share_pool(session, region.config)
            _REGIONS[key] = region
        return _REGIONS[key]


def log_in_lock(session: Any) -> threading.RLock:
    """Held by whoever gets or drops the session's token: keystoneauth cannot do both at once."""
    with _LOCK:
        return _LOG_INS.setdefault(session, threading.RLock())


def _share_pool(session: Any, config: Mapping[str, Any]) -> None:
    """Give the session the connections of all sessions with the same settings of TLS.

    There are as many as threads of an engine may use at once.
    """
    secured = json.dumps([config.get(name) for name in _TLS], default=str)
    inner = session.session
    for scheme, own in list(inner.adapters.items()):
        if (scheme, secured) not in _ADAPTERS:
            own.init_poolmanager(POOL_SIZE, POOL_SIZE, block=False)
            _ADAPTERS[scheme, secured] = own
        inner.mount(scheme, _ADAPTERS[scheme, secured])
