// Pointer and keyboard

const numberOf = (event) => {
  const element = event.target.closest?.(".node");
  return element ? Number(element.dataset.node) : null;
};

function point(number) {
  if (number === focus.here) return;
  focus.here = number;
  paint();
}

function hold(number) {
  focus.held = focus.held === number ? null : number;
  paint();
}

function leave() {
  if (focus.held !== null) {
    focus.held = focus.here = null;
    paint();
  } else if (samples.length > 1) change({ row: "" });
}

function changeTheme() {
  dataset.theme = dataset.theme === "dark" ? "light" : "dark";
}

function showOriginal() {
  const isOn = at("inputs").classList.toggle("original");
  at("original").setAttribute("aria-pressed", String(isOn));
}

const KEYS = {
  n: () => step(1),
  p: () => step(-1),
  d: changeTheme,
  o: showOriginal,
  "/": () => (opened() ? change({ row: "" }) : null, at("q").focus()),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  const number = numberOf(event);
  if (key === "Escape" && opened()) leave();
  else if (number !== null && (key === "Enter" || key === " ")) {
    event.preventDefault();
    hold(number);
  } else if (number !== null) {
    move(event, [...target.parentElement.querySelectorAll(".node")], true);
  } else if (target.closest("#confusion")) move(event, [...at("confusion").querySelectorAll("button")]);
  else if (target.closest("#map")) {
    move(event, [...at("map").querySelectorAll("path:not(.out)")]);
    if (key === "Enter") openAt(target);
  }
  const isTyping = target.matches('input, select, audio');
  if (!isTyping && KEYS[key]) {
    event.preventDefault();
    KEYS[key]();
  }
}

function openAt(element) {
  const found = element.closest("[data-sample]");
  if (found) change({ row: samples[Number(found.dataset.sample)].key });
  return found !== null;
}

function listen() {
  const inputs = at("inputs");
  inputs.addEventListener("pointerover", (event) => point(numberOf(event)));
  inputs.addEventListener("pointerleave", () => point(null));
  inputs.addEventListener("focusin", (event) => point(numberOf(event)));
  inputs.addEventListener("focusout", () => point(null));
  inputs.addEventListener("click", (event) => {
    const number = numberOf(event);
    if (number !== null) hold(number);
  });
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (isPlain && openAt(event.target)) event.preventDefault();
  });
  const clicks = { previous: () => step(-1), next: () => step(1), back: () => change({ row: "" }), theme: changeTheme };
  Object.assign(clicks, { original: showOriginal, csv: saveCsv, more: () => drawMore().querySelector("a").focus() });
  for (const [id, action] of Object.entries(clicks)) at(id).addEventListener("click", action);
  at("head").addEventListener("click", ({ target }) => target.dataset.sort && sortBy(target.dataset.sort));
  at("confusion").addEventListener("click", ({ target }) => target.dataset.truth && chooseConfused(target.dataset));
  for (const name of FILTERS) {
    const kind = at(name).tagName === "SELECT" ? "change" : "input";
    at(name).addEventListener(kind, ({ target }) => change({ [name]: target.value }));
  }
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    change(Object.fromEntries(FILTERS.map((name) => [name, ""])));
  });
  at("method").addEventListener("change", ({ target }) => showView(opened(), Number(target.value)));
  for (const id of ["relation", "layer", "head-choice", "direction"]) at(id).addEventListener("change", paint);
  addEventListener("hashchange", () => goTo(true));
  addEventListener("popstate", () => goTo(true));
}

function goTo(isStep) {
  readAddress();
  choose();
  render(isStep);
}

function start() {
  dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const right = samples.filter((sample) => sample.right).length;
  const known = samples.filter((sample) => sample.right !== null).length;
  at("summary").textContent = `Explanations of ${count(samples.length, "sample")}` +
    (known > 1 ? `, ${percent(right / known)} right` : "");
  drawHead();
  fillFilters();
  drawConfusion();
  drawMap();
  listen();
  readAddress();
  if (samples.length === 1) state.row = samples[0].key;
  choose();
  render(false);
}

start();
