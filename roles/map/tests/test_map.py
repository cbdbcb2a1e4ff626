"""Proofs of a map server from inside: what runs, what listens, and that maps come from the data.

Run by `kraj verify` and by tests of the role, with testinfra's fixture `host`.
"""

from __future__ import annotations

import json
import shlex
import struct
import zlib
from typing import Any
from urllib.parse import urlencode

import pytest

SAMPLE = ("areas", "districts", "municipalities")
#: The region in web Mercator.
BOX = "1590000,6520000,1750000,6640000"


def get(host: Any, path: str, **query: str) -> bytes:
    """What the server answers to a browser at its own address; fails unless it is 200."""
    address = f"https://localhost{path}" + (f"?{urlencode(query)}" if query else "")
    program = (
        "import ssl, sys, urllib.request as r;"
        "s = dict(l.strip().split('=', 1) for l in open('/etc/map/map.conf') if '=' in l);"
        "c = ssl._create_unverified_context();"
        f"q = r.Request({address!r}, headers={{'Host': s['MAP_HOST']}});"
        "sys.stdout.write(r.urlopen(q, context=c, timeout=60).read().hex())"
    )
    done = host.run(f"python3 -c {shlex.quote(program)}")
    assert done.rc == 0, f"{path}: {done.stderr.strip().splitlines()[-1]}"
    return bytes.fromhex(done.stdout)


def colours(picture: bytes) -> int:
    """How many different pixels a PNG has (8 bits per channel, not interlaced)."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, place = b"", 8
    width = height = depth = kind = 0
    while place < len(picture):
        size, name = struct.unpack_from("!I4s", picture, place)
        data = picture[place + 8 : place + 8 + size]
        if name == b"IHDR":
            width, height, depth, kind = struct.unpack_from("!IIBB", data)
        elif name == b"IDAT":
            chunks += data
        place += size + 12
    assert depth == 8
    step = {2: 3, 3: 1, 6: 4}[kind]
    raw, previous, found = zlib.decompress(chunks), bytearray(width * step), set()
    for row in range(height):
        start = row * (width * step + 1)
        line = bytearray(raw[start + 1 : start + 1 + width * step])
        unfilter(raw[start], line, previous, step)
        found.update(bytes(line[i : i + step]) for i in range(0, len(line), step))
        previous = line
    return len(found)


def unfilter(how: int, line: bytearray, above: bytearray, step: int) -> None:
    """Undo a row filter of PNG (ISO/IEC 15948, clause 9)."""
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = left + above[i] - corner
        paeth = min((left, above[i], corner), key=lambda value: abs(guess - value))
        line[i] = (line[i] + (0, left, above[i], (left + above[i]) // 2, paeth)[how]) & 255


@pytest.mark.parametrize(
    "unit", ["map-qgis.socket", "map-qgis@1.service", "map-health.socket", "nginx.service"]
)
def test_a_unit_runs_and_starts_with_the_host(host, unit):
    assert host.service(unit).is_running
    assert host.service(unit).is_enabled


def test_qgis_server_has_no_rights_and_no_login(host):
    assert host.user("map-server").shell == "/usr/sbin/nologin"
    assert "NoNewPrivileges=yes" in host.check_output(
        "systemctl show map-qgis@1.service -p NoNewPrivileges"
    )


def test_only_ssh_and_the_web_listen_for_others(host):
    listening = host.check_output("ss --no-header --listening --tcp --numeric").splitlines()
    places = [line.split()[3].rpartition(":") for line in listening]
    loopback = ("127.", "[::1]")
    assert {int(port) for address, _, port in places if not address.startswith(loopback)} <= {
        22, 80, 443,
    }  # fmt: skip
    assert 443 in {int(port) for _, _, port in places}


def test_the_password_is_for_qgis_server_alone(host):
    file = host.file("/etc/postgresql-common/pg_service.conf")
    assert (file.user, file.group, file.mode) == ("root", "map-server", 0o640)
    assert "password" not in host.check_output("cat /var/lib/map/project/map.qgs")


def test_the_reading_role_cannot_write(host):
    done = host.run("PGOPTIONS= psql service=map --command 'DELETE FROM map.municipalities'")
    assert done.rc != 0
    assert "permission denied" in done.stderr


def test_the_health_path_says_ok(host):
    assert get(host, "/healthz") == b"ok\n"


def test_the_page_and_its_library_are_there_and_ask_nobody_else(host):
    page = get(host, "/").decode()
    assert "openlayers/dist/ol.js" in page
    assert "://" not in page
    assert b"OpenLayers" in get(host, "/openlayers/LICENSE.md")
    assert len(get(host, "/openlayers/dist/ol.js")) > 500_000
    assert {layer["name"] for layer in json.loads(get(host, "/config.json"))["layers"]}


def test_wms_names_its_layers_and_coordinate_systems(host):
    told = get(host, "/ows", SERVICE="WMS", VERSION="1.3.0", REQUEST="GetCapabilities").decode()
    config = json.loads(get(host, "/config.json"))
    for layer in config["layers"]:
        assert f"<Name>{layer['name']}</Name>" in told
    assert "<CRS>EPSG:5514</CRS>" in told
    assert next(iter(config["title"].values())) in told


def test_wms_draws_a_map_of_the_sample(host):
    picture = get(
        host, "/ows", SERVICE="WMS", VERSION="1.3.0", REQUEST="GetMap", LAYERS=",".join(SAMPLE),
        STYLES="", CRS="EPSG:3857", BBOX=BOX, WIDTH="400", HEIGHT="300", FORMAT="image/png",
    )  # fmt: skip
    assert colours(picture) > 10


def test_wms_draws_nothing_where_there_is_nothing(host):
    picture = get(
        host, "/ows", SERVICE="WMS", VERSION="1.3.0", REQUEST="GetMap", LAYERS="areas", STYLES="",
        CRS="EPSG:3857", BBOX="0,0,1000,1000", WIDTH="100", HEIGHT="100", FORMAT="image/png",
    )  # fmt: skip
    assert colours(picture) == 1


def test_wfs_gives_features(host):
    told = get(
        host, "/ows", SERVICE="WFS", VERSION="1.1.0", REQUEST="GetFeature",
        TYPENAME="municipalities", OUTPUTFORMAT="GeoJSON",
    )  # fmt: skip
    names = {feature["properties"]["name"] for feature in json.loads(told)["features"]}
    assert {"Liberec", "Jablonec nad Nisou", "Železný Brod"} <= names


def test_ogc_api_features_has_the_collections_and_finds_by_place(host):
    told = json.loads(get(host, "/wfs3/collections.json"))
    assert {each["id"] for each in told["collections"]} >= set(SAMPLE)
    items = get(host, "/wfs3/collections/municipalities/items.json", bbox="15.24,50.63,15.27,50.66")
    assert "Železný Brod" in {f["properties"]["name"] for f in json.loads(items)["features"]}


def test_no_other_project_can_be_asked_for(host):
    told = get(host, "/ows", MAP="/etc/passwd", SERVICE="WMS", REQUEST="GetCapabilities")
    assert b"<Name>map</Name>" in told
