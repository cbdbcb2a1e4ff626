"""A map server from nothing: applied, proved, restored after a loss, honest when it is broken."""

from __future__ import annotations

import json
import secrets
import shlex

import pytest

from tests.roles.hosts import Host

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
]

PLAN = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": "park"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[15.2, 50.6], [15.3, 50.6], [15.3, 50.7], [15.2, 50.6]]],
            },
        }
    ],
}
PLAN_LAYER = {
    "name": "plan",
    "title": {"cs": "Plán", "en": "Plan"},
    "geometry": "Polygon",
    "symbol": {"fill": "#ff0000", "outline": "#000000"},
}


@pytest.fixture
def variables(tmp_path):
    """What a municipality sets; the region's authority lies in the test's folder."""
    return {
        "map__database_password": secrets.token_urlsafe(24),
        "map__title": {"cs": "Mapy města Železný Brod", "en": "Maps of Železný Brod"},
        "certificates__state_directory": str(tmp_path / "state"),
    }


def query(host: Host, statement: str) -> str:
    """What the database says to a statement of SQL."""
    program = "runuser -u postgres -- psql --tuples-only --no-align map --command"
    return host.run(f"{program} {shlex.quote(statement)}")


def test_a_map_server_serves_restores_and_says_when_it_cannot(role_host, variables, tmp_path):
    host = role_host("map", memory_mib=2048)
    variables["map__addresses"] = [host.address]

    host.apply("map", variables, check=True)
    assert not host.testinfra.file("/etc/map").exists

    assert host.apply("map", variables).changed > 20
    again = host.apply("map", variables)
    assert again.changed == 0, again.tasks_changed
    assert host.apply("map", variables, check=True).changed == 0
    host.prove("map")

    # What is lost comes back, and the server says meanwhile that it does not serve.
    host.run("map-backup /root/backup.tar.gz")
    archive = host.run("zcat /root/backup.tar.gz | tr --delete '\\0'")
    assert "Jablonec" in archive
    assert variables["map__database_password"] not in archive
    query(host, "DELETE FROM map.areas")
    assert host.testinfra.run("map-health --check").rc == 1
    host.run("rm /var/lib/map/project/map.qgs && map-restore /root/backup.tar.gz")
    assert query(host, "SELECT count(*) FROM map.areas") == "215"

    host.run("systemctl stop postgresql")
    assert host.testinfra.run("map-health --check").stdout.strip() != "ok"
    host.run("systemctl start postgresql")

    # A file of the municipality becomes a layer, once.
    path = tmp_path / "plan.geojson"
    path.write_text(json.dumps(PLAN))
    variables["map__files"] = [{"layer": "plan", "path": str(path)}]
    variables["map__layers"] = "{{ map__sample_layers + [map__plan] }}"
    variables["map__plan"] = PLAN_LAYER
    assert "Load the municipality's files" in host.apply("map", variables).tasks_changed
    assert host.apply("map", variables).changed == 0

    host.reboot()
    host.prove("map")
    assert host.run("map-health --check") == "ok"
    assert host.run("systemctl --failed --no-legend --plain") == ""
