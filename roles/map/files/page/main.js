// The map: one picture of the chosen layers by WMS, details by OGC API Features.

import * as panel from './panel.js';
import * as services from './services.js';
import {firstLanguage, local, text} from './texts.js';

const CLICK_PIXELS = 6;
const CLOSE_ZOOM = 13;

const config = await (await fetch('config.json')).json();
const shown = new Set(config.layers.filter((layer) => layer.visible).map((layer) => layer.name));
const icons = new Map();
let language = firstLanguage(config.languages);
let describe = () => panel.say(language, 'choose');

const source = services.picture([...shown]);
const picture = new ol.layer.Image({source});
const marked = new ol.source.Vector();
const marks = new ol.layer.Vector({
  source: marked,
  style: new ol.style.Style({
    stroke: new ol.style.Stroke({color: '#0b57d0', width: 3}),
    fill: new ol.style.Fill({color: 'rgba(11, 87, 208, 0.08)'}),
    image: new ol.style.Circle({radius: 9, stroke: new ol.style.Stroke({color: '#0b57d0', width: 3})}),
  }),
});
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
const map = new ol.Map({
  target: 'map',
  layers: [picture, marks],
  controls: [],
  view: new ol.View({maxZoom: 19}),
});
map.getView().fit(ol.proj.transformExtent(config.extent, 'EPSG:4326', map.getView().getProjection()), {padding: [16, 16, 40, 16]});

function showControls() {
  map.getControls().clear();
  for (const control of [
    new ol.control.Zoom({zoomInTipLabel: text(language, 'zoomIn'), zoomOutTipLabel: text(language, 'zoomOut')}),
    new ol.control.ScaleLine(),
    new ol.control.Attribution({collapsible: false, tipLabel: text(language, 'sources')}),
  ]) {
    map.addControl(control);
  }
  source.setAttributions(local(config.attribution, language));
}

function showLayers() {
  panel.showLayers(config, language, shown, icons, (name, wanted) => {
    if (wanted) {
      shown.add(name);
    } else {
      shown.delete(name);
    }
    const names = config.layers.map((layer) => layer.name).filter((each) => shown.has(each));
    source.updateParams({LAYERS: names.join(',')});
    picture.setVisible(names.length > 0);
  });
}

function showAll() {
  panel.write(config, language);
  panel.showLanguages(config.languages, language, choose);
  showControls();
  showLayers();
  describe();
}

function choose(code) {
  language = code;
  localStorage.setItem('language', code);
  showAll();
  document.querySelector(`#languages [lang="${code}"]`).focus();
}

function tell(next) {
  describe = next;
  describe();
}

function mark(features) {
  const reader = new ol.format.GeoJSON({featureProjection: map.getView().getProjection()});
  marked.clear();
  marked.addFeatures(features.map((feature) => reader.readFeature(feature)));
}

// What lies at a place of the map, in the layers that are shown, the uppermost first.
async function look(place) {
  const reach = map.getView().getResolution() * CLICK_PIXELS;
  const corners = [place[0] - reach, place[1] - reach, place[0] + reach, place[1] + reach];
  const box = ol.proj.transformExtent(corners, map.getView().getProjection(), 'EPSG:4326');
  const layers = [...config.layers].reverse().filter((layer) => shown.has(layer.name));
  try {
    const answers = await Promise.all(layers.map((layer) => services.within(layer.name, box)));
    const found = layers.flatMap((layer, index) => answers[index].slice(0, 3).map((feature) => [layer, feature]));
    mark(found.slice(0, 1).map(([, feature]) => feature));
    tell(() => (found.length > 0 ? panel.showDetails(found, language) : panel.say(language, 'nothing')));
  } catch {
    tell(() => panel.say(language, 'noService'));
  }
}

async function prepareSearch() {
  const layer = config.layers.find((each) => each.search);
  if (!layer) {
    return;
  }
  const features = await services.all(layer.name);
  const nameOf = (feature) => String(feature.properties[layer.search]);
  panel.offerSearch(features.map(nameOf), (typed) => {
    const same = (name) => name.localeCompare(typed, 'cs', {sensitivity: 'base'}) === 0;
    const found = features.filter((feature) => same(nameOf(feature)));
    mark(found);
    if (found.length === 0) {
      tell(() => panel.say(language, 'notFound'));
      return;
    }
    map.getView().fit(marked.getExtent(), {maxZoom: CLOSE_ZOOM, padding: [60, 60, 60, 60], duration: calm ? 0 : 400});
    tell(() => panel.showDetails(found.map((feature) => [layer, feature]), language));
  });
}

async function prepareLegend() {
  await Promise.all(config.layers.map(async (layer) => icons.set(layer.name, await services.symbols(layer.name))));
  showLayers();
}

map.on('singleclick', (event) => look(event.coordinate));
map.getTargetElement().addEventListener('keydown', (event) => {
  if (event.key === 'Enter') {
    look(map.getView().getCenter());
  }
});
source.on('imageloaderror', () => tell(() => panel.say(language, 'noService')));

showAll();
panel.showServices(services.addresses());
await Promise.all([prepareLegend(), prepareSearch()]).catch(() => tell(() => panel.say(language, 'noService')));
