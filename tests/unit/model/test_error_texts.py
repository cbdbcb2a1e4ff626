"""The texts of errors as people read them, held to a file that is reviewed with every change."""

from __future__ import annotations

from pathlib import Path

from kraj.errors import declared_codes
from kraj.model import errors
from tests.unit.model.region_folder import Folder

GOLDEN = Path(__file__).with_name("golden_errors.txt")


def test_the_errors_of_a_thoroughly_wrong_region_read_like_the_golden_file(folder: Folder) -> None:
    folder.edit_region("cost_centre:", "cost_center:")
    folder.edit_region("capacity: 16 TB ", "capacity: 16 T ")
    folder.edit_region("country: CZ", "country: Czechia")
    folder.edit_region("ipv4: 198.51.100.0/24", "ipv4: 10.65.0.0/24")
    folder.edit_region("volume_type: bulk", "volume_type: fast")
    folder.edit_region("headroom_percent: 15", "headroom: 15")
    folder.edit_region("public_key_file: operators.pub", "public_key_file: ../operators.pub")
    folder.edit_card("archive", "owner: Odbor informatiky\n", "owner: A\nowner: B\n")
    folder.edit_card("map", "protocol: tcp, port: 443", "protocol: tcp, port: 70000")
    folder.edit_tenant("bedrichov", 'lau: "563536"', "lau: 563536")
    folder.edit_tenant("bedrichov", "storage: 5 GiB", "storage: 5 GiB, pool: bulk")
    folder.edit_tenant("liberec", "service: records", "service: recrods")
    folder.edit_tenant("liberec", "service: map, size: small", "service: xyz")
    broken = folder.region / "tenants" / "jested.yaml"
    broken.write_text("name: Ještěd\nservices: [{service: map}\n", encoding="utf-8")
    found = "\n".join(f"{error}\n  hint: {error.hint}" for error in folder.errors()) + "\n"
    assert found == GOLDEN.read_text(encoding="utf-8")


def test_every_code_of_the_model_is_in_its_range_and_documented() -> None:
    own = [code for code in declared_codes() if code.code.startswith("KRJ1")]
    assert set(own) >= {value for value in vars(errors).values() if value in own}
    assert len(own) >= 17
    for code in own:
        assert code.meaning.endswith(".")
        assert code.remedy.endswith(".")
