"""A gRPC call without gRPC: the context that a servicer gets when it is called in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import grpc


class Aborted(Exception):  # noqa: N818 - how a servicer leaves a call, as in gRPC itself
    pass


class CallContext(grpc.ServicerContext):  # type: ignore[misc]
    """What a servicer sees of a call: a status to set, and nothing of a network."""

    def __init__(self, metadata: Mapping[str, str] | None = None) -> None:
        self._metadata = tuple((metadata or {}).items())
        self.status: Any = None
        self.message = ""
        self.trailing: Sequence[tuple[str, Any]] = ()

    def abort(self, code: Any, details: str) -> NoReturn:
        self.status, self.message = code, details
        raise Aborted

    def abort_with_status(self, status: Any) -> NoReturn:
        self.trailing = status.trailing_metadata or ()
        self.abort(status.code, status.details)

    def set_code(self, code: Any) -> None:
        self.status = code

    def set_details(self, details: str) -> None:
        self.message = details

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self.trailing = trailing_metadata

    def code(self) -> Any:
        return self.status

    def details(self) -> str:
        return self.message

    def trailing_metadata(self) -> Any:
        return self.trailing

    def is_active(self) -> bool:
        return True

    def time_remaining(self) -> None:
        return None

    def cancel(self) -> bool:
        return False

    def add_callback(self, callback: Any) -> bool:  # noqa: ARG002 - gRPC's signature
        return False

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def peer(self) -> str:
        return "in-process"

    def peer_identities(self) -> None:
        return None

    def peer_identity_key(self) -> None:
        return None

    def auth_context(self) -> dict[str, Any]:
        return {}

    def send_initial_metadata(self, initial_metadata: Any) -> None:
        """Nothing reads initial metadata in one process."""

    def set_compression(self, compression: Any) -> None:
        """Nothing is compressed in one process."""

    def disable_next_message_compression(self) -> None:
        """Nothing is compressed in one process."""
