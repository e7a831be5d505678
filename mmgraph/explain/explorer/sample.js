// One sample: what was predicted, what each part of the model says, and which samples are like it

let current; // the explanation that is shown
let nodes = []; // its nodes, those of a word as one, with their elements
let edges = []; // weights between them, decoded
let partOf = []; // the number of the node, here, of each node of the graph
const focus = { held: null, here: null };

// Nodes arrive as lists, see `pack` in packing.py.
function readNode([modality, kind, item, label, box, span, score, isInput, size], number) {
  return { number, modality, kind, item, label, box, span, score, isInput, size, element: null };
}

function showSample(sample) {
  const names = viewNames(sample.views);
  const before = at("method").selectedOptions[0]?.textContent;
  fillSelect(at("method"), names.map((name, place) => [String(place), name]));
  showView(sample, Math.max(0, names.indexOf(before)));
}

function viewNames(views) {
  const methods = views.map((view) => view.method);
  const targets = new Set(views.map((view) => view.target));
  return views.map((view, place) =>
    targets.size > 1 || methods.indexOf(view.method) !== place ? `${view.method}: ${view.target}` : view.method,
  );
}

function showView(sample, place) {
  current = sample.views[place];
  focus.held = focus.here = null;
  at("method").value = String(place);
  nodes = current.nodes.map(readNode);
  partOf = nodes.flatMap((node) => Array(node.size).fill(node.number));
  edges = (current.edges ?? []).map(readEdges);
  at("title").textContent = titleOf(sample);
  fillEdgeControls();
  drawInputs(sample);
  drawOutputs();
  const sums = Object.entries(current.modality_scores);
  drawSigned(at("modalities"), [...sums, ...current.interactions], current.signed);
  drawFaithfulness(current.faithfulness);
  drawNeighbours();
  drawNear(sample);
  at("parts-section").hidden = !Object.keys(current.parts).length;
  drawSigned(at("parts"), Object.entries(current.parts), true);
  for (const id of ["against", "against-word"]) at(id).hidden = !current.signed;
  at("for-word").textContent = current.signed ? "for" : "matters to";
  paint();
}

function titleOf(sample) {
  const parts = [`row ${sample.row}`];
  if (sample.decided !== null) parts.push(`predicted ${said(sample.decided)}`);
  if (sample.confidence !== null) parts.push(percent(sample.confidence));
  if (sample.right !== null) parts.push(sample.right ? "✓ right" : `✗ wrong, it is ${said(sample.truth)}`);
  else if (sample.truth !== null) parts.push(`true ${said(sample.truth)}`);
  return parts.join(" · ");
}

function drawOutputs() {
  at("outputs-title").textContent = isNumber ? "Prediction" : "Probabilities";
  const rows = current.outputs.map(([name, value, isTarget]) =>
    bar(name, isNumber ? null : [0, value], isNumber ? short(value) : percent(value), isTarget ? "target" : ""),
  );
  at("outputs").replaceChildren(...rows);
  if (current.more) at("outputs").append(make("div", "faint", `and ${current.more} more`));
  const base = current.base === null ? "" : `, ${short(current.base)} without inputs`;
  at("outputs").append(make("div", "faint", `explained: ${current.target} (logit ${short(current.value)}${base})`));
  if (current.changes_to) at("outputs").append(make("div", "faint", `without what is marked: ${current.changes_to}`));
}

function bar(name, range, number, className, color = "plain") {
  const row = make("div", `row ${className}`);
  const label = make("span", "name", name);
  label.title = name;
  const track = make("span", range ? "track" : "");
  if (range) {
    const fill = make("i", color);
    fill.style.left = percent(range[0]);
    fill.style.width = percent(range[1] - range[0]);
    track.append(fill);
  }
  row.append(label, track, make("span", "number", number));
  return row;
}

function drawSigned(place, entries, isSigned) {
  const largest = Math.max(1e-12, ...entries.map(([, value]) => Math.abs(value)));
  const rows = entries.map(([name, value]) => {
    const length = Math.abs(value) / largest;
    const range = !isSigned ? [0, length] : value < 0 ? [0.5 - length / 2, 0.5] : [0.5, 0.5 + length / 2];
    return bar(name, range, short(value), "", value < 0 ? "against" : "for");
  });
  place.replaceChildren(...rows);
}

function drawFaithfulness(metrics) {
  at("faithfulness-section").hidden = !metrics;
  const rows = Object.entries(metrics ?? {}).map(([name, value]) => bar(name, null, short(value), ""));
  at("faithfulness").replaceChildren(...rows);
}

// The training rows with the most influence: picture, label, share of the vote, text

function drawNeighbours() {
  const rows = current.neighbours;
  at("neighbours-section").hidden = !rows.length;
  at("neighbours-title").textContent =
    `${current.target}: the ${rows.length} of ${current.voters} nearest training rows that changed it most`;
  at("neighbours").replaceChildren(...rows.map(drawNeighbour));
}

function drawNeighbour(row) {
  const element = make("div", "card");
  if (row.image !== null) element.append(makeImage(data.blobs[row.image]));
  const sign = row.influence < 0 ? "" : "+";
  element.append(
    make("strong", "", row.said),
    make("div", "", `${percent(row.share)} of the vote, logit ${sign}${short(row.influence)}`),
    make("div", "faint", `row ${row.row}`),
    ...row.texts.map((text) => make("div", "", text)),
  );
  return element;
}

function drawNear(sample) {
  at("near-section").hidden = !sample.near;
  const cards = (sample.near ?? []).map((number) => {
    const other = samples[number];
    const element = make("div", "card");
    const uri = thumbnailOf(other);
    if (uri) element.append(makeImage(uri));
    const name = make("div");
    name.append(linkTo(other, `row ${other.row}`));
    const mark = other.right === null ? "" : other.right ? "✓ " : "✗ ";
    element.append(name, make("div", "", mark + said(other.decided)), make("div", "faint", other.texts.slice(0, 80)));
    return element;
  });
  at("near").replaceChildren(...cards);
}
