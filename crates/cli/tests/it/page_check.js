// What is wrong with a page for who sees it badly, hears it, or uses no mouse. Returns sentences.
const found = [];
const say = (text, element) => found.push(element ? `${text}: ${element.outerHTML.slice(0, 140)}` : text);

if (!document.documentElement.lang) say("the page has no language");
if (!document.title.trim()) say("the page has no title");
if (document.querySelectorAll("h1").length !== 1) say("the page has not one h1");
if (document.querySelectorAll("main").length !== 1) say("the page has not one main part");
if (document.documentElement.scrollWidth > document.documentElement.clientWidth) {
  say(`the page is ${document.documentElement.scrollWidth} wide in a window of ${document.documentElement.clientWidth}`);
  for (const element of document.body.querySelectorAll("*")) {
    if (element.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !element.closest(".hidden, thead")) {
      say("too wide", element);
      break;
    }
  }
}

const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
let level = 0;
for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
  if (!shown(heading)) continue;
  const next = Number(heading.tagName[1]);
  if (next > level + 1) say(`a heading of level ${next} follows one of level ${level}`, heading);
  if (!heading.textContent.trim()) say("an empty heading", heading);
  level = next;
}

const ids = new Set();
for (const element of document.querySelectorAll("[id]")) {
  if (ids.has(element.id)) say("an id is there twice", element);
  ids.add(element.id);
}
for (const attribute of ["aria-labelledby", "aria-describedby"]) {
  for (const element of document.querySelectorAll(`[${attribute}]`)) {
    for (const id of element.getAttribute(attribute).split(" ")) {
      if (!document.getElementById(id)) say(`${attribute} leads nowhere`, element);
    }
  }
}

const name = (element) =>
  (element.getAttribute("aria-label") || element.textContent || element.title || "").trim();
for (const element of document.querySelectorAll("a[href], button, summary")) {
  if (!name(element)) say("it has no name", element);
}
for (const field of document.querySelectorAll("input:not([type=hidden]), textarea, select, progress")) {
  if (!field.labels?.length && !field.getAttribute("aria-label")) say("a field has no label", field);
}
for (const table of document.querySelectorAll("table")) {
  if (!table.getAttribute("aria-label") && !table.caption) say("a table has no name", table);
}
for (const picture of document.querySelectorAll("svg[role=img], img")) {
  if (!picture.getAttribute("aria-label") && !picture.getAttribute("alt")) say("a picture has no name", picture);
}
for (const element of document.querySelectorAll("[style], [onclick]")) say("the policy forbids this", element);

const parts = (color) => {
  const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
  return { red, green, blue, alpha };
};
const over = (top, bottom) => {
  const mix = (a, b) => a * top.alpha + b * (1 - top.alpha);
  return { red: mix(top.red, bottom.red), green: mix(top.green, bottom.green), blue: mix(top.blue, bottom.blue), alpha: 1 };
};
const ground = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const color = parts(getComputedStyle(at).backgroundColor);
    layers.push(color);
    if (color.alpha === 1) break;
  }
  return layers.reduceRight((below, layer) => over(layer, below), { red: 255, green: 255, blue: 255, alpha: 1 });
};
const light = ({ red, green, blue }) => {
  const [r, g, b] = [red, green, blue].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const seen = new Set();
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || seen.has(element) || !shown(element)) continue;
  if (element.closest(".hidden, .skip, svg, title, script")) continue;
  seen.add(element);
  const style = getComputedStyle(element);
  const back = ground(element);
  const front = over(parts(style.color), back);
  const [bright, dark] = [light(front), light(back)].sort((a, b) => b - a);
  const contrast = (bright + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (contrast < (large ? 3 : 4.5)) say(`contrast ${contrast.toFixed(2)}`, element);
}
return found;
