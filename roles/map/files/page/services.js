// Questions to the server: legend (WMS) and features (OGC API Features).

const WMS = '/ows';
const FEATURES = '/wfs3/collections';

async function json(address) {
  const answer = await fetch(address, {headers: {Accept: 'application/json, application/geo+json'}});
  if (!answer.ok) {
    throw new Error(`${address}: ${answer.status}`);
  }
  return answer.json();
}

// The source of the map's picture: one picture for all layers, so that no label is cut at an edge.
export function picture(names) {
  return new ol.source.ImageWMS({
    url: WMS,
    params: {LAYERS: names.join(','), VERSION: '1.3.0', FORMAT: 'image/png'},
    ratio: 1.2,
    serverType: 'qgis',
  });
}

// Addresses of a layer's symbols, in the order of its classes.
export async function symbols(name) {
  const query = new URLSearchParams({
    SERVICE: 'WMS', VERSION: '1.3.0', REQUEST: 'GetLegendGraphic', LAYER: name, FORMAT: 'application/json',
    DPI: '120',
  });
  const [node] = (await json(`${WMS}?${query}`)).nodes;
  return (node.symbols ?? [node]).map((symbol) => `data:image/png;base64,${symbol.icon}`);
}

// Features of a layer that reach into a box of longitudes and latitudes. The server compares the boxes
// around features, which is not enough for neighbouring areas.
export async function within(name, box) {
  const query = new URLSearchParams({bbox: box.join(','), limit: '50'});
  const {features} = await json(`${FEATURES}/${name}/items.json?${query}`);
  const reader = new ol.format.GeoJSON();
  return features.filter(({geometry}) => geometry && reader.readGeometry(geometry).intersectsExtent(box));
}

// All features of a layer that has not very many.
export async function all(name) {
  return (await json(`${FEATURES}/${name}/items.json?limit=5000`)).features;
}

// What other systems are told.
export function addresses() {
  return [
    ['WMS 1.3.0', new URL(`${WMS}?SERVICE=WMS&REQUEST=GetCapabilities`, location.href)],
    ['WFS 1.1.0', new URL(`${WMS}?SERVICE=WFS&REQUEST=GetCapabilities`, location.href)],
    ['OGC API – Features', new URL('/wfs3/', location.href)],
  ];
}
