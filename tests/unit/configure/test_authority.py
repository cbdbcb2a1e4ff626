"""The region's certificate authority: what it signs, when it signs anew, and what it refuses."""

from __future__ import annotations

import datetime
import ipaddress
import json
import multiprocessing
import ssl
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from kraj.configure.authority import Authority, Charter, Wanted
from kraj.configure.provided import check_provided
from kraj.errors import KrajError

START = datetime.datetime(2030, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)
CHARTER = Charter(
    name="liberecky",
    zones=("liberecky.example.",),
    networks=(ipaddress.ip_network("10.64.0.0/12"),),
    days=3650,
)
WANTED = Wanted(
    dns_names=("records.liberec.liberecky.example",),
    addresses=(ipaddress.ip_address("10.64.1.5"),),
    days=30,
    renew_days=10,
)


def request_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """A request that wants more than it is to get: names are the signer's business."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.bank.example")])
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("www.bank.example")]), False)
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )


KEY = ec.generate_private_key(ec.SECP256R1())
REQUEST = request_of(KEY)


class Time:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime.datetime:
        return self.now

    def days_pass(self, days: float) -> None:
        self.now += datetime.timedelta(days=days)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def authority(tmp_path: Path, time: Time) -> Authority:
    return Authority(tmp_path / "authority", lambda: "a passphrase", time)


def verify(certificate: str, chain: str, subject: x509.GeneralName, at: datetime.datetime) -> None:
    """As a browser would: by another implementation of RFC 5280 than the one that signed."""
    assert isinstance(subject, x509.DNSName | x509.IPAddress)
    store = Store([x509.load_pem_x509_certificate(chain.encode())])
    verifier = PolicyBuilder().store(store).time(at).build_server_verifier(subject)
    verifier.verify(x509.load_pem_x509_certificate(certificate.encode()), [])


def test_a_host_gets_a_certificate_for_its_names_and_no_others(
    authority: Authority, time: Time
) -> None:
    issued = authority.issue(CHARTER, REQUEST, b"", WANTED)
    assert issued.reason == "the host has no certificate"
    for name in (
        x509.DNSName("records.liberec.liberecky.example"),
        x509.IPAddress(ipaddress.ip_address("10.64.1.5")),
    ):
        verify(issued.certificate, issued.chain, name, time())
    with pytest.raises(VerificationError):
        verify(issued.certificate, issued.chain, x509.DNSName("www.bank.example"), time())
    with pytest.raises(VerificationError):
        verify(
            issued.certificate,
            issued.chain,
            x509.DNSName("records.liberec.liberecky.example"),
            time() + datetime.timedelta(days=31),
        )


def test_a_good_certificate_is_kept_until_a_third_of_its_life_is_left(
    authority: Authority, time: Time
) -> None:
    first = authority.issue(CHARTER, REQUEST, b"", WANTED)
    time.days_pass(19.9)
    # As Ansible reads it: without the end of the last line.
    kept = authority.issue(CHARTER, REQUEST, first.certificate.strip().encode(), WANTED)
    assert (kept.certificate, kept.reason) == (first.certificate, "")
    time.days_pass(0.2)
    assert authority.foresee(REQUEST, first.certificate.encode(), WANTED) == (
        "the certificate ends on 2030-06-05 07:08 UTC"
    )
    renewed = authority.issue(CHARTER, REQUEST, first.certificate.encode(), WANTED)
    assert renewed.certificate != first.certificate
    assert authority.foresee(REQUEST, renewed.certificate.encode(), WANTED) == ""


def test_what_else_makes_it_sign_anew(authority: Authority, time: Time, tmp_path: Path) -> None:
    own = authority.issue(CHARTER, REQUEST, b"", WANTED).certificate.encode()
    other_key = request_of(ec.generate_private_key(ec.SECP256R1()))
    assert authority.foresee(other_key, own, WANTED) == "the host has another key"
    more = replace(WANTED, dns_names=(*WANTED.dns_names, "map.liberecky.example"))
    assert authority.foresee(REQUEST, own, more) == "the names have changed"
    stranger = Authority(tmp_path / "other", lambda: "a passphrase", time)
    foreign = stranger.issue(CHARTER, REQUEST, b"", WANTED).certificate.encode()
    not_ours = "the host's certificate is not of this authority"
    assert authority.foresee(REQUEST, foreign, WANTED) == not_ours
    assert authority.foresee(REQUEST, b"rubbish", WANTED) == not_ours
    time.days_pass(-1)
    assert "not valid before" in authority.foresee(REQUEST, own, WANTED)


@pytest.mark.parametrize(
    "foreign",
    [
        replace(WANTED, dns_names=("liberecky.example.org",)),
        replace(WANTED, dns_names=("notliberecky.example",)),
        replace(WANTED, addresses=(ipaddress.ip_address("10.80.0.1"),)),
        replace(WANTED, addresses=(ipaddress.ip_address("fd00::1"),)),
    ],
)
def test_names_of_others_are_refused(authority: Authority, foreign: Wanted, tmp_path: Path) -> None:
    with pytest.raises(KrajError, match="KRJ882"):
        authority.issue(CHARTER, REQUEST, b"", foreign)
    assert not (tmp_path / "authority/issued.jsonl").exists()


def test_clients_refuse_what_a_stolen_key_signs_for_others(
    tmp_path: Path, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The constraints hold at the client, where nobody asks this program."""
    authority = Authority(tmp_path, lambda: "a passphrase", time)
    monkeypatch.setattr("kraj.configure.authority.refuse_foreign", lambda *_: None)
    foreign = replace(WANTED, dns_names=("www.bank.example",))
    issued = authority.issue(CHARTER, REQUEST, b"", foreign)
    with pytest.raises(VerificationError):
        verify(issued.certificate, issued.chain, x509.DNSName("www.bank.example"), time())


def test_an_authority_without_networks_speaks_for_no_address(
    authority: Authority, time: Time
) -> None:
    charter = replace(CHARTER, networks=())
    with pytest.raises(KrajError, match=r"may not speak for 10\.64\.1\.5"):
        authority.issue(charter, REQUEST, b"", WANTED)
    issued = authority.issue(charter, REQUEST, b"", replace(WANTED, addresses=()))
    verify(issued.certificate, issued.chain, x509.DNSName(WANTED.dns_names[0]), time())


def test_a_long_name_stands_in_the_alternative_names_alone(
    authority: Authority, time: Time
) -> None:
    name = f"{'a' * 60}.liberec.liberecky.example"
    issued = authority.issue(CHARTER, REQUEST, b"", replace(WANTED, dns_names=(name,)))
    verify(issued.certificate, issued.chain, x509.DNSName(name), time())


def test_requests_without_a_strong_key_of_their_own_are_refused(authority: Authority) -> None:
    weak = request_of(rsa.generate_private_key(65537, 1024))  # noqa: S505 - to be refused
    parsed = x509.load_pem_x509_csr(REQUEST)
    other = x509.load_pem_x509_csr(request_of(ec.generate_private_key(ec.SECP256R1())))
    # The signature of one request under the content of another.
    forged = parsed.public_bytes(Encoding.DER).replace(parsed.signature, other.signature)
    forged_pem = ssl.DER_cert_to_PEM_cert(forged).replace("CERTIFICATE", "CERTIFICATE REQUEST")
    for request in (weak, forged_pem.encode(), b"", b"rubbish"):
        with pytest.raises(KrajError, match="KRJ883"):
            authority.issue(CHARTER, request, b"", WANTED)


def test_the_key_is_encrypted_and_readable_by_its_owner_alone(
    authority: Authority, tmp_path: Path, time: Time
) -> None:
    authority.issue(CHARTER, REQUEST, b"", WANTED)
    folder = tmp_path / "authority"
    key = folder / "authority.key.json"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(json.loads(key.read_text())) == {"salt", "ciphertext"}
    assert "PRIVATE" not in key.read_text()
    with pytest.raises(KrajError, match="KRJ310"):
        Authority(folder, lambda: "another", time).issue(CHARTER, REQUEST, b"", WANTED)


def test_the_key_takes_another_passphrase(authority: Authority, tmp_path: Path, time: Time) -> None:
    assert not authority.reencrypt("new")  # there is none yet
    issued = authority.issue(CHARTER, REQUEST, b"", WANTED)
    assert authority.reencrypt("new")
    assert not authority.reencrypt("new")
    after = Authority(tmp_path / "authority", lambda: "new", time)
    other_key = request_of(ec.generate_private_key(ec.SECP256R1()))
    assert after.issue(CHARTER, other_key, b"", WANTED).chain == issued.chain
    with pytest.raises(KrajError, match="KRJ310"):
        Authority(tmp_path / "authority", lambda: "third", time).reencrypt("fourth")


def test_nothing_outlives_the_authority(authority: Authority, time: Time) -> None:
    authority.issue(CHARTER, REQUEST, b"", WANTED)
    time.days_pass(3650 - 29)
    with pytest.raises(KrajError, match="KRJ881"):
        authority.issue(CHARTER, REQUEST, b"", WANTED)


def test_damaged_files_are_named(authority: Authority, tmp_path: Path, time: Time) -> None:
    authority.issue(CHARTER, REQUEST, b"", WANTED)
    folder = tmp_path / "authority"
    Authority(tmp_path / "b", lambda: "a passphrase", time).issue(CHARTER, REQUEST, b"", WANTED)
    (tmp_path / "b/authority.crt").rename(folder / "authority.crt")
    with pytest.raises(KrajError, match="do not belong together"):
        authority.issue(CHARTER, REQUEST, b"", WANTED)
    (folder / "authority.key.json").write_text("{}")
    with pytest.raises(KrajError, match=r"cannot read .*authority\.key\.json"):
        authority.issue(CHARTER, REQUEST, b"", WANTED)
    (folder / "authority.crt").write_text("rubbish")
    with pytest.raises(KrajError, match=r"cannot read .*authority\.crt"):
        authority.issue(CHARTER, REQUEST, b"", WANTED)


def test_foreseeing_changes_nothing(authority: Authority, tmp_path: Path) -> None:
    assert authority.foresee(REQUEST, b"", WANTED) == "there is no authority yet"
    assert list(tmp_path.iterdir()) == []


def _issue_in_a_process(folder: Path, results: multiprocessing.Queue[str]) -> None:
    own = request_of(ec.generate_private_key(ec.SECP256R1()))
    results.put(Authority(folder, lambda: "p").issue(CHARTER, own, b"", WANTED).chain)


def test_hosts_that_come_first_at_the_same_time_have_one_authority(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[str] = context.Queue()  # type: ignore[assignment]
    processes = [
        context.Process(target=_issue_in_a_process, args=(tmp_path, results)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    chains = {results.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert len(chains) == 1
    lines = (tmp_path / "issued.jsonl").read_text().splitlines()
    assert len({json.loads(line)["serial"] for line in lines}) == 4


# --- the command that the role runs ---------------------------------------------------------------


def run_command(order: dict[str, object]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kraj.configure.authority_command"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=False,
    )


def order(folder: Path) -> dict[str, object]:
    return {
        "state_directory": str(folder),
        "directory": str(folder / "authority"),
        "name": "liberecky",
        "zones": ["liberecky.example"],
        "networks": ["10.64.0.0/12"],
        "authority_days": 3650,
        "dns_names": ["map.liberecky.example"],
        "addresses": [],
        "days": 30,
        "renew_days": 10,
        "request": REQUEST.decode(),
        "present": "",
    }


def test_the_command_signs_with_the_passphrase_of_the_states(tmp_path: Path) -> None:
    assert run_command({**order(tmp_path), "check": True}).returncode == 0
    assert not (tmp_path / "passphrase").exists()
    first = run_command(order(tmp_path))
    assert first.returncode == 0, first.stderr
    document = json.loads(first.stdout)
    again = run_command({**order(tmp_path), "present": document["certificate"]})
    assert json.loads(again.stdout) == {**document, "reason": ""}
    (tmp_path / "passphrase").write_text("another\n")
    assert json.loads(
        run_command({**order(tmp_path), "present": document["certificate"]}).stdout
    ) == {**document, "reason": ""}  # nothing to sign, so the key is not needed
    refused = run_command(order(tmp_path))
    assert refused.returncode == 1
    assert "KRJ310" in refused.stderr
    assert "hint:" in refused.stderr


def test_the_command_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    refused = run_command({**order(tmp_path), "networks": ["10.64.0.0/99"], "colour": "red"})
    assert refused.returncode == 1
    assert "networks" in refused.stderr
    assert "colour" in refused.stderr


# --- certificates of others -----------------------------------------------------------------------


def test_a_provided_certificate_is_checked_before_it_is_used(
    authority: Authority, tmp_path: Path, time: Time
) -> None:
    issued = authority.issue(CHARTER, REQUEST, b"", WANTED)
    certificate, key, chain = (tmp_path / name for name in ("c", "k", "h"))
    certificate.write_text(issued.certificate)
    chain.write_text(issued.chain)
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    check_provided(certificate, key, chain, time())
    with pytest.raises(KrajError, match="not now"):
        check_provided(certificate, key, chain, time() + datetime.timedelta(days=31))
    with pytest.raises(KrajError, match="does not lead to"):
        check_provided(certificate, key, certificate, time())
    certificate.write_text(issued.certificate + issued.certificate)
    with pytest.raises(KrajError, match="wrong order"):
        check_provided(certificate, key, chain, time())
    certificate.write_text(issued.certificate)
    other = ec.generate_private_key(ec.SECP256R1())
    key.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KrajError, match="is not the key of"):
        check_provided(certificate, key, chain, time())
    key.write_text("")
    with pytest.raises(KrajError, match="cannot read the key"):
        check_provided(certificate, key, chain, time())
