// The table of samples

const PAGE = 100; // rows that are drawn at once
const hasTruth = samples.some((sample) => sample.truth !== null);
const isNumber = data.samples[0].views[0].task === "regression";
let drawn = 0;

const COLUMNS = [
  ["", "", true],
  ["row", "row", true],
  ["", "input", true],
  ["truth", "truth", hasTruth],
  ["decided", "predicted", samples.some((sample) => sample.decided !== null)],
  ["confidence", "confidence", !isNumber],
  ["right", "result", hasTruth && !isNumber],
  ["error", "error", hasTruth && isNumber],
].filter(([, , isShown]) => isShown);

function drawHead() {
  const cells = COLUMNS.map(([key, name]) => {
    const cell = make(name ? "th" : "td", name === "input" ? "text" : "");
    if (name) cell.scope = "col";
    if (!key) cell.textContent = name;
    else {
      const button = make("button");
      button.type = "button";
      button.dataset.sort = key;
      button.dataset.name = name;
      cell.append(button);
    }
    return cell;
  });
  at("head").replaceChildren(...cells);
}

function markSorted() {
  for (const button of at("head").querySelectorAll("button")) {
    const isSorted = button.dataset.sort === state.sort;
    const arrow = isSorted ? (state.order === "down" ? " ↓" : " ↑") : "";
    button.textContent = button.dataset.name + arrow;
    const order = state.order === "down" ? "descending" : "ascending";
    button.parentElement.setAttribute("aria-sort", isSorted ? order : "none");
  }
}

// Numbers begin with the largest, names with the first.
function sortBy(key) {
  const first = ["confidence", "error"].includes(key) ? "down" : "up";
  const other = first === "down" ? "up" : "down";
  if (state.sort !== key) change({ sort: key, order: first });
  else if (state.order === first) change({ order: other });
  else change({ sort: "", order: "up" });
}

function showOverview() {
  for (const name of FILTERS) if (at(name).value !== state[name]) at(name).value = state[name];
  const right = chosen.filter((sample) => sample.right).length;
  const known = chosen.filter((sample) => sample.right !== null).length;
  const share = known ? `, ${percent(right / known)} right` : "";
  const of = chosen.length < samples.length ? ` of ${samples.length.toLocaleString("en")}` : "";
  at("found").textContent = `${chosen.length.toLocaleString("en")}${of} samples${share}`;
  drawn = 0;
  at("body").replaceChildren();
  drawMore();
  markSorted();
  markConfusion();
  markMap();
}

function drawMore() {
  const rows = chosen.slice(drawn, drawn + PAGE).map(drawRow);
  at("body").append(...rows);
  drawn += rows.length;
  at("more").hidden = drawn >= chosen.length;
  at("more").textContent = `show ${Math.min(PAGE, chosen.length - drawn)} more`;
  return rows[0];
}

const linkOf = (sample) => sample && at("body").querySelector(`[data-sample="${sample.number}"]`);

function linkTo(sample, text) {
  const link = make("a", "", text);
  link.href = address({ row: sample.key });
  link.dataset.sample = sample.number;
  return link;
}

const thumbnailOf = (sample) =>
  sample.inputs.find((input) => input.image)?.image ??
  data.blobs[sample.inputs.find((input) => input.stills.length)?.stills[0]];

function drawRow(sample) {
  const row = make("tr");
  const picture = make("td");
  const uri = thumbnailOf(sample);
  if (uri) picture.append(makeImage(uri));
  else if (sample.inputs.some((input) => input.sound)) picture.textContent = "♪";
  const name = make("td");
  name.append(linkTo(sample, sample.row));
  const text = sample.texts.length > 140 ? sample.texts.slice(0, 140) + "…" : sample.texts;
  const result = sample.right === null ? "" : sample.right ? "✓ right" : "✗ wrong";
  const cells = {
    input: make("td", "text", text),
    truth: make("td", "", said(sample.truth)),
    predicted: make("td", "", said(sample.decided)),
    confidence: make("td", "number", sample.confidence === null ? "" : percent(sample.confidence)),
    result: make("td", sample.right === false ? "wrong" : "right", result),
    error: make("td", "number", sample.error === null ? "" : short(sample.error)),
  };
  row.append(picture, name, ...COLUMNS.slice(2).map(([, title]) => cells[title]));
  return row;
}

function fillFilters() {
  const names = (key) => [...new Set(samples.flatMap((sample) => sample[key] ?? []))].sort();
  const all = (key) => [["", "all"], ...(isNumber ? [] : names(key)).map((name) => [name, name || "(empty)"])];
  fillSelect(at("truth"), all("truth"));
  fillSelect(at("decided"), all("decided"));
  const modalities = [...new Set(samples.flatMap((sample) => sample.views[0].nodes.map((node) => node[0])))];
  const options = modalities.flatMap((name) => [["+" + name, `with ${name}`], ["-" + name, `without ${name}`]]);
  fillSelect(at("modality"), [["", "all"], ...options]);
  for (const label of document.querySelectorAll(".with-truth")) label.hidden = !hasTruth || isNumber;
  for (const label of document.querySelectorAll(".sure")) label.hidden = isNumber;
  at("decided").parentElement.hidden = isNumber;
}

// What is chosen, as CSV

function csvOf(rows) {
  // Spreadsheets would compute what begins like a formula.
  const quote = (text) => `"${String(text ?? "").replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const number = (value) => value ?? "";
  const lines = rows.map((sample) =>
    [
      ...[sample.row, said(sample.truth), said(sample.decided)].map(quote),
      ...[number(sample.confidence), number(sample.right), number(sample.error), quote(sample.texts)],
    ].join(","),
  );
  return ["row,truth,predicted,confidence,right,error,input", ...lines].join("\r\n") + "\r\n";
}

function saveCsv() {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([csvOf(chosen)], { type: "text/csv" }));
  link.download = "samples.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
