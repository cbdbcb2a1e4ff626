"""Settings of Pulumi's own engine in a stack's configuration: heeded, or refused by name."""

from __future__ import annotations

import pytest

from kraj.errors import KrajError

from .conftest import Lab, operations

DISABLED = "pulumi:disable-default-providers"


def config(lab: Lab, **settings: str) -> dict[str, str]:
    return {"file:folder": str(lab.folder), **settings}


@pytest.mark.parametrize("packages", ['["file"]', '["*"]'])
def test_a_default_provider_can_be_disabled(lab: Lab, packages: str) -> None:
    settings = config(lab, **{DISABLED: packages})
    with pytest.raises(KrajError, match="disables the default provider of 'file'") as caught:
        lab.up('Note("a")', config=settings)
    assert caught.value.code.code == "KRJ304"
    assert lab.notes() == {}


def test_with_an_explicit_provider_none_is_missed(lab: Lab) -> None:
    program = """
    files = Files("files", folder=pulumi.Config("file").require("folder"))
    Note("a", opts=ResourceOptions(provider=files))
    """
    settings = config(lab, **{DISABLED: '["file"]'})
    result = lab.up(program, config=settings)
    assert operations(result) == {"files": "create", "a": "create"}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("pulumi:autonaming", '{"mode":"verbatim"}', "`pulumi:autonaming`"),
        (DISABLED, "file", "no JSON list"),
        (DISABLED, "3", "no JSON list"),
    ],
)
def test_what_the_engine_does_not_know_is_refused_by_name(
    lab: Lab, key: str, value: str, words: str
) -> None:
    with pytest.raises(KrajError, match=words):
        lab.up('Note("a")', config=config(lab, **{key: value}))
    assert lab.notes() == {}
