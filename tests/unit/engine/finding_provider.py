"""The file provider, able to look for what an interrupted creation has left behind.

A note of which the file says `kind: broken` is one that can never be used.
"""

from __future__ import annotations

from typing import Any

try:
    from .file_provider import FileProvider, plain
except ImportError:
    from file_provider import FileProvider, plain
from pulumi.runtime.proto import provider_pb2


class FindingProvider(FileProvider):
    """Finds notes by name and text, and has the broken ones replaced.

    Which mark a creation was to leave, and which one was looked for, is kept in files beside.
    """

    def Create(self, request: Any, context: Any) -> Any:
        if not request.preview:
            mark = dict(context.invocation_metadata())["kraj-mark"]
            (self._folder / f"{request.name}.mark").write_text(mark)
        return super().Create(request, context)

    def find_existing(self, request: Any, _context: Any) -> list[provider_pb2.ReadResponse]:
        name, inputs = request.urn.rpartition("::")[2], plain(request.inputs)
        (self._folder / f"{name}.sought").write_text(getattr(request, "mark", ""))
        found = []
        for identifier, note in self.notes().items():
            own = identifier.rsplit("-", 1)[0] == name and note.get("text") == inputs.get("text")
            if own and identifier not in request.known:
                outputs = self._outputs(identifier, request.inputs)
                outputs["broken"] = note.get("kind") == "broken"
                found.append(provider_pb2.ReadResponse(id=identifier, properties=outputs))
        return found

    def Diff(self, request: Any, context: Any) -> Any:
        answer = super().Diff(request, context)
        if plain(request.olds).get("broken"):
            answer.changes = provider_pb2.DiffResponse.DIFF_SOME
            answer.replaces.append("broken")
        return answer
