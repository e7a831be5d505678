// Inputs: pictures with regions on them, texts with words in them, all else as chips

function drawInputs(sample) {
  const keys = [...new Set(nodes.map((node) => JSON.stringify([node.modality, node.item])))];
  const items = keys.map((key) => {
    const own = nodes.filter((node) => JSON.stringify([node.modality, node.item]) === key);
    const input = sample.inputs.find((each) => JSON.stringify([each.modality, each.item]) === key);
    return drawItem(own, input ?? { stills: [] });
  });
  at("inputs").replaceChildren(...items);
}

function drawItem(own, input) {
  const first = own[0];
  const several = nodes.some((node) => node.modality === first.modality && node.item > 0);
  const name = several ? `${first.modality} ${first.item + 1}` : first.modality;
  const item = make("div", "item");
  const sum = own.reduce((total, node) => total + node.score, 0);
  item.append(make("h3", "", `${name}: sum ${short(sum)}`));
  if (input.sound) item.append(...drawSound(input.sound, name));
  let body;
  if (input.image && own.every((node) => node.box)) {
    item.classList.add("pictured");
    body = drawPicture(own, input.image);
  } else if (typeof input.text === "string" && own.every((node) => node.span)) {
    body = drawText(own, input.text);
  } else {
    body = drawChips(own, input.stills);
  }
  body.setAttribute("role", "group");
  body.setAttribute("aria-label", name);
  own[0].element.tabIndex = 0;
  item.append(body);
  return item;
}

function drawPicture(own, uri) {
  const body = make("div", "picture");
  body.append(makeImage(uri), ...own.map((node) => drawNode(node, "")));
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

// In the order of time, where nodes are moments; pictures of videos above their times.
function drawChips(own, stills) {
  const body = make("div", "chips");
  own.forEach((node, place) => {
    const element = drawNode(node, "");
    if (stills.length === own.length) element.append(makeImage(data.blobs[stills[place]]));
    element.append(make("span", "", node.label));
    body.append(element);
  });
  return body;
}

function drawSound({ uri, outline, seconds }, name) {
  const svg = makeSvg("svg", { class: "outline", viewBox: "0 -100 160 200", preserveAspectRatio: "none", role: "img" });
  svg.setAttribute("aria-label", `${name}: how loud it is in ${seconds} s`);
  const width = 160 / outline.length;
  const lines = outline.map((peak, step) => `M${width * (step + 0.5)} ${-peak - 1}V${peak + 1}`);
  svg.append(makeSvg("path", { d: lines.join(""), stroke: "currentColor", "stroke-width": 0.7 * width }));
  if (uri === null) return [svg, make("p", "faint", "This page has no room for its sound.")];
  const player = make("audio");
  player.controls = true;
  player.preload = "none";
  player.src = data.blobs[uri];
  player.setAttribute("aria-label", name);
  return [svg, player];
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
