"""Secrets stay secret: in the state, in results, in events, on the way through a provider."""

from __future__ import annotations

import json

import pytest
from pulumi_crypto import PassphraseCipher

from kraj.engine.base import StackSpec
from kraj.engine.local.values import SECRET_SIGNATURE, SIGNATURE_KEY
from kraj.errors import KrajError
from kraj.events import ignore

from .conftest import PASSPHRASE, Lab, make_engine

PROGRAM = """
config = pulumi.Config()
labels = {"deep": pulumi.Output.secret("below")}
a = Note("a", text=config.require_secret("password"), labels=labels)
b = Note("b", text=a.token, kind="open", opts=ResourceOptions(additional_secret_outputs=["kind"]))
pulumi.export("password", a.text)
pulumi.export("token", b.token)
pulumi.export("open", config.require("greeting"))
"""


def up(lab: Lab) -> str:
    """Apply the program with a secret configuration; all that may be shown, as text."""
    config = {"file:folder": str(lab.folder), "notes:greeting": "good morning"}
    spec = lab.spec(PROGRAM, config=config, secret_config={"notes:password": "hunter2-hunter2"})
    seen = lab.engine.preview(spec, lab.events.append)
    done = lab.engine.up(spec, lab.events.append)
    assert done.outputs["open"] == "good morning"
    return repr((seen, done, [event.as_dict() for event in lab.events]))


def test_secrets_appear_in_no_result_no_event_and_no_state_file(lab: Lab) -> None:
    shown = up(lab)
    files = [path.read_text() for path in (lab.root / "state").rglob("*.json")]
    for text in (shown, *files):
        for hidden in ("hunter2", "below", "token-of-a"):
            assert hidden not in text
    assert "[secret]" in shown
    assert lab.notes()["a"]["text"] == "hunter2-hunter2"
    assert lab.notes()["b"]["text"].startswith("token-of-a")


def test_secrets_in_the_state_are_in_pulumis_own_scheme(lab: Lab) -> None:
    up(lab)
    deployment = lab.engine.export_state(lab.spec())["deployment"]
    provider = deployment["secrets_providers"]
    assert provider["type"] == "passphrase"
    cipher = PassphraseCipher(PASSPHRASE, salt_state=provider["state"]["salt"])
    a, b = lab.state()["a"], lab.state()["b"]
    assert a["inputs"]["text"][SIGNATURE_KEY] == SECRET_SIGNATURE
    assert json.loads(cipher.decrypt(a["inputs"]["text"]["ciphertext"])) == "hunter2-hunter2"
    assert json.loads(cipher.decrypt(a["outputs"]["labels"]["deep"]["ciphertext"])) == "below"
    assert json.loads(cipher.decrypt(b["outputs"]["kind"]["ciphertext"])) == "open"
    assert b["inputs"]["kind"] == "open"


def test_an_up_without_changes_leaves_the_ciphertexts_as_they_are(lab: Lab) -> None:
    up(lab)
    stored = lab.state()
    up(lab)
    assert lab.state() == stored


def test_another_passphrase_is_refused(lab: Lab) -> None:
    up(lab)
    engine = make_engine(lab.root, {"PULUMI_CONFIG_PASSPHRASE": "wrong"})
    with pytest.raises(KrajError) as caught:
        engine.outputs(lab.spec())
    assert caught.value.code.code == "KRJ310"


def salt_of(lab: Lab, spec: StackSpec) -> str:
    deployment = lab.engine.export_state(spec)["deployment"]
    return str(deployment["secrets_providers"]["state"]["salt"]).split(":")[1]


def test_stacks_of_one_state_folder_have_one_salt_and_so_one_key(lab: Lab) -> None:
    specs = [lab.spec('Note("a")', stack=f"test.{number}") for number in ("one", "two")]
    lab.engine.up(specs[0], ignore)
    lab.engine.up(specs[1], ignore)
    assert salt_of(lab, specs[0]) == salt_of(lab, specs[1])
    later = Lab(lab.root, make_engine(lab.root))
    third = later.spec(stack="test.three")
    later.engine.up(third, ignore)
    assert salt_of(later, third) == salt_of(lab, specs[0])


def test_a_damaged_neighbour_does_not_stop_a_new_stack(lab: Lab) -> None:
    lab.up('Note("a")')
    lab.checkpoint.write_text("{")
    other = lab.spec(stack="test.two")
    lab.engine.up(other, ignore)
    assert salt_of(lab, other)
