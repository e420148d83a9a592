// Every sentence of the page, in English and Chinese.

/** Seconds as m:ss, or h:mm:ss from an hour on. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 0.001));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

const en = {
  other: "中文",
  title: "Encounter · commissioning view",
  subtitle: "commissioning view",
  skip: "Skip to the moments",
  stopwatch: "Check a counter with a stopwatch",
  banner: "Commissioning view: held in memory, never stored or sent; no pictures exist here.",
  view: "What the device knows now",
  legend: "Legend",
  customer: "customer",
  staff: "staff",
  unknown: "not yet known",
  queue: "queue",
  counter: "counter",
  staffside: "staff side",
  late: "expectation not met",
  here: "Here now",
  nobody: "Nobody is waiting or being served.",
  moments: "Moments",
  nothing: "None yet. A party appears here once it has stayed a few seconds.",
  settling: "○ may still be corrected · ● final",
  leaves: "What leaves this device",
  link: "Link",
  rule: "Rule",
  released: "This window",
  seeing: "Seeing",
  unsaid: "not known yet",
  connecting: "connecting…",
  connected: "connected",
  lost: "no connection to the device",
  lostNotice: "No connection to the device. Trying again…",
  waitingNotice: "Connected. Waiting for the first frame…",
  silent: (age) => `no frame for ${age}`,
  silentNotice: (age) => `The camera has sent no frame for ${age}. What is drawn is old.`,
  ruleText: (k, minutes) =>
    `Nothing is published until at least ${k} parties are in a cell: ` +
    `one counter or queue over ${minutes} minutes, or longer.`,
  counts: (c, s, u) => `${c} customers, ${s} staff, ${u} not yet known`,
  party: (n) => (n === 1 ? "1 person" : `party of\u00a0${n}`),
  waiting: (t) => `waiting\u00a0${t}`,
  greeted: (t) => `greeted after\u00a0${t}`,
  greetedAlready: "greeted",
  ungreeted: "not greeted yet",
  served: (t) => `in service\u00a0${t}`,
  waited: (t) => `waited\u00a0${t}`,
  already: "already here when seeing began",
  away: (t) => `stepped away ${t} ago, may come back`,
  joint: " · ",
  arrived: (point, n) => `arrived at ${point}${n > 1 ? `, party of\u00a0${n}` : ""}`,
  already_here: (point) => `already at ${point} when seeing began`,
  greetedLine: (t) => (t ? `greeted after\u00a0${t}` : "greeted"),
  startedLine: (point, t) => `service started at ${point}${t ? ` after ${t}` : ""}`,
  expected: (t) => `expected within ${t}`,
  passer_by: (point) => `someone passed by ${point}`,
  left: {
    served: (t) => `left after ${t}: served`,
    greeted_only: (t) => `left after ${t}: greeted, not served`,
    abandoned: (t) => `gave up and left after ${t}: neither greeted nor served`,
    passed: (t) => `left after ${t}: only a look, not a failure`,
    still_present: (t) => `still present after ${t}, when seeing ended`,
  },
  corrected: "corrected",
  withdrawn: "taken back",
  more: (n) => `and ${n} more`,
};

const zh = {
  other: "English",
  title: "Encounter · 调试视图",
  subtitle: "调试视图",
  skip: "跳到关键时刻",
  stopwatch: "用秒表核对服务点",
  banner: "调试视图：仅存于内存，从不保存或发送；此处没有任何图像。",
  view: "设备此刻所知",
  legend: "图例",
  customer: "顾客",
  staff: "员工",
  unknown: "尚未判定",
  queue: "排队区",
  counter: "服务点",
  staffside: "员工侧",
  late: "未达标准期待值",
  here: "当前在场",
  nobody: "目前无人等候，也无人接受服务。",
  moments: "关键时刻",
  nothing: "暂无。停留数秒以上的同行组会显示在这里。",
  settling: "○ 仍可能更正 · ● 已确定",
  leaves: "离开本设备的内容",
  link: "连接",
  rule: "规则",
  released: "当前时段",
  seeing: "观测",
  unsaid: "尚未知",
  connecting: "正在连接…",
  connected: "已连接",
  lost: "与设备的连接已断开",
  lostNotice: "与设备的连接已断开，正在重试…",
  waitingNotice: "已连接，正在等待第一帧…",
  silent: (age) => `已有 ${age} 没有新帧`,
  silentNotice: (age) => `摄像头已有 ${age} 没有送来新帧，图中所示为旧内容。`,
  ruleText: (k, minutes) =>
    `每个单元（一个服务点或排队区的 ${minutes} 分钟或更长时段）至少有 ${k} 组到访，才会发布；不足则不发布。`,
  counts: (c, s, u) => `顾客 ${c} 人，员工 ${s} 人，尚未判定 ${u} 人`,
  party: (n) => (n === 1 ? "1 人" : `${n} 人同行`),
  waiting: (t) => `等候\u00a0${t}`,
  greeted: (t) => `${t} 时获迎候`,
  greetedAlready: "已获迎候",
  ungreeted: "尚未获迎候",
  served: (t) => `服务中\u00a0${t}`,
  waited: (t) => `曾等候\u00a0${t}`,
  already: "开始观测时已在场",
  away: (t) => `${t} 前走开，可能返回`,
  joint: " · ",
  arrived: (point, n) => `到达 ${point}${n > 1 ? `，${n} 人同行` : ""}`,
  already_here: (point) => `开始观测时已在 ${point}`,
  greetedLine: (t) => (t ? `到达 ${t} 后获首次迎候` : "获首次迎候"),
  startedLine: (point, t) => `${t ? `等候 ${t} 后` : ""}在 ${point} 开始服务`,
  expected: (t) => `标准期待值：${t} 内`,
  passer_by: (point) => `有人路过 ${point}`,
  left: {
    served: (t) => `已服务，停留 ${t} 后离开`,
    greeted_only: (t) => `仅迎候、未服务，停留 ${t} 后离开`,
    abandoned: (t) => `放弃离开：停留 ${t}，未获迎候也未获服务`,
    passed: (t) => `看了 ${t} 便离开，不算失误`,
    still_present: (t) => `观测结束时仍在场，已停留 ${t}`,
  },
  corrected: "已更正",
  withdrawn: "已撤回",
  more: (n) => `另有 ${n} 条`,
};

const BROKEN = new Set(["abandoned", "greeted_only"]);
const BOOKS = { en, zh };

/** The language that the address asks for, else the browser's, else English. */
export function firstLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked in BOOKS) return asked;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The sentences of a language, with its code. */
export function book(language) {
  return { code: language, ...BOOKS[language] };
}

/** What a party is doing, in short sentences; `late` where an expectation is broken now. */
export function status(words, party, nowS, plan) {
  const { arrived_s: arrived, greeted_s: greeted, served_s: served } = party;
  const parts = [];
  let late = false;
  if (party.departed_s !== null && nowS - party.departed_s >= 3) {
    return { parts: [words.away(clock(nowS - party.departed_s))], late };
  }
  if (served !== null) {
    parts.push(words.served(clock(nowS - served)));
    if (!party.already_here) parts.push(words.waited(clock(served - arrived)));
  } else if (!party.already_here) {
    parts.push(words.waiting(clock(nowS - arrived)));
    late = nowS - arrived > plan.serve_within_s;
  }
  if (party.already_here) {
    parts.push(words.already);
    if (greeted !== null && served === null) parts.push(words.greetedAlready);
  } else if (greeted !== null) {
    parts.push(words.greeted(clock(greeted - arrived)));
  } else {
    parts.push(words.ungreeted);
    late ||= nowS - arrived > plan.greet_within_s;
  }
  return { parts, late };
}

/** A moment as a sentence; `late` where it came later than expected. */
export function sentence(words, moment, plan) {
  const after = moment.after_s === null ? "" : clock(moment.after_s);
  const judged = (text, limitS) => {
    const late = moment.after_s !== null && moment.after_s > limitS;
    return { text: late ? `${text}${words.joint}${words.expected(clock(limitS))}` : text, late };
  };
  switch (moment.kind) {
    case "greeted":
      return judged(words.greetedLine(after), plan.greet_within_s);
    case "service_started":
      return judged(words.startedLine(moment.point, after), plan.serve_within_s);
    case "departed":
      return { text: words.left[moment.outcome](after), late: BROKEN.has(moment.outcome) };
    default:
      return { text: words[moment.kind](moment.point, moment.size), late: false };
  }
}
