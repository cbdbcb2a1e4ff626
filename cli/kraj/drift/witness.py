"""Asks the cloud who changed a server, and when. Other services keep no such record for users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: From this version on Nova tells of the actions on servers that are gone (API history, 2.21).
_ACTIONS_OF_DELETED = "2.21"


@dataclass(frozen=True, slots=True)
class Witness:
    """The last thing that was done to an object; each part is empty where the cloud is silent."""

    action: str = ""  #: in Nova's words: `delete`, `resize`, `stop`
    at: str = ""  #: ISO 8601, UTC
    user: str = ""  #: name, or id of a user that is gone


class Witnesses:
    """Answers for one run; a user's name is asked for once."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._names: dict[str, str] = {}

    def last_action_on_server(self, server_id: str) -> Witness:
        """The newest entry of the server's log of actions."""
        answer = self._connection.compute.get(
            f"/servers/{server_id}/os-instance-actions", microversion=_ACTIONS_OF_DELETED
        )
        actions = answer.json().get("instanceActions") if answer.ok else None
        if not actions:
            return Witness()
        newest = max(actions, key=lambda action: str(action["start_time"]))
        at = str(newest["start_time"]).partition(".")[0].removesuffix("Z")
        return Witness(newest["action"], f"{at}Z", self._name(newest.get("user_id")))

    def _name(self, user_id: str | None) -> str:
        if not user_id:
            return ""
        if user_id not in self._names:
            user = self._connection.identity.find_user(user_id)
            self._names[user_id] = user.name if user else user_id
        return self._names[user_id]
