"""The package `pulumi` that every engine has: references to other stacks of the same state folder.

Only `StackReference`; what else Pulumi's own package offers (Stash) is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from kraj.engine.errors import RESOURCE_MISSING
from kraj.engine.local.goals import unsupported
from kraj.engine.local.values import Properties, has_secret, to_struct
from kraj.errors import KrajError

STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"


class BuiltinProvider(ResourceProviderServicer):
    """Serves `pulumi:pulumi:StackReference`. `outputs_of` gives a stack's outputs, or None."""

    def __init__(self, outputs_of: Callable[[str, str], Properties | None], project: str) -> None:
        self._outputs_of = outputs_of
        self._project = project

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - Pulumi's names
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.CheckResponse(inputs=request.news)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        raise unsupported(f"the resource type {request.type!r}")

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        raise unsupported(f"the function {request.tok!r}")

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        if request.type != STACK_REFERENCE:
            raise unsupported(f"the resource type {request.type!r}")
        project, stack = self._split(request.id)
        outputs = self._outputs_of(project, stack)
        if outputs is None:
            raise KrajError(
                RESOURCE_MISSING,
                f"the stack reference {request.id!r} names a stack that has never been applied",
                hint="Apply that stack first, or correct the name "
                "(`organization/<project>/<stack>`).",
            )
        # An output that holds a secret anywhere is one as a whole: the SDK wraps whole outputs.
        names = sorted(name for name, value in outputs.items() if has_secret(value))
        found: Properties = {
            "name": request.id,
            "outputs": outputs,
            "secretOutputNames": names,
        }
        properties = to_struct(found, keep_secrets=True)
        return provider_pb2.ReadResponse(id=request.id, properties=properties)

    def _split(self, name: str) -> tuple[str, str]:
        parts = name.split("/")
        if len(parts) == 1:
            return self._project, parts[0]
        return parts[-2] if len(parts) == 3 else self._project, parts[-1]
