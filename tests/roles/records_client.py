"""A client of the records service's REST API, as an office's program would be one.

It comes by TLS and checks the certificate, at an address that no name server knows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

PASSWORD = "correct-horse-battery"


class Records:
    """The service of one server."""

    def __init__(self, address: str, name: str, chain: Path) -> None:
        self._name = name
        self._pool = urllib3.HTTPSConnectionPool(
            address, server_hostname=name, assert_hostname=name, ca_certs=str(chain), timeout=60
        )

    def get(self, path: str, **parameters: str) -> Any:
        return self._ask("GET", path, fields=parameters)

    def post(self, path: str, **fields: Any) -> Any:
        return self._ask("POST", path, fields=fields)

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def healthy(self) -> bool:
        """Whether the health page says so."""
        try:
            answer = self._pool.request("GET", "/healthz", headers=self._headers(), retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200

    def _headers(self) -> dict[str, str]:
        login = urllib3.make_headers(basic_auth=f"admin:{PASSWORD}")
        return {"Host": self._name, **login}

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self._pool.request(
            method, f"/api/v4/{path}", headers=self._headers(), retries=False, **more
        )
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.data[:2000]!r}"
        return json.loads(answer.data) if answer.data else None

    def results(self, path: str, **parameters: str) -> list[Any]:
        """All objects of a list."""
        return list(self.get(path, page_size="100", **parameters)["results"])

    def file(self, document_type: str, name: str, content: bytes) -> int:
        """File a document; its number for the API."""
        types = {item["label"]: item["id"] for item in self.results("document_types/")}
        filed = self.post(
            "documents/upload/",
            document_type_id=str(types[document_type]),
            label=name,
            file=(name, content),
        )
        return int(filed["id"])

    def found(self, words: str) -> set[int]:
        """The documents that a search for the words gives."""
        found = self.results("search/documents.documentsearchresult/", q=words)
        return {int(item["id"]) for item in found}

    def metadata(self, document: int) -> dict[str, str]:
        """What the service wrote on a document."""
        items = self.results(f"documents/{document}/metadata/")
        return {item["metadata_type"]["name"]: item["value"] or "" for item in items}


def waited(condition: Callable[[], Any], seconds: float, what: str) -> float:
    """Wait until it holds; the seconds that it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + seconds, f"not within {seconds:.0f} seconds: {what}"
        time.sleep(1)
    return time.monotonic() - start


def pdf(text: str) -> bytes:
    """A document of one page with a line of text, as a word processor would make it."""
    stream = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode("latin-1")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    written, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    written += b"xref\n0 %d\n0000000000 65535 f \n%strailer\n" % (size, table) + (
        b"<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(written))
    )
    return bytes(written)
