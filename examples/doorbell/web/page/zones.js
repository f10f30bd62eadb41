// The zones being drawn: polygons in fractions of the picture, with undo.

export const kinds = ["property", "strip", "mask"];
export const titles = { property: "Property", strip: "Strip", mask: "Mask" };

const blank = { version: 1, property: [], strip: [], mask: [], outside: { hide: "all", fill: "frost" }, found: { fill: "background" }, inside: { hide: [] }, visitors: "box" };
const clamp = (v) => Math.min(1, Math.max(0, v));
const round = (v) => Math.round(v * 1e6) / 1e6;

export class Zones extends EventTarget {
  constructor() {
    super();
    this.load(null);
  }

  // load takes over the saved policy; defaults are those of a new one.
  load(policy, defaults = {}) {
    this.policy = { ...structuredClone(blank), ...structuredClone(policy || defaults) };
    this.savedText = this.text();
    this.past = [];
    this.future = [];
    this.changed();
  }

  text() { return JSON.stringify(this.policy); }
  dirty() { return this.text() !== this.savedText; }
  changed() { this.dispatchEvent(new Event("change")); }

  // remember makes the state before a change one that undo returns to.
  remember() {
    this.past.push(this.text());
    if (this.past.length > 200) this.past.shift();
    this.future = [];
  }

  undo() { this.swap(this.past, this.future); }
  redo() { this.swap(this.future, this.past); }
  swap(from, to) {
    if (!from.length) return;
    to.push(this.text());
    this.policy = JSON.parse(from.pop());
    this.changed();
  }

  empty() { return kinds.every((kind) => !this.policy[kind].length); }
  polygon(at) { return this.policy[at.kind]?.[at.polygon]; }

  add(kind, points) {
    this.remember();
    this.policy[kind].push(points.map(([x, y]) => [round(clamp(x)), round(clamp(y))]));
    this.changed();
    return { kind, polygon: this.policy[kind].length - 1, point: 0 };
  }

  move(at, x, y) {
    this.polygon(at)[at.point] = [round(clamp(x)), round(clamp(y))];
    this.changed();
  }

  // shift moves a whole polygon from where it was, as far as it stays inside.
  shift(at, from, dx, dy) {
    const xs = from.map((p) => p[0]), ys = from.map((p) => p[1]);
    dx = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
    dy = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
    this.policy[at.kind][at.polygon] = from.map(([x, y]) => [round(clamp(x + dx)), round(clamp(y + dy))]);
    this.changed();
  }

  // insert adds a point behind the given one, in the middle of the line.
  insert(at) {
    const points = this.polygon(at);
    const [a, b] = [points[at.point], points[(at.point + 1) % points.length]];
    this.remember();
    points.splice(at.point + 1, 0, [round((a[0] + b[0]) / 2), round((a[1] + b[1]) / 2)]);
    this.changed();
    return { ...at, point: at.point + 1 };
  }

  // remove takes a point away; of a triangle, the whole zone. It returns a place
  // to go on from, or null.
  remove(at) {
    const points = this.polygon(at);
    if (points.length <= 3) return this.removeZone(at);
    this.remember();
    points.splice(at.point, 1);
    this.changed();
    return { ...at, point: at.point % points.length };
  }

  removeZone(at) {
    this.remember();
    this.policy[at.kind].splice(at.polygon, 1);
    this.changed();
    return null;
  }

  set(change) {
    this.remember();
    change(this.policy);
    this.changed();
  }
}

// placeOf returns which point or zone the path of an error means, such as
// property[0][3][1], or null.
export function placeOf(path) {
  const m = /^(property|strip|mask)\[(\d+)\](?:\[(\d+)\])?/.exec(path);
  return m && { kind: m[1], polygon: +m[2], point: m[3] === undefined ? null : +m[3] };
}

// nameOf says the same in words: Property 1, point 4.
export function nameOf(path) {
  const place = placeOf(path);
  if (!place) return path;
  return `${titles[place.kind]} ${place.polygon + 1}${place.point === null ? "" : `, point ${place.point + 1}`}`;
}
