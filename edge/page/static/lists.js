// The lists beside the drawing: parties here now, moments, what leaves the device.

import { sentence, status } from "./words.js";

const SIGNS = {
  arrived: "→", already_here: "·", greeted: "◐", service_started: "◼", departed: "←", passer_by: "⋯",
};
const SPEAK_MS = 4000;
const MOST_SPOKEN = 3;

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Parties with a running clock; rows are kept, so that a reader's place is not lost. */
export class Here {
  constructor(list, empty) {
    this.list = list;
    this.empty = empty;
    this.rows = new Map();
  }

  show(words, scene, plan) {
    const seen = new Set();
    for (const party of scene.parties) {
      seen.add(party.tag);
      const row = this.rows.get(party.tag) ?? this.add(party.tag);
      const said = status(words, party, scene.at_s, plan);
      row.item.classList.toggle("is-late", said.late);
      say(row.mark, said.late ? "▲" : "");
      say(row.text, [words.party(party.size), ...said.parts].join(words.joint));
      say(row.place, party.point);
    }
    for (const [tag, row] of this.rows) {
      if (seen.has(tag)) continue;
      row.item.remove();
      this.rows.delete(tag);
    }
    this.empty.hidden = seen.size > 0;
  }

  add(tag) {
    const row = {
      item: element("li", "party"),
      mark: element("span", "late"),
      text: element("span", "doing"),
      place: element("span", "place"),
    };
    row.item.append(element("b", "tag-name", `P${tag}`), row.text, row.mark, row.place);
    this.list.append(row.item);
    this.rows.set(tag, row);
    return row;
  }
}

/** The moments, the latest first, and their quiet announcement. */
export class Moments {
  constructor(list, empty, spoken) {
    this.list = list;
    this.empty = empty;
    this.spoken = spoken;
    this.wall = new Map();
    this.heard = null;
    this.waiting = [];
    this.timer = null;
  }

  show(words, moments, nowS, plan) {
    this.announce(words, moments, plan);
    const atTop = this.list.scrollTop < 8;
    const rows = moments.map((moment) => this.row(words, moment, nowS, plan));
    this.list.replaceChildren(...rows);
    if (atTop) this.list.scrollTop = 0;
    this.empty.hidden = moments.length > 0;
    const kept = new Set(moments.map((moment) => moment.number));
    for (const number of this.wall.keys()) if (!kept.has(number)) this.wall.delete(number);
  }

  row(words, moment, nowS, plan) {
    const { text, late } = sentence(words, moment, plan);
    const item = element("li", `moment ${moment.kind}`);
    item.classList.toggle("withdrawn", moment.withdrawn);
    item.classList.toggle("fresh", this.heard !== null && nowS - moment.at_s < 8);
    const sign = element("span", "sign", SIGNS[moment.kind]);
    sign.setAttribute("aria-hidden", "true");
    const body = element("span", "body");
    if (moment.party) body.append(element("b", "tag-name", `P${moment.party}`), " ");
    body.append(element("span", "text", text));
    if (late) body.append(" ", element("span", "late", "▲"));
    const note = moment.withdrawn ? words.withdrawn : moment.corrected ? words.corrected : "";
    if (note) body.append(" ", element("span", "note", note));
    const settled = element("span", "settled", moment.withdrawn ? "" : moment.settled ? "●" : "○");
    settled.setAttribute("aria-hidden", "true");
    item.append(element("time", "", this.timeOf(words, moment, nowS)), sign, body, settled);
    return item;
  }

  // The viewer's own clock, set once for each moment: the device sends camera time alone.
  timeOf(words, moment, nowS) {
    if (!this.wall.has(moment.number)) {
      this.wall.set(moment.number, new Date(Date.now() - (nowS - moment.at_s) * 1000));
    }
    return this.wall.get(moment.number).toLocaleTimeString(words.code, { hour12: false });
  }

  announce(words, moments, plan) {
    const fresh = this.heard === null ? [] : moments.filter((moment) => moment.number > this.heard);
    this.heard = Math.max(this.heard ?? 0, ...moments.map((moment) => moment.number));
    for (const moment of fresh.reverse()) {
      const tag = moment.party ? `P${moment.party} ` : "";
      this.waiting.push(tag + sentence(words, moment, plan).text);
    }
    if (this.waiting.length && this.timer === null) this.speak(words);
  }

  speak(words) {
    const rest = this.waiting.length - MOST_SPOKEN;
    const said = this.waiting.slice(0, MOST_SPOKEN);
    if (rest > 0) said.push(words.more(rest));
    this.waiting = [];
    this.spoken.textContent = said.join(". ");
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.waiting.length) this.speak(words);
    }, SPEAK_MS);
  }
}

/** What leaves the device. */
export function showDevice(words, device, plan) {
  const put = (id, text) => say(document.getElementById(id), text || words.unsaid);
  put("link", device?.link[words.code]);
  put("released", device?.released[words.code]);
  put("coverage", device?.coverage[words.code]);
  put("rule", words.ruleText(plan.k, plan.window_s / 60));
}
