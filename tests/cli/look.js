// Looks at the documents of all frames of this page, and leaves what is wrong with them in its title.
'use strict';
const found = { looked: 0, texts: 0, faults: [] };

// A colour as the browser computes it, as red, green, blue and alpha.
const colour = (text) => {
  const parts = (text.match(/[\d.]+/g) || []).map(Number);
  return text.startsWith('rgb') ? [...parts.slice(0, 3), parts.length > 3 ? parts[3] : 1] : null;
};
const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3])).concat(1);
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((value) => value / 255).map((value) =>
    value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};

const background = (element, view) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const layer = colour(view.getComputedStyle(at).backgroundColor);
    if (layer && layer[3] > 0) layers.push(layer);
    if (layer && layer[3] === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
};

const look = (frame) => {
  const [view, page] = [frame.contentWindow, frame.contentDocument];
  const fault = (text) => found.faults.push(`${frame.title}: ${text}`);
  const all = (selector) => [...page.querySelectorAll(selector)];
  const name = (element) => (element.getAttribute('aria-label') || element.textContent || '').trim();

  const root = page.documentElement;
  if (!root.lang) fault('no language');
  if (!page.title.trim()) fault('no title');
  if (root.scrollWidth > view.innerWidth) fault(`wider (${root.scrollWidth}) than its window (${view.innerWidth})`);

  // Landmarks and headings.
  if (all('main').length !== 1) fault('no main, or several');
  if (all('h1').length !== 1) fault('no h1, or several');
  let level = 0;
  for (const heading of all('h1,h2,h3,h4,h5,h6')) {
    const at = Number(heading.tagName[1]);
    if (at > level + 1 && level > 0) fault(`h${at} after h${level}`);
    if (!name(heading)) fault('a heading without text');
    level = at;
  }
  for (const text of all('body *')) {
    const own = [...text.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (own && !text.closest('main,nav,style,svg')) fault(`text outside of all landmarks: ${name(text).slice(0, 40)}`);
  }

  // Names.
  for (const link of all('a[href],summary,button')) {
    if (!name(link)) fault('a link without a name');
  }
  for (const picture of all('svg,img')) {
    const hidden = picture.closest('[aria-hidden=true]');
    if (!hidden && !picture.getAttribute('aria-label')) fault('a picture without a name');
    if (!hidden && picture.getAttribute('role') !== 'img') fault('a picture that is not told as one');
  }
  const ids = new Map();
  all('[id]').forEach(({ id }) => ids.set(id, (ids.get(id) || 0) + 1));
  ids.forEach((number, id) => { if (number > 1) fault(`two of the id ${id}`); });
  for (const table of all('table')) {
    if (!table.querySelector('thead th[scope=col]')) fault('a table without headings');
    for (const row of table.querySelectorAll('tbody tr')) {
      const alone = row.children.length === 1 && row.children[0].colSpan > 1;
      if (!alone && !row.querySelector('th[scope=row]')) fault('a row without a heading');
    }
  }

  // The keyboard: everything that can be reached is reached in the order in which it stands, and is seen when it is.
  for (const element of all('[tabindex]')) {
    if (element.tabIndex > 0) fault(`tabindex ${element.tabIndex}`);
  }
  for (const element of all('a[href],summary')) {
    if (element.tabIndex < 0) fault(`out of reach: ${name(element)}`);
  }

  // Contrast.
  const told = new Set();
  for (const element of all('body *')) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
    if (!texts.length || element.closest('style,script')) continue;
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    found.texts += 1;
    const style = view.getComputedStyle(element);
    const behind = background(element, view);
    const ink = colour(element.closest('svg') ? style.fill : style.color);
    if (!ink) { fault(`no colour of ${element.tagName}: ${style.color}`); continue; }
    let opacity = ink[3];
    for (let at = element; at; at = at.parentElement) opacity *= Number(view.getComputedStyle(at).opacity);
    const ratio = contrast(over([...ink.slice(0, 3), opacity], behind), behind);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      const what = `contrast ${ratio.toFixed(2)} of ${element.tagName}.${element.className}`;
      if (!told.has(what)) fault(`${what}: ${element.textContent.trim().slice(0, 40)}`);
      told.add(what);
    }
  }
  found.looked += 1;
};

window.onload = () => {
  for (const frame of document.querySelectorAll('iframe')) {
    try { look(frame); } catch (error) { found.faults.push(`${frame.title}: ${error}`); }
  }
  document.title = JSON.stringify(found);
};
