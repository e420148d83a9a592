// The drawing: zones in outline, people as dots at their foot points, parties with clocks.
// Coordinates are CSS pixels of the stage; camera pixels are scaled by `scale`.

import { clock, status } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const TRAIL_S = 3;
const TRAIL_STEP_S = 0.1;
const NARROW_PX = 520;
const MOST_LONG_TAGS = 4;
const LINE_PX = 16;
const GONE_MS = 400;

function make(name, attributes = {}, parent = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

function shape(role) {
  if (role === "staff") {
    return make("rect", { x: -6, y: -6, width: 12, height: 12, rx: 1.5, transform: "rotate(45)" });
  }
  return make("circle", { r: role === "customer" ? 7 : 6 });
}

function within(start, length, whole) {
  return Math.max(2, Math.min(start, whole - length - 2));
}

// Area of `box`, px², that lies over `others`.
function covered(box, others) {
  let area = 0;
  for (const other of others) {
    const wide = Math.min(box.left + box.width, other.left + other.width) - Math.max(box.left, other.left);
    const high = Math.min(box.top + box.height, other.top + other.height) - Math.max(box.top, other.top);
    if (wide > 0 && high > 0) area += wide * high;
  }
  return area;
}

// Places for a tag, the nearest first: right, left, below and above, then farther off.
function* seats(places, { width, height }) {
  const [first, last] = [places[0], places.at(-1)];
  const middle = (first[0] + last[0] - width) / 2;
  const ys = places.map(([, y]) => y);
  for (const off of [0, 0.6, 1.2, 2, 3]) {
    for (const sign of off ? [1, -1] : [1]) {
      const shift = sign * off * height - height / 2;
      yield [last[0] + 10, last[1] + shift];
      yield [first[0] - 10 - width, first[1] + shift];
    }
    yield [middle, Math.max(...ys) + 10 + off * height];
    yield [middle, Math.min(...ys) - 10 - (1 + off) * height];
  }
}

/** The stage of one camera. */
export class Scene {
  constructor(stage, drawing, plan) {
    this.stage = stage;
    this.drawing = drawing;
    this.plan = plan;
    this.layers = {};
    for (const name of ["zones", "trails", "ties", "dots", "tags"]) {
      this.layers[name] = make("g", { class: name, "aria-hidden": "true" }, drawing);
    }
    this.dots = new Map();
    this.tags = new Map();
    const [width, height] = plan.size_px;
    document.documentElement.style.setProperty("--aspect", width / height);
    this.seatOf = new WeakMap();
    this.names = [];
    this.words = null;
    this.last = null;
    new ResizeObserver(() => this.resize()).observe(stage);
  }

  speak(words) {
    this.words = words;
    this.resize();
  }

  resize() {
    if (!this.words) return;
    this.width = this.stage.clientWidth;
    this.height = this.stage.clientHeight;
    this.scale = this.width / this.plan.size_px[0];
    this.drawZones();
    for (const dot of this.dots.values()) dot.trail = [];
    if (this.last) this.show(this.last);
  }

  drawZones() {
    const { zones } = this.layers;
    zones.replaceChildren();
    const titles = { queue: "queue", counter: "counter", staff: "staffside" };
    const taken = [];
    this.names = taken;
    for (const zone of this.plan.zones) {
      const points = zone.polygon_px.map(([x, y]) => [x * this.scale, y * this.scale]);
      make("polygon", { class: `zone ${zone.kind}`, points: points.join(" ") }, zones);
    }
    for (const zone of this.plan.zones) {
      const points = zone.polygon_px.map(([x, y]) => [x * this.scale, y * this.scale]);
      const kind = this.words[titles[zone.kind]];
      const narrow = zone.kind === "staff" ? kind : zone.name;
      const text = make("text", { class: `zone-name ${zone.kind}` }, zones);
      text.textContent = this.width < NARROW_PX ? narrow : `${zone.name} · ${kind}`;
      this.seatName(text, points, taken);
    }
  }

  // A name stands at its zone's top left corner, inside, and moves down off other names.
  seatName(text, points, taken) {
    const [x, y] = points.reduce((a, b) => (b[0] + b[1] < a[0] + a[1] ? b : a));
    const width = text.getComputedTextLength();
    const left = Math.min(Math.max(4, x + 6), Math.max(4, this.width - width - 4));
    let top = Math.max(y, 0) + 4;
    const hits = (box) => box.top < top + 14 && top < box.top + 14
      && box.left < left + width && left < box.left + box.width;
    for (let i = 0; i < 8 && taken.some(hits); i += 1) top += 15;
    taken.push({ left, top, width, height: 14 });
    text.setAttribute("x", left);
    text.setAttribute("y", top + 11);
  }

  show(scene) {
    this.last = scene;
    if (!this.words) return;
    this.showPeople(scene);
    this.showParties(scene);
    const count = (role) => scene.people.filter((person) => person[3] === role).length;
    const label = this.words.counts(count("customer"), count("staff"), count("unknown"));
    if (this.drawing.getAttribute("aria-label") !== label) {
      this.drawing.setAttribute("aria-label", label);
    }
  }

  showPeople(scene) {
    const here = new Set();
    for (const [id, x, y, role] of scene.people) {
      here.add(id);
      const dot = this.dots.get(id) ?? this.addDot(id);
      dot.leaving = false;
      if (dot.role !== role) this.dress(dot, role);
      dot.at = [x * this.scale, y * this.scale];
      dot.group.style.transform = `translate(${dot.at[0]}px, ${dot.at[1]}px)`;
      dot.group.classList.remove("gone");
      this.drawTrail(dot, scene.at_s);
    }
    for (const [id, dot] of this.dots) if (!here.has(id)) this.leave(id, dot);
  }

  addDot(id) {
    const dot = { group: make("g", { class: "person" }, this.layers.dots), trail: [] };
    dot.lines = [0, 1, 2].map((age) => make("polyline", { class: `trail age${age}` }, this.layers.trails));
    this.dots.set(id, dot);
    return dot;
  }

  dress(dot, role) {
    const figure = shape(role);
    figure.setAttribute("class", `dot ${role}`);
    dot.group.replaceChildren(figure);
    dot.role = role;
    for (const [age, line] of dot.lines.entries()) line.setAttribute("class", `trail age${age} ${role}`);
  }

  drawTrail(dot, atS) {
    const newest = dot.trail.at(-1);
    if (newest && atS < newest[0]) dot.trail = [];
    if (!newest || atS - newest[0] >= TRAIL_STEP_S) dot.trail.push([atS, ...dot.at]);
    while (dot.trail.length && atS - dot.trail[0][0] > TRAIL_S) dot.trail.shift();
    const path = [...dot.trail.map(([, x, y]) => [x, y]), dot.at];
    const third = Math.ceil(path.length / 3);
    for (const [age, line] of dot.lines.entries()) {
      const end = path.length - age * third;
      line.setAttribute("points", path.slice(Math.max(0, end - third - 1), Math.max(0, end)).join(" "));
    }
  }

  leave(id, dot) {
    if (dot.leaving) return;
    dot.leaving = true;
    dot.group.classList.add("gone");
    for (const line of dot.lines) line.setAttribute("points", "");
    setTimeout(() => {
      if (!dot.leaving) return;
      dot.group.remove();
      for (const line of dot.lines) line.remove();
      if (this.dots.get(id) === dot) this.dots.delete(id);
    }, GONE_MS);
  }

  showParties(scene) {
    const here = new Set();
    const boxes = [];
    this.layers.ties.replaceChildren();
    this.short = this.width < NARROW_PX || scene.parties.length > MOST_LONG_TAGS;
    for (const party of scene.parties) {
      const dots = party.members.map((id) => this.dots.get(id)).filter((dot) => dot && !dot.leaving);
      if (!dots.length) continue;
      here.add(party.tag);
      const places = dots.map((dot) => dot.at).sort((a, b) => a[0] - b[0]);
      if (places.length > 1) make("polyline", { class: "tie", points: places.join(" ") }, this.layers.ties);
      this.showTag(party, places, scene.at_s, boxes);
    }
    for (const [tag, label] of this.tags) {
      if (here.has(tag)) continue;
      label.remove();
      this.tags.delete(tag);
    }
  }

  lines(party, atS) {
    const said = status(this.words, party, atS, this.plan);
    const mark = said.late ? "▲ " : "";
    if (this.short) {
      const since = party.served_s ?? party.arrived_s;
      return { late: said.late, rows: [`${mark}P${party.tag} ${clock(atS - since)}`] };
    }
    const [first, ...rest] = said.parts;
    const head = `${mark}P${party.tag} · ${this.words.party(party.size)} · ${first}`;
    return { late: said.late, rows: rest.length ? [head, rest.join(this.words.joint)] : [head] };
  }

  showTag(party, places, atS, boxes) {
    let label = this.tags.get(party.tag);
    if (!label) {
      label = make("g", { class: "tag" }, this.layers.tags);
      label.append(make("rect", { rx: 4 }), make("text", { class: "head" }), make("text"));
      this.tags.set(party.tag, label);
    }
    const { rows, late } = this.lines(party, atS);
    label.classList.toggle("late-tag", late);
    let width = 0;
    for (const [index, row] of label.querySelectorAll("text").entries()) {
      const text = rows[index] ?? "";
      if (row.textContent !== text) row.textContent = text;
      if (text) width = Math.max(width, row.getComputedTextLength());
    }
    this.seatTag(label, rows.length, width, places, boxes);
  }

  // Beside the party where it covers neither tags nor dots; where there is no such place, the
  // one that covers least. A seat that is still good is kept, so that tags do not jump.
  seatTag(label, count, width, places, boxes) {
    const size = { width: width + 10, height: count * LINE_PX + 4 };
    const dots = [...this.dots.values()].filter((dot) => dot.at && !dot.leaving)
      .map(({ at: [x, y] }) => ({ left: x - 8, top: y - 8, width: 16, height: 16 }));
    const cost = (box) => 9 * covered(box, boxes) + 3 * covered(box, dots) + covered(box, this.names);
    let best = null;
    const all = [...seats(places, size)];
    const order = [this.seatOf.get(label) ?? 0, ...all.keys()];
    for (const index of order) {
      const [left, top] = all[index];
      const box = { ...size, left: within(left, size.width, this.width),
        top: within(top, size.height, this.height) };
      const price = cost(box);
      if (!best || price < best.price) best = { box, price, index };
      if (!price) break;
    }
    this.seatOf.set(label, best.index);
    boxes.push(best.box);
    const { left, top } = best.box;
    for (const [key, value] of Object.entries({ x: left, y: top, ...size })) {
      label.firstChild.setAttribute(key, value);
    }
    for (const [index, row] of label.querySelectorAll("text").entries()) {
      row.setAttribute("x", left + 5);
      row.setAttribute("y", top + 14 + index * LINE_PX);
    }
  }
}
