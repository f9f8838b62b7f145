// Many small pictures on a few large ones, kept for the components of the page that draw them: sent once, however often those change.

const KEPT = 2; // atlases at a time
globalThis.dhcAtlases ??= {};

async function open(pictures, sheets) {
  const load = async sheet => createImageBitmap(await (await fetch(`data:image/jpeg;base64,${sheet}`)).blob());
  pictures.sheets = await Promise.all(sheets.map(load));
  pictures.ready = true;
  dispatchEvent(new Event('dhc-atlas'));
}

export default function ({ data }) {
  const { name, sheets, ...shape } = data;
  if (globalThis.dhcAtlases[name]) return;
  for (const old of Object.keys(globalThis.dhcAtlases).slice(0, 1 - KEPT || undefined)) {
    if (Object.keys(globalThis.dhcAtlases).length >= KEPT) delete globalThis.dhcAtlases[old];
  }
  globalThis.dhcAtlases[name] = { ...shape, sheets: [], ready: false };
  open(globalThis.dhcAtlases[name], sheets).catch(error => console.warn('atlas:', error));
}
