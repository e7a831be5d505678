"use strict";
// Texts and names come from anywhere: they only ever become textContent.

const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const { dataset } = document.documentElement;
const state = { sample: 0, view: 0, held: null, here: null };
let nodes = []; // of the current view, with their elements
let edges = []; // of the current view, decoded

// Nodes arrive as lists, see `pack` in html.py.
function readNode([modality, kind, item, label, box, span, score, isInput], number) {
  return { number, modality, kind, item, label, box, span, score, isInput, element: null };
}

function bytes(number) {
  const text = atob(data.blobs[number]);
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function shorts(number) {
  const view = new DataView(bytes(number).buffer);
  return Array.from({ length: view.byteLength / 2 }, (_, k) => view.getUint16(2 * k, true));
}

function readEdges(packed) {
  const levels = bytes(packed.weight);
  const step = (packed.high - packed.low) / 255;
  return {
    ...packed,
    name: packed.relation.join(" "),
    source: shorts(packed.source),
    target: shorts(packed.target),
    weightOf(edge, head) {
      if (head !== null) return packed.low + step * levels[edge * packed.heads + head];
      let total = 0;
      for (let k = 0; k < packed.heads; k++) total += levels[edge * packed.heads + k];
      return packed.low + (step * total) / packed.heads;
    },
    evens: new Map(), // by head: what each node receives through an edge, on average
    evenOf(edge, head) {
      if (!this.evens.has(head)) this.evens.set(head, averages(this, head));
      return this.evens.get(head).get(this.target[edge]);
    },
  };
}

// Of attention, whose weights sum to 1, that is 1 / n for a node with n edges.
function averages(edges, head) {
  const [total, count] = [new Map(), new Map()];
  edges.target.forEach((node, edge) => {
    total.set(node, (total.get(node) ?? 0) + Math.abs(edges.weightOf(edge, head)));
    count.set(node, (count.get(node) ?? 0) + 1);
  });
  return new Map([...total].map(([node, sum]) => [node, sum / count.get(node)]));
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function fillSelect(select, options, keep) {
  select.replaceChildren(
    ...options.map(([value, text]) => {
      const option = make("option", "", text);
      option.value = value;
      return option;
    }),
  );
  if (options.some(([value]) => value === keep)) select.value = keep;
  select.disabled = options.length < 2;
}

const short = (number) => (Math.abs(number) < 1000 ? number.toFixed(3) : number.toPrecision(5));
const percent = (share) => (100 * share).toFixed(1) + "%";
const view = () => data.samples[state.sample].views[state.view];

// What the page shows

function showSample(number) {
  const count = data.samples.length;
  state.sample = (number + count) % count;
  const sample = data.samples[state.sample];
  at("sample").value = String(state.sample);
  at("count").textContent = `${state.sample + 1} of ${count}`;
  const methods = sample.views.map((each) => each.method);
  const targets = new Set(sample.views.map((each) => each.target));
  const names = sample.views.map((each, k) =>
    targets.size > 1 || methods.indexOf(each.method) !== k ? `${each.method}: ${each.target}` : each.method,
  );
  const before = at("method").selectedOptions[0]?.textContent;
  fillSelect(at("method"), names.map((name, k) => [String(k), name]));
  showView(Math.max(0, names.indexOf(before)));
}

function showView(number) {
  state.view = number;
  state.held = state.here = null;
  at("method").value = String(number);
  const current = view();
  nodes = current.nodes.map(readNode);
  edges = current.edges.map(readEdges);
  const relations = [...new Set(edges.map((each) => each.name))];
  const layers = [...new Set(edges.map((each) => each.layer))].filter((each) => each !== null);
  const heads = Math.max(0, ...edges.map((each) => each.heads));
  const numbers = (word, values) => [["", "mean"], ...values.map((k) => [String(k), `${word} ${k + 1}`])];
  const named = (name) => {
    const [source, ...rest] = edges.find((each) => each.name === name).relation;
    return [name, `${source} → ${rest[1]} (${rest[0]})`];
  };
  fillSelect(at("relation"), [["", "all"], ...relations.map(named)], at("relation").value);
  fillSelect(at("layer"), numbers("layer", layers.sort((a, b) => a - b)), at("layer").value);
  fillSelect(at("head"), numbers("head", [...Array(heads).keys()]), at("head").value);
  drawInputs();
  drawOutputs(current);
  const sums = Object.entries(current.modality_scores);
  drawSigned(at("modalities"), [...sums, ...current.interactions], current.signed);
  drawFaithfulness(current.faithfulness);
  drawNeighbours(current);
  at("parts-section").hidden = !Object.keys(current.parts).length;
  drawSigned(at("parts"), Object.entries(current.parts), true);
  for (const id of ["against", "against-word"]) at(id).hidden = !current.signed;
  at("for-word").textContent = current.signed ? "for" : "matters to";
  paint();
}

function drawOutputs(current) {
  const isNumber = current.task === "regression";
  at("outputs-title").textContent = isNumber ? "Prediction" : "Probabilities";
  const rows = current.outputs.map(([name, value, isTarget]) => {
    const share = isNumber ? null : [0, value];
    return bar(name, share, isNumber ? short(value) : percent(value), isTarget ? "target" : "");
  });
  at("outputs").replaceChildren(...rows);
  if (current.more) at("outputs").append(make("div", "faint", `and ${current.more} more`));
  const base = current.base === null ? "" : `, ${short(current.base)} without inputs`;
  at("outputs").append(make("div", "faint", `explained: ${current.target} (logit ${short(current.value)}${base})`));
  if (current.changes_to) at("outputs").append(make("div", "faint", `without what is marked: ${current.changes_to}`));
}

function bar(name, range, number, className, color) {
  const row = make("div", `row ${className}`);
  const label = make("span", "name", name);
  label.title = name;
  const track = make("span", range ? "track" : "");
  if (range) {
    const fill = make("i");
    fill.style.left = percent(range[0]);
    fill.style.width = percent(range[1] - range[0]);
    if (color) fill.style.background = color;
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
    return bar(name, range, short(value), "", `rgb(var(${value < 0 ? "--against" : "--for"}))`);
  });
  place.replaceChildren(...rows);
}

function drawFaithfulness(metrics) {
  at("faithfulness-section").hidden = !metrics;
  const rows = Object.entries(metrics ?? {}).map(([name, value]) => bar(name, null, short(value), ""));
  at("faithfulness").replaceChildren(...rows);
}

// The training rows with the most influence: picture, label, share of the vote, text

function drawNeighbours(current) {
  const rows = current.neighbours;
  at("neighbours-section").hidden = !rows.length;
  const title = `${current.target}: the ${rows.length} of ${current.voters} nearest training rows that changed it most`;
  at("neighbours-title").textContent = title;
  at("neighbours").replaceChildren(...rows.map(drawNeighbour));
}

function drawNeighbour(row) {
  const element = make("div", "neighbour");
  if (row.image !== null) {
    const picture = make("img");
    picture.alt = "";
    picture.src = data.blobs[row.image];
    element.append(picture);
  }
  const sign = row.influence < 0 ? "" : "+";
  element.append(
    make("strong", "", row.said),
    make("div", "", `${percent(row.share)} of the vote, logit ${sign}${short(row.influence)}`),
    make("div", "faint", `row ${row.row}`),
    ...row.texts.map((text) => make("div", "", text)),
  );
  return element;
}

// Inputs: pictures with regions on them, texts with words in them, all else as chips

function drawInputs() {
  const keys = [...new Set(nodes.map((node) => JSON.stringify([node.modality, node.item])))];
  const given = data.samples[state.sample].inputs;
  const items = keys.map((key) => {
    const own = nodes.filter((node) => JSON.stringify([node.modality, node.item]) === key);
    const input = given.find((each) => JSON.stringify([each.modality, each.item]) === key) ?? {};
    return drawItem(own, input);
  });
  at("inputs").replaceChildren(...items);
}

function drawItem(own, input) {
  const first = own[0];
  const several = nodes.some((node) => node.modality === first.modality && node.item > 0);
  const item = make("div", "item");
  item.append(make("h3", "", several ? `${first.modality} ${first.item + 1}` : first.modality));
  let body;
  if (input.image && own.every((node) => node.box)) {
    item.classList.add("pictured");
    body = drawPicture(own, input.image);
  } else if (typeof input.text === "string" && own.every((node) => node.span)) {
    body = drawText(own, input.text);
  } else {
    body = make("div", "chips");
    body.append(...own.map((node) => drawNode(node, node.label)));
  }
  body.setAttribute("role", "group");
  body.setAttribute("aria-label", first.modality);
  own[0].element.tabIndex = 0;
  item.append(body);
  return item;
}

function drawPicture(own, uri) {
  const body = make("div", "picture");
  const image = make("img");
  image.alt = "";
  image.src = uri;
  body.append(image, ...own.map((node) => drawNode(node, "")));
  for (const { element, box } of own) {
    const [left, top, right, bottom] = box.map(percent);
    const [width, height] = [`calc(${right} - ${left})`, `calc(${bottom} - ${top})`];
    Object.assign(element.style, { left, top, width, height });
  }
  return body;
}

function drawText(own, text) {
  const body = make("div", "words");
  const letters = Array.from(text); // spans count characters, and JavaScript halves of them
  let end = 0;
  for (const node of [...own].sort((a, b) => a.span[0] - b.span[0])) {
    const start = Math.max(end, node.span[0]);
    body.append(letters.slice(end, start).join(""));
    end = Math.max(start, node.span[1]);
    body.append(drawNode(node, letters.slice(start, end).join("")));
  }
  body.append(letters.slice(end).join(""));
  return body;
}

function drawNode(node, text) {
  const element = make("span", node.isInput ? "node" : "node absent", text);
  element.tabIndex = -1;
  element.dataset.node = node.number;
  element.setAttribute("role", "button");
  element.setAttribute("aria-label", `${node.label}, score ${short(node.score)}`);
  element.title = `${node.label}\nscore ${short(node.score)}`;
  node.element = element;
  return element;
}

// Colours: scores at rest, attention while a node is pointed at or held

// How often its even weight each node has that the given one attends to: 1 says nothing.
function attentionOf(number) {
  const relation = at("relation").value;
  const layer = at("layer").value === "" ? null : Number(at("layer").value);
  const head = at("head").value === "" ? null : Number(at("head").value);
  const [own, other] = at("direction").value === "in" ? ["target", "source"] : ["source", "target"];
  const chosen = edges.filter(
    (each) =>
      (relation === "" || each.name === relation) &&
      (layer === null || each.layer === null || each.layer === layer) &&
      (head === null || head < each.heads),
  );
  const [weights, evens] = [new Map(), new Map()];
  for (const each of chosen) {
    each[own].forEach((node, edge) => {
      if (node !== number) return;
      const end = each[other][edge];
      weights.set(end, (weights.get(end) ?? 0) + Math.abs(each.weightOf(edge, head)));
      evens.set(end, (evens.get(end) ?? 0) + each.evenOf(edge, head));
    });
  }
  return new Map([...weights].map(([end, weight]) => [end, weight / (evens.get(end) || 1)]));
}

function paint() {
  const chosen = state.here ?? state.held;
  const heard = chosen === null ? null : attentionOf(chosen);
  const lit = heard !== null && heard.size > 0;
  const largest = Math.max(1e-12, ...nodes.map((node) => Math.abs(node.score)));
  for (const node of nodes) {
    const { element } = node;
    const ratio = (lit && heard.get(node.number)) || 0;
    const share = ratio / (1 + ratio); // half at an even weight
    element.classList.toggle("here", node.number === state.here);
    element.classList.toggle("held", node.number === state.held);
    element.classList.toggle("strong", share > 0.75);
    element.setAttribute("aria-pressed", String(node.number === state.held));
    element.style.background = lit ? litColor(node, share) : scoreColor(node, largest);
  }
  listAttention(chosen, heard);
}

function scoreColor(node, largest) {
  const color = node.score < 0 ? "--against" : "--for";
  return `rgba(var(${color}), ${((0.75 * Math.abs(node.score)) / largest).toFixed(3)})`;
}

function litColor(node, share) {
  // On a picture what is not attended to goes dark, which shows on any colours.
  if (node.box && node.element.parentElement.className === "picture") {
    return `rgba(10, 12, 16, ${(0.72 * (1 - share)).toFixed(3)})`;
  }
  return `rgba(var(--attention), ${(0.7 * share).toFixed(3)})`;
}

function listAttention(chosen, heard) {
  const place = at("attention");
  if (chosen === null) {
    const text = edges.length ? "Point at a word or a region." : "This model has no edges to weigh.";
    place.replaceChildren(make("div", "faint", text));
    return;
  }
  const node = nodes[chosen];
  const title = make("div", "", `${node.modality}: ${node.label} (score ${short(node.score)})`);
  const best = [...heard].sort((a, b) => b[1] - a[1]).slice(0, 8);
  const rows = best.map(([number, ratio]) =>
    bar(nodes[number].label, [0, ratio / (1 + ratio)], `${ratio.toFixed(2)} × even`, "", "rgb(var(--attention))"),
  );
  if (!rows.length) rows.push(make("div", "faint", "no edges of this kind"));
  place.replaceChildren(title, ...rows);
}

// Pointer and keyboard

const numberOf = (event) => {
  const element = event.target.closest?.(".node");
  return element ? Number(element.dataset.node) : null;
};

function point(number) {
  if (number === state.here) return;
  state.here = number;
  paint();
}

function hold(number) {
  state.held = state.held === number ? null : number;
  paint();
}

// The nearest node of the same input in the direction of an arrow, by where they stand.
function neighbour(number, key) {
  const { left, top, width, height } = nodes[number].element.getBoundingClientRect();
  const group = nodes.filter((each) => each.element.parentElement === nodes[number].element.parentElement);
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const place = group.findIndex((each) => each.number === number);
    return group[place + (key === "ArrowRight" ? 1 : -1)]?.number;
  }
  const sign = key === "ArrowDown" ? 1 : -1;
  let [best, least] = [undefined, Infinity];
  for (const each of group) {
    const box = each.element.getBoundingClientRect();
    const down = sign * (box.top + box.height / 2 - top - height / 2);
    const aside = Math.abs(box.left + box.width / 2 - left - width / 2);
    if (down > height / 3 && 3 * down + aside < least) [least, best] = [3 * down + aside, each.number];
  }
  return best;
}

function moveTo(number, from) {
  if (number === undefined) return;
  nodes[from].element.tabIndex = -1;
  nodes[number].element.tabIndex = 0;
  nodes[number].element.focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const number = numberOf(event);
  if (event.key === "Escape") {
    state.held = state.here = null;
    paint();
  } else if (number !== null && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    hold(number);
  } else if (number !== null && event.key.startsWith("Arrow")) {
    event.preventDefault();
    moveTo(neighbour(number, event.key), number);
  } else if (event.target.tagName !== "SELECT") {
    if (event.key === "n") showSample(state.sample + 1);
    if (event.key === "p") showSample(state.sample - 1);
    if (event.key === "d") changeTheme();
  }
}

function changeTheme() {
  dataset.theme = dataset.theme === "dark" ? "light" : "dark";
}

function start() {
  dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
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
  at("previous").addEventListener("click", () => showSample(state.sample - 1));
  at("next").addEventListener("click", () => showSample(state.sample + 1));
  at("sample").addEventListener("change", (event) => showSample(Number(event.target.value)));
  at("method").addEventListener("change", (event) => showView(Number(event.target.value)));
  for (const id of ["relation", "layer", "head", "direction"]) at(id).addEventListener("change", paint);
  at("theme").addEventListener("click", changeTheme);
  const names = data.samples.map((sample, k) => [String(k), `${sample.row}: ${sample.views[0].target}`]);
  fillSelect(at("sample"), names);
  at("previous").disabled = at("next").disabled = names.length < 2;
  showSample(0);
}

start();
