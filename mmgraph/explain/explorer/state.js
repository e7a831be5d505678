// What is shown stands in the address, so that it can be sent, and stays on reload.

const DEFAULTS = {
  row: "", q: "", truth: "", decided: "", outcome: "", modality: "", low: "", high: "", sort: "", order: "up",
};
const FILTERS = ["q", "truth", "decided", "outcome", "modality", "low", "high"];
const state = { ...DEFAULTS };
const samples = data.samples.map((sample, number) => ({ ...sample, number, texts: textsOf(sample) }));
const byKey = new Map(samples.map((sample) => [sample.key, sample]));
let chosen = samples; // those that pass the filters, in the order of the table

function textsOf(sample) {
  const texts = sample.inputs.map((input) => input.text).filter((text) => text !== null);
  const columns = sample.views[0].nodes.filter((node) => node[1] === "column").map((node) => node[3]);
  return [...texts, columns.join(", ")].filter((text) => text !== "").join(" · ");
}

const opened = () => byKey.get(state.row);

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of Object.entries(DEFAULTS)) state[name] = given.get(name) ?? value;
}

function address(changes) {
  const wanted = Object.entries({ ...state, ...changes }).filter(([name, value]) => value !== DEFAULTS[name]);
  return "#" + new URLSearchParams(wanted);
}

// Opening a sample is a step that the browser can take back; filters are not.
function change(changes) {
  const isStep = "row" in changes && changes.row !== state.row;
  const to = address(changes);
  Object.assign(state, changes);
  try {
    history[isStep ? "pushState" : "replaceState"](null, "", to);
  } catch {
    // Notebooks show the page in a frame without an address.
  }
  choose();
  render(isStep);
}

function choose() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const [has, modality] = [state.modality[0] === "+", state.modality.slice(1)];
  const low = state.low === "" ? -Infinity : Number(state.low) / 100;
  const high = state.high === "" ? Infinity : Number(state.high) / 100;
  chosen = samples.filter((sample) => {
    const text = [sample.row, said(sample.truth), said(sample.decided), sample.texts].join(" ").toLowerCase();
    return (
      words.every((word) => text.includes(word)) &&
      (state.truth === "" || (sample.truth ?? []).includes(state.truth)) &&
      (state.decided === "" || (sample.decided ?? []).includes(state.decided)) &&
      (state.outcome === "" || sample.right === (state.outcome === "right")) &&
      (state.modality === "" || modalitiesOf(sample).has(modality) === has) &&
      (sample.confidence === null || (sample.confidence >= low && sample.confidence <= high))
    );
  });
  sortSamples();
}

const SORTS = {
  row: (sample) => sample.row,
  truth: (sample) => comparable(sample.truth),
  decided: (sample) => comparable(sample.decided),
  confidence: (sample) => sample.confidence ?? -1,
  right: (sample) => Number(sample.right ?? -1),
  error: (sample) => sample.error ?? -1,
};

const comparable = (names) => (isNumber ? Number(names?.[0] ?? NaN) : said(names));

function sortSamples() {
  const key = SORTS[state.sort];
  if (!key) return;
  const sign = state.order === "down" ? -1 : 1;
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  chosen.sort((one, other) => sign * compare(key(one), key(other)));
}

function modalitiesOf(sample) {
  return new Set(sample.views[0].nodes.filter((node) => node[7]).map((node) => node[0]));
}

// The next sample of those chosen; wherever one is that they lack, the first.
function step(by) {
  if (!chosen.length) return;
  const place = chosen.indexOf(opened());
  const next = place < 0 ? (by > 0 ? 0 : chosen.length - 1) : (place + by + chosen.length) % chosen.length;
  change({ row: chosen[next].key });
}

function render(isStep) {
  const sample = opened();
  at("overview").hidden = sample !== undefined;
  at("opened").hidden = sample === undefined;
  at("back").hidden = sample === undefined || samples.length < 2;
  at("previous").disabled = at("next").disabled = chosen.length < 2;
  const place = chosen.indexOf(sample);
  const of = chosen.length < samples.length ? `${chosen.length} chosen` : samples.length;
  at("count").textContent = sample ? `${place < 0 ? "–" : place + 1} of ${of}` : count(samples.length, "sample");
  if (sample) showSample(sample);
  else showOverview();
  if (isStep) (sample ? at("title") : (linkOf(lastOpened) ?? at("q"))).focus();
  if (isStep && sample) scrollTo(0, 0);
  if (sample) lastOpened = sample;
}

let lastOpened;
