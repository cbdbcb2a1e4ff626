-- The sample layers: run by map-load with psql, in one transaction, as the owner of the schema.
-- Areas are what lies nearer to a municipality's point than to any other's, not official boundaries.

DROP TABLE IF EXISTS map.districts, map.areas, map.municipalities;

CREATE TEMPORARY TABLE given (
  lau text, name text, district text, kind text, population integer,
  longitude double precision, latitude double precision
) ON COMMIT DROP;

\copy given FROM 'municipalities.csv' WITH (FORMAT csv, HEADER true)

CREATE TABLE map.municipalities (
  id integer PRIMARY KEY,
  lau text NOT NULL UNIQUE,
  name text NOT NULL,
  district text NOT NULL,
  kind text NOT NULL,
  population integer NOT NULL,
  geom geometry(Point, 4326) NOT NULL
);

INSERT INTO map.municipalities
SELECT lau::integer, lau, name, district, kind, population,
       ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)
FROM given;

CREATE TABLE map.areas (
  id integer PRIMARY KEY REFERENCES map.municipalities,
  name text NOT NULL,
  district text NOT NULL,
  population integer NOT NULL,
  size text NOT NULL,
  geom geometry(MultiPolygon, 4326) NOT NULL
);

-- In ETRS89 / UTM zone 33N, where a metre is a metre in all directions.
WITH points AS (
  SELECT *, ST_Transform(geom, 25833) AS point FROM map.municipalities
), outline AS (
  SELECT ST_Buffer(ST_ConcaveHull(ST_Collect(point), 0.25), 2500) AS shape FROM points
), cells AS (
  SELECT (ST_Dump(ST_VoronoiPolygons(ST_Collect(point), 0, (SELECT shape FROM outline)))).geom AS cell
  FROM points
)
INSERT INTO map.areas
SELECT id, name, district, population,
       CASE WHEN population < 500 THEN 'village'
            WHEN population < 2000 THEN 'small'
            WHEN population < 10000 THEN 'middle'
            ELSE 'town' END,
       ST_Transform(ST_Multi(ST_CollectionExtract(ST_Intersection(cell, shape), 3)), 4326)
FROM points JOIN cells ON ST_Contains(cell, point) CROSS JOIN outline;

CREATE TABLE map.districts (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  code text NOT NULL UNIQUE,
  name text NOT NULL,
  population integer NOT NULL,
  geom geometry(MultiPolygon, 4326) NOT NULL
);

INSERT INTO map.districts (code, name, population, geom)
SELECT district, seat.name, sum(areas.population), ST_Multi(ST_Union(areas.geom))
FROM map.areas JOIN (VALUES
  ('CZ0511', 'Česká Lípa'), ('CZ0512', 'Jablonec nad Nisou'), ('CZ0513', 'Liberec'), ('CZ0514', 'Semily')
) AS seat (code, name) ON seat.code = areas.district
GROUP BY district, seat.name
ORDER BY district;

CREATE INDEX ON map.municipalities USING gist (geom);
CREATE INDEX ON map.areas USING gist (geom);
CREATE INDEX ON map.districts USING gist (geom);
