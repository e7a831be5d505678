// Colours: scores at rest, attention while a node is pointed at or held

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
  const [total, number] = [new Map(), new Map()];
  edges.target.forEach((node, edge) => {
    total.set(node, (total.get(node) ?? 0) + Math.abs(edges.weightOf(edge, head)));
    number.set(node, (number.get(node) ?? 0) + 1);
  });
  return new Map([...total].map(([node, sum]) => [node, sum / number.get(node)]));
}

function fillEdgeControls() {
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
  fillSelect(at("head-choice"), numbers("head", [...Array(heads).keys()]), at("head-choice").value);
  at("edge-controls").hidden = at("attended").hidden = !edges.length;
  at("attention-section").hidden = !edges.length && current.edges !== null;
}

// How often its even weight each node has that the given one attends to: 1 says nothing. A word
// attends with all its pieces, and is attended to by all of them.
function attentionOf(number) {
  const relation = at("relation").value;
  const layer = at("layer").value === "" ? null : Number(at("layer").value);
  const head = at("head-choice").value === "" ? null : Number(at("head-choice").value);
  const [own, other] = at("direction").value === "in" ? ["target", "source"] : ["source", "target"];
  const wanted = edges.filter(
    (each) =>
      (relation === "" || each.name === relation) &&
      (layer === null || each.layer === null || each.layer === layer) &&
      (head === null || head < each.heads),
  );
  const [weights, evens] = [new Map(), new Map()];
  for (const each of wanted) {
    each[own].forEach((node, edge) => {
      if (partOf[node] !== number) return;
      const end = partOf[each[other][edge]];
      weights.set(end, (weights.get(end) ?? 0) + Math.abs(each.weightOf(edge, head)));
      evens.set(end, (evens.get(end) ?? 0) + each.evenOf(edge, head));
    });
  }
  return new Map([...weights].map(([end, weight]) => [end, weight / (evens.get(end) || 1)]));
}

function paint() {
  const chosenNode = focus.here ?? focus.held;
  const heard = chosenNode === null ? null : attentionOf(chosenNode);
  const lit = heard !== null && heard.size > 0;
  const largest = Math.max(1e-12, ...nodes.map((node) => Math.abs(node.score))); // one scale for all
  for (const node of nodes) {
    const { element, score, number } = node;
    const ratio = (lit && heard.get(number)) || 0;
    const share = lit ? ratio / (1 + ratio) : Math.abs(score) / largest; // half at an even weight
    element.style.setProperty("--share", share.toFixed(3));
    element.classList.toggle("lit", lit);
    element.classList.toggle("for", !lit && score >= 0);
    element.classList.toggle("against", !lit && score < 0);
    element.classList.toggle("here", number === focus.here);
    element.classList.toggle("held", number === focus.held);
    element.classList.toggle("strong", lit && share > 0.75);
    element.setAttribute("aria-pressed", String(number === focus.held));
  }
  listAttention(chosenNode, heard);
}

function listAttention(number, heard) {
  if (number === null) {
    const text = current.edges === null
      ? "This page has no room for this row's weights; explain it by itself."
      : "Point at a word or a region.";
    at("attention").replaceChildren(make("div", "faint", text));
    return;
  }
  const node = nodes[number];
  const title = make("div", "", `${node.modality}: ${node.label} (score ${short(node.score)})`);
  const best = [...heard].sort((a, b) => b[1] - a[1]).slice(0, 8);
  const rows = best.map(([other, ratio]) =>
    bar(nodes[other].label, [0, ratio / (1 + ratio)], `${ratio.toFixed(2)} × even`, "", "attended"),
  );
  if (!rows.length) rows.push(make("div", "faint", "no edges of this kind"));
  at("attention").replaceChildren(title, ...rows);
}
