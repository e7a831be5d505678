"use strict";
// Texts and names come from anywhere: they only ever become textContent.

const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const { dataset } = document.documentElement;

const short = (number) => (Math.abs(number) < 1000 ? number.toFixed(3) : number.toPrecision(5));
const percent = (share) => (100 * share).toFixed(1) + "%";
const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const said = (names) => (names === null ? "" : names.join(", ") || "(none)");

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function makeImage(uri, className) {
  const image = make("img", className);
  image.alt = "";
  image.loading = "lazy";
  image.src = uri;
  return image;
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

// Arrows move within a group, of which one element at a time can be reached with Tab.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function nearest(from, group, key, inOrder) {
  if (inOrder && (key === "ArrowLeft" || key === "ArrowRight")) {
    return group[group.indexOf(from) + ARROWS[key][0]];
  }
  const middle = (element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  };
  const [x, y] = middle(from);
  const [right, down] = ARROWS[key];
  let [best, least] = [undefined, Infinity];
  for (const each of group) {
    const [otherX, otherY] = middle(each);
    const along = right * (otherX - x) + down * (otherY - y);
    const aside = Math.abs(down * (otherX - x)) + Math.abs(right * (otherY - y));
    if (along > 1 && along + 2.5 * aside < least) [least, best] = [along + 2.5 * aside, each];
  }
  return best;
}

function move(event, group, inOrder) {
  if (!(event.key in ARROWS)) return;
  event.preventDefault();
  const next = nearest(event.target, group, event.key, inOrder);
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
