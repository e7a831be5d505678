// The confusion matrix, whose numbers show their samples

const MOST_CLASSES = 20; // of more, those of most errors

function confusedClasses() {
  const errors = new Map();
  for (const { truth, decided, right } of samples) {
    if (right === null) continue;
    for (const name of [...truth, ...decided]) errors.set(name, (errors.get(name) ?? 0) + !right);
  }
  const worst = [...errors].sort((a, b) => b[1] - a[1]).slice(0, MOST_CLASSES);
  return worst.map(([name]) => name).sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
}

function drawConfusion() {
  const isExclusive = samples.every(({ truth, decided }) => (truth ?? [0]).length === 1 && decided?.length === 1);
  const names = hasTruth && !isNumber && isExclusive ? confusedClasses() : [];
  at("confusion-section").hidden = names.length < 2;
  if (names.length < 2) return;
  const table = make("table");
  const head = make("tr");
  head.append(make("td"), ...names.map((name) => headOf(name, "col")));
  table.createTHead().append(head);
  const body = table.createTBody();
  for (const truth of names) body.append(drawTruth(truth, names));
  const first = table.querySelector("button");
  if (first) first.tabIndex = 0;
  at("confusion").replaceChildren(table);
}

function headOf(name, scope) {
  const cell = make("th");
  cell.scope = scope;
  cell.title = name;
  cell.append(make("span", "", name));
  return cell;
}

function drawTruth(truth, names) {
  const own = samples.filter((sample) => sample.truth?.[0] === truth);
  const row = make("tr");
  row.append(headOf(truth, "row"));
  for (const decided of names) {
    const number = own.filter((sample) => sample.decided[0] === decided).length;
    const cell = make("td");
    if (number) cell.append(drawNumber(truth, decided, number, own.length));
    row.append(cell);
  }
  return row;
}

function drawNumber(truth, decided, number, all) {
  const button = make("button", "", String(number));
  button.type = "button";
  button.tabIndex = -1;
  Object.assign(button.dataset, { truth, decided });
  button.setAttribute("aria-label", `${number} of ${truth}, predicted as ${decided}`);
  button.style.setProperty("--shade", `var(${truth === decided ? "--attention" : "--for"})`);
  button.style.setProperty("--share", Math.sqrt(number / all).toFixed(3));
  return button;
}

function markConfusion() {
  for (const button of at("confusion").querySelectorAll("button")) {
    const { truth, decided } = button.dataset;
    const isChosen = truth === state.truth && decided === state.decided;
    button.setAttribute("aria-pressed", String(isChosen));
  }
}

function chooseConfused({ truth, decided }) {
  const isChosen = truth === state.truth && decided === state.decided;
  change(isChosen ? { truth: "", decided: "" } : { truth, decided });
}
