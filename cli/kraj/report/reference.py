"""Reference pages that are made from the code: `docs/errors.md`.

Written anew with `python -m kraj.report.reference > docs/errors.md`; a test holds the page to it.
"""

from __future__ import annotations

from kraj.errors import ErrorCode
from kraj.operations.codes import all_codes

#: First digit of a code → what it is about.
RANGES = {
    "1": "Files and model",
    "2": "Planning",
    "3": "Engines and state",
    "4": "Cloud (OpenStack API)",
    "5": "Lab",
    "6": "Verification",
    "7": "Command line",
    "8": "Hosts and images",
}


def errors_page() -> str:
    """All error codes with meaning and remedy, as Markdown."""
    parts = [
        "# Errors\n",
        "Made by `python -m kraj.report.reference`. `kraj explain KRJ210` shows one of them.\n",
    ]
    for digit, title in RANGES.items():
        parts.append(f"## KRJ{digit}xx: {title}\n")
        parts += [_entry(code) for code in all_codes() if code.code[3] == digit]
    return "\n".join(parts)


def _entry(code: ErrorCode) -> str:
    return f"### {code.code} {code.title}\n\n{code.meaning}\n\n*What to do:* {code.remedy}\n"


if __name__ == "__main__":
    print(errors_page(), end="")
