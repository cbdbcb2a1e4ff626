// What the page itself says. Titles of the map and its layers come from config.json.

const TEXTS = {
  cs: {
    language: 'Čeština',
    languages: 'Jazyk stránky',
    skip: 'Přejít na vrstvy a vyhledávání',
    map: 'Mapa',
    panel: 'Vrstvy a vyhledávání',
    search: 'Najít místo',
    show: 'Ukázat',
    notFound: 'Takové místo na mapě není.',
    details: 'Podrobnosti',
    choose: 'Klikněte do mapy, nebo vyhledejte místo.',
    nothing: 'Na tomto místě nic není.',
    layers: 'Vrstvy',
    legend: 'Legenda',
    services: 'Služby pro další systémy',
    servicesHelp: 'Stejné vrstvy v programech GIS:',
    keys: 'Klávesy v mapě: šipky posunují, + a − mění měřítko, Enter ukáže podrobnosti uprostřed.',
    zoomIn: 'Přiblížit',
    zoomOut: 'Oddálit',
    sources: 'Zdroje dat',
    noService: 'Mapový server neodpovídá. Zkuste to prosím za chvíli.',
  },
  en: {
    language: 'English',
    languages: 'Language of the page',
    skip: 'Go to layers and search',
    map: 'Map',
    panel: 'Layers and search',
    search: 'Find a place',
    show: 'Show',
    notFound: 'There is no such place on the map.',
    details: 'Details',
    choose: 'Click into the map, or find a place.',
    nothing: 'There is nothing at this place.',
    layers: 'Layers',
    legend: 'Legend',
    services: 'Services for other systems',
    servicesHelp: 'The same layers in GIS programs:',
    keys: 'Keys in the map: arrows move it, + and − zoom, Enter shows the details in the middle.',
    zoomIn: 'Zoom in',
    zoomOut: 'Zoom out',
    sources: 'Sources of the data',
    noService: 'The map server does not answer. Please try again in a while.',
  },
};

// The language to begin with: of the address, of the last visit, of the browser, else the first.
export function firstLanguage(offered) {
  const wanted = [
    new URLSearchParams(location.search).get('lang'),
    localStorage.getItem('language'),
    ...navigator.languages.map((code) => code.slice(0, 2)),
  ];
  return wanted.find((code) => offered.includes(code)) ?? offered[0];
}

// The page's own text; English where it has none in the language.
export function text(language, key) {
  return (TEXTS[language] ?? TEXTS.en)[key];
}

// A text of config.json, which is given per language.
export function local(texts, language) {
  return texts[language] ?? Object.values(texts)[0];
}
