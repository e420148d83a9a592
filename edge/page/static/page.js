// The page: one connection to the device, one language, one picture of what is known.

import { Here, Moments, showDevice } from "./lists.js";
import { Scene } from "./scene.js";
import { book, clock, firstLanguage } from "./words.js";

const SILENT_MS = 3000;
const LOST_MS = 12000;
const RETRY_MS = 2000;

const byId = (id) => document.getElementById(id);
const state = {
  words: book(firstLanguage()),
  plan: null, scene: null, moments: [], device: null,
  stream: null, link: "connecting", heardMs: 0, sceneMs: 0, retry: null,
};
const here = new Here(byId("parties"), byId("nobody"));
const moments = new Moments(byId("moments"), byId("nothing"), byId("spoken"));
let drawing = null;

function speak() {
  const { words } = state;
  document.documentElement.lang = words.code;
  document.title = words.title;
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = words[node.dataset.say];
  for (const node of document.querySelectorAll("[data-say-label]")) {
    node.setAttribute("aria-label", words[node.dataset.sayLabel]);
  }
  byId("language").textContent = words.other;
  byId("stopwatch").href = `/stopwatch?lang=${words.code}`;
  byId("language").lang = words.code === "en" ? "zh" : "en";
  showLink();
  if (!state.plan) return;
  drawing.speak(words);
  showDevice(words, state.device, state.plan);
  if (!state.scene) return;
  here.show(words, state.scene, state.plan);
  moments.show(words, state.moments, state.scene.at_s, state.plan);
}

function showLink() {
  const { words } = state;
  const silentMs = state.sceneMs ? performance.now() - state.sceneMs : 0;
  const age = clock(silentMs / 1000);
  const silent = state.link === "connected" && silentMs > SILENT_MS;
  let [pill, notice, mood] = [words[state.link], "", state.link];
  if (state.link === "lost") notice = words.lostNotice;
  else if (silent) [pill, notice, mood] = [words.silent(age), words.silentNotice(age), "silent"];
  else if (state.link === "connected" && !state.scene) notice = words.waitingNotice;
  const node = byId("connection");
  if (node.dataset.state !== mood || mood !== "silent") {
    if (node.textContent !== pill) node.textContent = pill;
  }
  node.dataset.state = mood;
  byId("notice").textContent = notice;
  byId("notice").hidden = !notice;
  byId("stage").classList.toggle("old", mood === "lost" || mood === "silent");
}

function lose() {
  state.stream?.close();
  state.stream = null;
  state.link = "lost";
  showLink();
  clearTimeout(state.retry);
  state.retry = setTimeout(start, RETRY_MS);
}

function receive(stream, name, take) {
  stream.addEventListener(name, (event) => {
    state.heardMs = performance.now();
    take(JSON.parse(event.data));
  });
}

function connect() {
  state.heardMs = performance.now();
  const stream = new EventSource("/events");
  state.stream = stream;
  stream.onopen = () => {
    state.link = "connected";
    state.heardMs = performance.now();
    showLink();
  };
  stream.onerror = lose;
  receive(stream, "ping", () => {});
  receive(stream, "device", (device) => {
    state.device = device;
    showDevice(state.words, device, state.plan);
  });
  receive(stream, "moments", (list) => {
    state.moments = list;
    if (state.scene) moments.show(state.words, list, state.scene.at_s, state.plan);
  });
  receive(stream, "scene", (scene) => {
    const first = !state.scene;
    state.scene = scene;
    state.sceneMs = performance.now();
    drawing.show(scene);
    here.show(state.words, scene, state.plan);
    if (first) moments.show(state.words, state.moments, scene.at_s, state.plan);
    if (first || byId("stage").classList.contains("old")) showLink();
  });
}

async function start() {
  clearTimeout(state.retry);
  if (document.hidden || state.stream) return;
  try {
    const plan = await (await fetch("/site.json", { cache: "no-store" })).json();
    if (state.plan && JSON.stringify(plan) !== JSON.stringify(state.plan)) {
      location.reload();
      return;
    }
    if (!state.plan) {
      state.plan = plan;
      drawing = new Scene(byId("stage"), byId("drawing"), plan);
      byId("device").textContent = plan.device;
      speak();
    }
    connect();
  } catch {
    lose();
  }
}

byId("language").addEventListener("click", () => {
  const next = state.words.code === "en" ? "zh" : "en";
  const address = new URL(location.href);
  address.searchParams.set("lang", next);
  history.replaceState(null, "", address);
  state.words = book(next);
  speak();
});

// A page that nobody looks at asks nothing of the device.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    state.stream?.close();
    state.stream = null;
  } else start();
});

setInterval(() => {
  if (state.stream && performance.now() - state.heardMs > LOST_MS) lose();
  else showLink();
}, 1000);

speak();
start();
