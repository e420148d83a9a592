// The stopwatch: presses go to the device with their age, the board comes back.

import { showCertificate } from "./certificate.js";
import { book } from "./stopwatch-words.js";
import { clock, firstLanguage } from "./words.js";

const POLL_MS = 1000;
const RETRY_MS = 800;
const LATEST_MS = 55000;
const SURE_MS = 5000;
const KEYS = ["arrived", "greeted", "served", "left"];

const byId = (id) => document.getElementById(id);
const state = {
  words: book(firstLanguage()),
  board: null, heardMs: 0, chosen: null, shownMade: null,
  waiting: [], sending: false, acts: 0, offline: false, trouble: null, sure: null,
};

const partyOf = (number) => state.board?.session?.parties.find((one) => one.number === number);
const elapsedS = () => (performance.now() - state.heardMs) / 1000;

async function ask(path, body) {
  const how = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(`/stopwatch/${path}`, { cache: "no-store", ...how });
  if (answer.ok || answer.status === 409) return answer.json();
  throw new Error(`${answer.status}`);
}

function take(board) {
  state.offline = false;
  state.board = board;
  state.heardMs = performance.now();
  if (board.refused) {
    const refused = board.refused;
    state.trouble = (words) => (refused.needed ? words.tooFew(refused) : words.refused(refused.message));
  }
  const parties = board.session?.parties ?? [];
  if (!parties.some((one) => one.number === state.chosen)) state.chosen = parties[0]?.number ?? null;
  show();
}

async function act(path, body) {
  state.trouble = null;
  state.acts += 1;
  try {
    take(await ask(path, body));
  } catch {
    state.offline = true;
    show();
  }
}

// Presses are sent in their order; one that cannot be sent is tried again while its time holds.
async function send() {
  if (state.sending) return;
  state.sending = true;
  state.acts += 1;
  while (state.waiting.length) {
    const tap = state.waiting[0];
    const ageMs = Math.max(0, performance.now() - tap.atMs);
    if (ageMs > LATEST_MS) {
      state.waiting.shift();
      state.trouble = (words) => words.lost;
      continue;
    }
    try {
      const board = await ask("press", { press: tap.press, party: tap.party, age_ms: ageMs, tap: tap.id });
      state.waiting.shift();
      take(board);
    } catch {
      state.offline = true;
      show();
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
  state.sending = false;
  show();
}

function press(name, atMs) {
  const id = crypto.getRandomValues(new Uint32Array(1))[0];
  const party = name === "arrived" ? null : state.chosen;
  state.trouble = null;
  state.waiting.push({ press: name, party, atMs, id });
  const { words } = state;
  const said = { ...words, drop: words.dropped }[name];
  byId("spoken").textContent = `${said}: ${party ? words.party(party) : words.newParty}`;
  send();
}

function stageOf(words, party) {
  if (party.served_s !== null) return words.stage.served(clock(party.served_s));
  if (party.greeted_s !== null) return words.stage.greeted(clock(party.greeted_s));
  return words.stage.waiting;
}

function chip(number) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "chip";
  made.setAttribute("role", "radio");
  made.dataset.number = number;
  for (const name of ["number", "stage", "time"]) {
    const part = document.createElement("span");
    part.className = name;
    made.append(part);
  }
  made.addEventListener("click", () => {
    state.chosen = number;
    show();
  });
  return made;
}

function showParties(words, session) {
  const list = byId("parties");
  const wanted = session.parties.map((party) => {
    const found = list.querySelector(`[data-number="${party.number}"]`) ?? chip(party.number);
    const [number, stage, time] = found.children;
    number.textContent = party.number;
    number.setAttribute("aria-label", words.party(party.number));
    stage.textContent = stageOf(words, party);
    time.textContent = clock(party.here_s + elapsedS());
    found.setAttribute("aria-checked", String(party.number === state.chosen));
    return found;
  });
  const same = wanted.length === list.children.length && wanted.every((one, i) => one === list.children[i]);
  if (!same) {
    list.replaceChildren(...wanted);
    list.querySelector('[aria-checked="true"]')?.scrollIntoView({ block: "nearest" });
  }
  byId("nobody").hidden = wanted.length > 0;
}

function showKeys(words, session) {
  const chosen = partyOf(state.chosen);
  byId("arrived-for").textContent = words.newParty;
  const fits = {
    greeted: chosen && chosen.greeted_s === null && chosen.served_s === null,
    served: chosen && chosen.served_s === null,
    left: Boolean(chosen),
  };
  for (const [name, fit] of Object.entries(fits)) {
    byId(name).disabled = !fit;
    byId(name).querySelector("small").textContent = chosen ? words.party(chosen.number) : "";
  }
  const { last } = session;
  const did = last && (last.press === "drop" ? words.dropped : words[last.press]);
  byId("undo").disabled = !last || state.waiting.length > 0;
  byId("undo").textContent = last ? words.undo(did, last.party) : words.undoNothing;
  byId("drop").disabled = !chosen;
  byId("drop").textContent = words.drop(chosen?.number);
}

function showEnding(words, session) {
  const { needed, seeing } = state.board;
  const settlesS = Math.max(0, session.settles_in_s - elapsedS());
  const short = needed - session.finished;
  byId("count").textContent = words.count(session.finished, needed);
  byId("bar").max = needed;
  byId("bar").value = Math.min(session.finished, needed);
  byId("certify").disabled = short > 0 || settlesS > 0 || state.waiting.length > 0;
  const status = short > 0 ? words.notYet(short) : settlesS > 0 ? words.settling(clock(settlesS + 1)) : words.ready;
  if (byId("ready").textContent !== status) byId("ready").textContent = status;
  byId("stop").textContent = state.sure ? words.sure(session.finished) : words.stop;
  if (!seeing && !state.trouble) state.trouble = (book) => book.unseen;
  else if (seeing && state.trouble?.(words) === words.unseen) state.trouble = null;
}

function show() {
  const { words, board } = state;
  if (board) {
    byId("device").textContent = board.device;
    const { session, certificate } = board;
    byId("begin").hidden = Boolean(session || certificate);
    byId("run").hidden = !session;
    byId("result").hidden = Boolean(session) || !certificate;
    if (session) {
      byId("where").textContent = session.point;
      showParties(words, session);
      showKeys(words, session);
      showEnding(words, session);
    } else if (certificate) {
      const made = words.code + JSON.stringify(certificate);
      if (made !== state.shownMade) showCertificate(byId("certificate"), words, certificate);
      state.shownMade = made;
    } else if (byId("points").length !== board.points.length) {
      byId("points").replaceChildren(...board.points.map((point) => new Option(point, point)));
      byId("choice").hidden = board.points.length < 2;
    }
  }
  const told = state.offline ? words.offline(state.waiting.length) : state.trouble?.(words) ?? "";
  if (byId("trouble").textContent !== told) byId("trouble").textContent = told;
  byId("trouble").hidden = !told;
}

function speak() {
  const { words } = state;
  document.documentElement.lang = words.code;
  document.title = words.title;
  for (const place of document.querySelectorAll("[data-say]")) place.textContent = words[place.dataset.say];
  byId("language").textContent = words.other;
  byId("language").lang = words.code === "en" ? "zh" : "en";
  byId("back").href = `/?lang=${words.code}`;
  byId("steps").replaceChildren(...words.steps.map(([head, rest]) => {
    const item = document.createElement("li");
    const bold = document.createElement("b");
    bold.textContent = head;
    item.append(bold, words.code === "en" ? ` ${rest}` : rest);
    return item;
  }));
  show();
}

// The time of a press is that of the finger going down, not of the click that follows.
for (const name of [...KEYS, "drop"]) {
  let downMs = -1;
  byId(name).addEventListener("pointerdown", (event) => { downMs = event.timeStamp; });
  byId(name).addEventListener("click", (event) => {
    const held = event.timeStamp - downMs;
    press(name, downMs >= 0 && held >= 0 && held < 2000 ? downMs : event.timeStamp);
    downMs = -1;
  });
}

document.addEventListener("keydown", (event) => {
  const key = byId(KEYS[Number(event.key) - 1] ?? "");
  if (!key || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("select") || byId("run").hidden || key.disabled) return;
  press(key.id, event.timeStamp);
});

byId("start").addEventListener("click", () => act("begin", { point: byId("points").value }));
byId("undo").addEventListener("click", () => act("undo", {}));
byId("certify").addEventListener("click", () => act("certify", {}));
byId("again").addEventListener("click", () => act("stop", {}));
byId("stop").addEventListener("click", () => {
  if (state.sure) {
    clearTimeout(state.sure);
    state.sure = null;
    act("stop", {});
    return;
  }
  state.sure = setTimeout(() => { state.sure = null; show(); }, SURE_MS);
  show();
});
byId("language").addEventListener("click", () => {
  const next = state.words.code === "en" ? "zh" : "en";
  const address = new URL(location.href);
  address.searchParams.set("lang", next);
  history.replaceState(null, "", address);
  state.words = book(next);
  speak();
});

async function poll() {
  if (!document.hidden && !state.sending) {
    try {
      const { acts } = state;
      const board = await ask("state.json");
      if (!state.sending && acts === state.acts) take(board);
    } catch {
      state.offline = true;
      show();
    }
  }
  setTimeout(poll, POLL_MS);
}

setInterval(() => { if (state.board?.session) show(); }, 250);
speak();
poll();
