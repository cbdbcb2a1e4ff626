"""Where a region's stacks keep their states, as `region.yaml` says it: a URL without secrets.

What the URL means is known to `kraj.engine.local.buckets.places`; nothing is opened here.
"""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, model_validator

from kraj.model.base import Faults, Part, shaped
from kraj.model.errors import SECRET_IN_FILE, WRONG_VALUE

BACKUPS: Final = 20  #: copies of each state, where the region says nothing else
_SECRET_PARAMETERS = frozenset({"password", "sslpassword"})

StateUrl = Annotated[
    str,
    shaped(
        r"^(file|s3|postgres)://[^\s]*$",
        "a URL that begins with file://, s3:// or postgres://",
        max_length=1000,
    ),
]


class StatePlace(Part):
    """Where states are kept, instead of in files on this machine, and how many copies of each."""

    url: StateUrl | None = Field(
        default=None,
        description=(
            "file:///folder, s3://bucket/prefix?region=…&endpoint=… or "
            "postgres://user@host/database, as Pulumi's command line takes it; never with a "
            "password. KRAJ_STATE_URL in the environment takes its place."
        ),
        examples=["s3://kraj-states?region=eu-central-1", "postgres://kraj@db.example/states"],
    )

    backups: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        default=BACKUPS,
        description="Copies of each state, from before its last changes, that are kept.",
    )

    @model_validator(mode="after")
    def _has_no_secret(self) -> StatePlace:
        if self.url is None:
            return self
        faults = Faults()
        try:
            parts = urlsplit(self.url)
            secret = parts.password is not None or any(
                name in _SECRET_PARAMETERS for name, _value in parse_qsl(parts.query)
            )
        except ValueError as error:
            faults.add(f"this is no URL: {error}", "url", code=WRONG_VALUE)
        else:
            if secret:
                faults.add("the URL has a password in it", "url", code=SECRET_IN_FILE)
        faults.raise_any("state")
        return self
