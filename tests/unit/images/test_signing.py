"""Signatures of images: made, checked, and refused where anything is not as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.images.signing import Signer, fits, open_signer, signature_properties

CONTENT = b"an image" * 1000


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return open_signer(tmp_path_factory.mktemp("key") / "signing.pem", make=True)


@pytest.fixture
def signed(signer: Signer, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "disk.qcow2").write_bytes(CONTENT)
    return signature_properties(signer.sign(tmp_path / "disk.qcow2"), "an-id")


def test_the_properties_are_those_that_glance_looks_for(signed: dict[str, str]) -> None:
    signature = signed.pop("img_signature")
    assert len(signature) == 512
    assert signed == {
        "img_signature_certificate_uuid": "an-id",
        "img_signature_hash_method": "SHA-256",
        "img_signature_key_type": "RSA-PSS",
    }


def test_what_was_signed_fits_in_whatever_pieces_it_comes(
    signer: Signer, signed: dict[str, str]
) -> None:
    assert fits(signed, signer.certificate, [CONTENT])
    assert fits(signed, signer.certificate, [CONTENT[:7], b"", CONTENT[7:]])


@pytest.mark.parametrize(
    "changed",
    [
        {"img_signature": "AAAA"},
        {"img_signature": "not base64"},
        {"img_signature": ""},
        {"img_signature_hash_method": "SHA-512"},
        {"img_signature_key_type": "DSA"},
    ],
)
def test_a_signature_that_was_changed_does_not_fit(
    signer: Signer, signed: dict[str, str], changed: dict[str, str]
) -> None:
    assert not fits(signed | changed, signer.certificate, [CONTENT])


def test_other_content_and_another_certificate_do_not_fit(
    signer: Signer, signed: dict[str, str], tmp_path: Path
) -> None:
    other = open_signer(tmp_path / "other.pem", make=True)
    assert not fits(signed, signer.certificate, [CONTENT + b"!"])
    assert not fits(signed, other.certificate, [CONTENT])


def test_the_key_is_kept_for_its_owner_alone_and_used_again(tmp_path: Path) -> None:
    path = tmp_path / "images" / "signing.pem"
    made = open_signer(path, "a passphrase", make=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_signer(path, "a passphrase").fingerprint == made.fingerprint
    assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()


def test_openssl_agrees(signer: Signer, signed: dict[str, str], tmp_path: Path) -> None:
    """By the commands of Glance's documentation, with the salt that it asks for."""
    (tmp_path / "certificate.pem").write_bytes(signer.certificate_pem)
    shell = (
        "openssl x509 -in certificate.pem -pubkey -noout > public.pem && "
        "base64 --decode --wrap=0 > signature && "
        "openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max "
        "-verify public.pem -signature signature disk.qcow2"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", shell],
        input=signed["img_signature"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "Verified OK", done.stderr


def test_an_unusable_key_is_an_error_that_says_why(signer: Signer, tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    with pytest.raises(KrajError, match="No such file") as missing:
        open_signer(path)
    assert missing.value.code.code == "KRJ813"
    open_signer(path, "right", make=True)
    with pytest.raises(KrajError, match=r"signing\.pem"):
        open_signer(path, "wrong")
    with pytest.raises(KrajError, match=r"[Pp]assword"):
        open_signer(path)
    whole = open_signer(tmp_path / "plain.pem", make=True)
    plain = (tmp_path / "plain.pem").read_bytes()
    path.write_bytes(plain.replace(whole.certificate_pem, signer.certificate_pem))
    with pytest.raises(KrajError, match="do not belong together"):
        open_signer(path)
    path.write_text("no PEM")
    with pytest.raises(KrajError):
        open_signer(path)
