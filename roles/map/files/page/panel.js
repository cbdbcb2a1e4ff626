// The panel beside the map: language, layers with their legend, search, details.

import {local, text} from './texts.js';

const byId = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Writes the page's own texts.
export function write(config, language) {
  document.documentElement.lang = language;
  document.title = local(config.title, language);
  byId('title').textContent = document.title;
  byId('map').setAttribute('aria-label', text(language, 'map'));
  for (const place of document.querySelectorAll('[data-text]')) {
    place.textContent = text(language, place.dataset.text);
  }
  for (const place of document.querySelectorAll('[data-label]')) {
    place.setAttribute('aria-label', text(language, place.dataset.label));
  }
}

export function showLanguages(offered, language, choose) {
  const list = byId('languages');
  list.setAttribute('aria-label', text(language, 'languages'));
  list.replaceChildren(...offered.map((code) => {
    const button = element('button', {type: 'button', lang: code, textContent: text(code, 'language')});
    button.setAttribute('aria-pressed', String(code === language));
    button.addEventListener('click', () => choose(code));
    return button;
  }));
}

function legendOf(layer, icons, language) {
  const titles = layer.classes.length > 0 ? layer.classes : [layer.title];
  return element('ul', {className: 'legend'}, ...titles.map((title, index) => element('li', {},
    element('img', {src: icons[index] ?? '', alt: '', className: 'symbol'}), local(title, language))));
}

// A switch and the legend for each layer, the uppermost first.
export function showLayers(config, language, shown, icons, change) {
  const rows = [...config.layers].reverse().map((layer) => {
    const box = element('input', {type: 'checkbox', checked: shown.has(layer.name)});
    box.addEventListener('change', () => change(layer.name, box.checked));
    const known = icons.get(layer.name) ?? [];
    const single = layer.classes.length === 0 && known.length > 0;
    return element('div', {className: 'layer'},
      element('label', {}, box, local(layer.title, language),
        ...(single ? [element('img', {src: known[0], alt: '', className: 'symbol'})] : [])),
      ...(known.length > 0 && !single ? [legendOf(layer, known, language)] : []));
  });
  const heading = byId('layers').querySelector('legend');
  byId('layers').replaceChildren(heading, ...rows);
}

function describe(feature, layer, language) {
  const number = new Intl.NumberFormat(language);
  const rows = layer.fields.flatMap((field) => {
    const value = feature.properties[field.name];
    if (value === null || value === undefined || value === '') {
      return [];
    }
    const shown = typeof value === 'number' ? number.format(value) : String(value);
    return [element('dt', {textContent: local(field.title, language)}), element('dd', {textContent: shown})];
  });
  return element('article', {}, element('h3', {textContent: local(layer.title, language)}), element('dl', {}, ...rows));
}

// What was found, as pairs of a layer and a feature; or a sentence.
export function showDetails(found, language) {
  byId('details').replaceChildren(...found.map(([layer, feature]) => describe(feature, layer, language)));
}

export function say(language, key) {
  byId('details').replaceChildren(element('p', {textContent: text(language, key)}));
}

export function showServices(addresses) {
  byId('services').replaceChildren(...addresses.flatMap(([name, address]) => [
    element('dt', {textContent: name}),
    element('dd', {}, element('a', {href: address.href, textContent: address.href})),
  ]));
}

// Offers names to search for; `find` gets what was typed.
export function offerSearch(names, find) {
  const unique = [...new Set(names)].sort((one, other) => one.localeCompare(other, 'cs'));
  byId('places').replaceChildren(...unique.map((name) => element('option', {value: name})));
  const form = byId('search');
  form.hidden = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    find(byId('place').value.trim());
  });
}
