// The map of all samples, whose points open them

const COLORS = ["#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#8C8C00"];
const OTHER = "#8a8f96"; // of the rarer classes
const SIZE = [400, 300];

function drawMap() {
  at("map-section").hidden = data.axes === null || samples.length < 4;
  if (at("map-section").hidden) return;
  const svg = makeSvg("svg", { viewBox: `-12 -12 ${SIZE[0] + 24} ${SIZE[1] + 24}`, role: "group" });
  svg.setAttribute("aria-label", `map, ${data.axes.join(" and ")}`);
  const names = colored();
  for (const sample of samples) svg.append(drawPoint(sample, names.get(classOf(sample)) ?? OTHER));
  svg.firstElementChild.setAttribute("tabindex", "0");
  at("map").replaceChildren(svg);
  const entries = [...names].map(([name, color]) => legend("●", color, name));
  if (new Set(samples.map(classOf)).size > names.size) entries.push(legend("●", OTHER, "others"));
  if (samples.some((sample) => sample.right === false)) entries.push(legend("✚", "inherit", "wrong"));
  at("map-legend").replaceChildren(...entries, make("div", "", data.axes.join(", ")));
}

function makeSvg(tag, attributes) {
  const element = document.createElementNS(at("svg").namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

const classOf = (sample) => (isNumber ? "" : said(sample.truth ?? sample.decided));

// The most frequent classes have a colour of their own.
function colored() {
  const number = new Map();
  for (const sample of samples) number.set(classOf(sample), (number.get(classOf(sample)) ?? 0) + 1);
  const names = [...number].sort((a, b) => b[1] - a[1]).slice(0, COLORS.length);
  return new Map(names.filter(([name]) => name).map(([name], place) => [name, COLORS[place]]));
}

function legend(sign, color, name) {
  const entry = make("span");
  const mark = make("i", "", sign + " ");
  mark.style.color = color;
  mark.style.fontStyle = "normal";
  entry.append(mark, name);
  return entry;
}

function drawPoint(sample, color) {
  const [x, y] = [sample.point[0] * SIZE[0], (1 - sample.point[1]) * SIZE[1]];
  const isWrong = sample.right === false;
  const shape = isWrong
    ? `M${x - 5} ${y - 1.7}h3.3v-3.3h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3z`
    : `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z`;
  const point = makeSvg("path", { d: shape, fill: color, class: isWrong ? "error" : "", role: "link", tabindex: "-1" });
  const text = [`row ${sample.row}`, said(sample.truth), isWrong ? `predicted ${said(sample.decided)}` : ""];
  point.setAttribute("aria-label", text.filter(Boolean).join(", "));
  point.dataset.sample = sample.number;
  const title = makeSvg("title", {});
  title.textContent = point.getAttribute("aria-label");
  point.append(title);
  return point;
}

function markMap() {
  if (at("map-section").hidden) return;
  const shown = new Set(chosen.map((sample) => sample.number));
  const points = [...at("map").querySelectorAll("path")];
  for (const point of points) point.classList.toggle("out", !shown.has(Number(point.dataset.sample)));
  const within = points.filter((point) => !point.classList.contains("out"));
  for (const point of points) point.setAttribute("tabindex", "-1");
  within[0]?.setAttribute("tabindex", "0");
}
