// The board shows the zones over the picture and lets them be drawn and moved
// with mouse, touch and keys.
import { kinds, titles } from "./zones.js";

const ns = "http://www.w3.org/2000/svg";
const reach = 12; // pixels within which a point snaps

function draw(name, attributes) {
  const e = document.createElementNS(ns, name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  return e;
}

export class Board {
  constructor(svg, zones, { snap, hint, kind }) {
    Object.assign(this, { svg, zones, snap, hint, kind });
    this.chosen = null; // { kind, polygon, point }
    this.wrong = null; // what the server complains about
    this.drawing = null; // { kind, points, at } while a zone is being drawn
    this.ready = true; // the zones that are shown are those that are edited
    this.ends = false; // the zone being drawn is finished when they are
    this.onchoose = () => {};
    this.ondone = () => {};
    zones.addEventListener("change", () => this.render());
    new ResizeObserver(() => this.render()).observe(svg);
    svg.addEventListener("pointerdown", (e) => this.down(e));
    svg.addEventListener("pointermove", (e) => this.hover(e));
    svg.addEventListener("keydown", (e) => this.key(e));
    svg.addEventListener("focusin", (e) => this.focus(e));
  }

  // wait leaves zones alone until others have come; corners may be drawn.
  wait(come) {
    this.ready = false;
    come.then(() => {
      this.ready = true;
      if (this.ends && this.drawing) this.finish();
      this.ends = false;
    });
  }

  // begin starts a new zone, to be drawn point by point.
  begin(kind) {
    this.ends = false;
    this.drawing = { kind, points: [], at: null };
    this.chosen = null;
    this.svg.classList.add("adding");
    this.tell();
    this.render();
  }

  // place puts a new zone in the middle, for those who draw with keys.
  place(kind) {
    this.choose(this.zones.add(kind, [[0.35, 0.35], [0.65, 0.35], [0.65, 0.65], [0.35, 0.65]]), true);
  }

  stop() {
    this.drawing = null;
    this.svg.classList.remove("adding");
    this.tell();
    this.render();
    this.ondone();
  }

  tell() {
    const n = this.drawing?.points.length;
    const first = this.zones.empty() ? "Click or tap the first corner" : "Click or tap the first corner of a new zone, or drag one that is there";
    const texts = [first, "Now the next corner", "At least one more"];
    this.hint(this.drawing ? texts[n] || "The first point again, or Enter, closes the zone" : "");
  }

  choose(at, focus) {
    this.chosen = at;
    this.render();
    if (focus && at) this.node(at)?.focus();
    this.onchoose(at);
  }

  complain(place) {
    this.wrong = place;
    this.render();
  }

  size() { return [this.svg.clientWidth || 1, this.svg.clientHeight || 1]; }

  // at returns where in the picture an event is, 0..1, snapped if wanted.
  at(e, except) {
    const box = this.svg.getBoundingClientRect();
    let x = Math.min(1, Math.max(0, (e.clientX - box.left) / box.width));
    let y = Math.min(1, Math.max(0, (e.clientY - box.top) / box.height));
    if (!this.snap()) return [x, y];
    const [w, h] = [box.width, box.height];
    for (const kind of kinds) {
      for (const [i, points] of this.zones.policy[kind].entries()) {
        for (const [j, p] of points.entries()) {
          if (except && except.kind === kind && except.polygon === i && except.point === j) continue;
          if (Math.hypot((p[0] - x) * w, (p[1] - y) * h) < reach) return [p[0], p[1]];
        }
      }
    }
    if (x * w < reach) x = 0;
    if ((1 - x) * w < reach) x = 1;
    if (y * h < reach) y = 0;
    if ((1 - y) * h < reach) y = 1;
    return [x, y];
  }

  // closes reports whether an event is at the first point of the zone being
  // drawn.
  closes(e) {
    const { points } = this.drawing;
    if (points.length < 3) return false;
    const box = this.svg.getBoundingClientRect();
    const away = Math.hypot(points[0][0] * box.width + box.left - e.clientX, points[0][1] * box.height + box.top - e.clientY);
    return away < (e.pointerType === "touch" ? 24 : reach);
  }

  finish() {
    const { kind, points } = this.drawing;
    if (points.length < 3) return;
    if (!this.ready) {
      this.ends = true;
      return;
    }
    const at = this.zones.add(kind, points);
    this.stop();
    this.choose(at, true);
  }

  // down: a click draws, a drag moves what is there. Until the first corner is
  // set, which of the two is meant shows only when the pointer is let go.
  down(e) {
    if (e.button) return;
    // Keys that end or take back what is drawn are not for the button pressed before.
    if (!this.svg.contains(document.activeElement)) document.activeElement?.blur();
    const { role, kind, polygon, point } = e.target.dataset;
    if (this.drawing?.points.length) {
      e.preventDefault();
      if (this.closes(e)) return this.finish();
      return this.corner(e);
    }
    if (!role || !this.ready) {
      e.preventDefault();
      if (!this.drawing) this.begin(this.kind());
      return this.corner(e);
    }
    e.preventDefault();
    const at = { kind, polygon: +polygon, point: point === undefined ? 0 : +point };
    const click = this.drawing ? () => this.corner(e) : null;
    if (role === "between") this.drag(e, at, { click, insert: true });
    else this.drag(e, at, { click, whole: role === "zone" });
  }

  // corner adds a corner to the zone being drawn, where the event is.
  corner(e) {
    this.drawing.points.push(this.at(e));
    this.tell();
    this.render();
    this.ondone();
  }

  // drag follows the pointer until it is let go: with one point, with a new one
  // between two, or with the whole zone. A step of undo is made at the first move.
  // click, if there is one, is what is meant when there was no move.
  drag(e, at, { click = null, whole = false, insert = false } = {}) {
    if (!click) this.choose(at, !whole && !insert);
    this.svg.setPointerCapture(e.pointerId);
    const start = this.at(e, at), from = this.zones.polygon(at).map((p) => [...p]);
    let moved = false;
    const begin = () => {
      moved = true;
      if (this.drawing) this.stop();
      if (insert) at = this.zones.insert(at);
      else this.zones.remember();
      this.choose(at, !whole);
    };
    const move = (m) => {
      if (!moved && Math.hypot(m.clientX - e.clientX, m.clientY - e.clientY) < 3) return;
      if (!moved) begin();
      const [x, y] = this.at(m, at);
      if (whole) this.zones.shift(at, from, x - start[0], y - start[1]);
      else this.zones.move(at, x, y);
    };
    const end = (u) => {
      this.svg.removeEventListener("pointermove", move);
      this.svg.removeEventListener("pointerup", end);
      this.svg.removeEventListener("pointercancel", end);
      if (moved || u.type !== "pointerup") return;
      if (click) click();
      else if (insert) this.choose(this.zones.insert(at), true);
    };
    this.svg.addEventListener("pointermove", move);
    this.svg.addEventListener("pointerup", end);
    this.svg.addEventListener("pointercancel", end);
  }

  hover(e) {
    if (!this.drawing) return;
    this.drawing.at = this.at(e);
    this.render();
  }

  focus(e) {
    const { role, kind, polygon, point } = e.target.dataset;
    if (role !== "point") return;
    const c = this.chosen;
    if (c && c.kind === kind && c.polygon === +polygon && c.point === +point) return;
    this.choose({ kind, polygon: +polygon, point: +point }, true);
  }

  // key serves the keys on a point. Those of a zone being drawn, and undo, come
  // through command.
  key(e) {
    const { role, kind, polygon, point } = e.target.dataset;
    if (role !== "point" || this.drawing || !this.ready) return;
    const at = { kind, polygon: +polygon, point: +point };
    const [w, h] = this.size();
    const far = e.shiftKey ? 20 : e.altKey ? 1 : 5;
    const steps = { ArrowLeft: [-far / w, 0], ArrowRight: [far / w, 0], ArrowUp: [0, -far / h], ArrowDown: [0, far / h] };
    if (steps[e.key]) {
      const [x, y] = this.zones.polygon(at)[at.point];
      if (!e.repeat) this.zones.remember();
      this.zones.move(at, x + steps[e.key][0], y + steps[e.key][1]);
    } else if (e.key === "Enter") this.choose(this.zones.insert(at), true);
    else if (e.key === "Delete" || e.key === "Backspace") this.choose(this.zones.remove(at), true);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  // command serves keys wherever the focus is, and reports whether it did.
  command(e) {
    if (this.drawing && e.key === "Enter") this.finish();
    else if (this.drawing && e.key === "Escape") this.stop();
    else if (this.drawing && e.key === "Backspace") {
      this.drawing.points.pop();
      this.tell();
      this.render();
    } else return false;
    return true;
  }

  node(at) {
    return this.svg.querySelector(`.point[data-kind="${at.kind}"][data-polygon="${at.polygon}"][data-point="${at.point}"]`);
  }

  render() {
    const [w, h] = this.size();
    const held = document.activeElement?.dataset?.role === "point" && this.svg.contains(document.activeElement);
    const parts = [];
    for (const kind of kinds) {
      for (const [i, points] of this.zones.policy[kind].entries()) parts.push(...this.zone(kind, i, points, w, h));
    }
    if (this.drawing) parts.push(...this.open(w, h));
    this.svg.setAttribute("viewBox", `0 0 ${w} ${h}`);
    this.svg.replaceChildren(...parts);
    if (held && this.chosen) this.node(this.chosen)?.focus();
  }

  zone(kind, i, points, w, h) {
    const wrong = this.wrong?.kind === kind && this.wrong.polygon === i ? this.wrong : null;
    const chosen = this.chosen?.kind === kind && this.chosen.polygon === i;
    const px = points.map(([x, y]) => [x * w, y * h]);
    const data = { "data-kind": kind, "data-polygon": i };
    const shape = `zone ${kind}${chosen ? " chosen" : ""}${wrong ? " wrong" : ""}`;
    const parts = [draw("polygon", { class: shape, points: px.join(" "), "data-role": "zone", ...data })];
    const mid = px.reduce((m, p) => [m[0] + p[0] / px.length, m[1] + p[1] / px.length], [0, 0]);
    // Masks lie in the middle of a property: its name stands at its lower edge.
    if (kind === "property") mid[1] = Math.max(...px.map((p) => p[1])) - 14;
    const label = draw("text", { x: mid[0], y: mid[1] });
    label.textContent = titles[kind];
    parts.push(label);
    for (const [j, p] of px.entries()) {
      const q = px[(j + 1) % px.length];
      if (chosen && Math.hypot(q[0] - p[0], q[1] - p[1]) > 44) {
        const between = { cx: (p[0] + q[0]) / 2, cy: (p[1] + q[1]) / 2, "data-role": "between", "data-point": j, ...data };
        parts.push(draw("circle", { ...between, r: 16, class: "touch" }), draw("circle", { ...between, r: 5, class: "between" }));
      }
      const point = { cx: p[0], cy: p[1], "data-role": "point", "data-point": j, ...data };
      parts.push(draw("circle", { ...point, "data-role": "point", r: 18, class: "touch" }));
      parts.push(draw("circle", {
        ...point, r: chosen ? 8 : 6, class: `point${wrong && (wrong.point === null || wrong.point === j) ? " wrong" : ""}`, tabindex: 0, role: "button",
        "aria-label": `${titles[kind]} ${i + 1}, point ${j + 1} of ${px.length}, ${Math.round(points[j][0] * 100)} percent right, ${Math.round(points[j][1] * 100)} percent down`,
      }));
    }
    return parts;
  }

  // open shows the zone being drawn, with a line to where the pointer is.
  open(w, h) {
    const { kind, points, at } = this.drawing;
    const px = points.map(([x, y]) => [x * w, y * h]);
    const line = at && points.length ? [...px, [at[0] * w, at[1] * h]] : px;
    return [
      draw("polyline", { class: `zone ${kind} open`, points: line.join(" ") }),
      ...px.map(([x, y], j) => draw("circle", { class: "point", cx: x, cy: y, r: j ? 6 : 9 })),
    ];
  }
}
