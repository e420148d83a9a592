// Every sentence of the stopwatch page, in English and Chinese.

const en = {
  other: "中文",
  title: "Encounter · stopwatch",
  subtitle: "stopwatch",
  back: "View",
  beginTitle: "Check this counter with a stopwatch",
  steps: [
    ["Stand where you see what the camera sees", "and press for every party; several may be in progress at once."],
    ["Arrived:", "it steps into the queue or up to the counter."],
    ["Greeted:", "staff turn to it for the first time."],
    ["Served:", "its service at the counter begins. The device waits 5 s to be sure; you need not."],
    ["Left:", "it has gone."],
    ["Leave nobody out and take no break:", "a visit that you do not press counts against the device."],
    ["At 30 finished visits or more", "the page compares them with the device's own, and erases them."],
  ],
  point: "Service point",
  start: "Start",
  privacy: "What you press is held in this device's memory alone. It is erased when the certificate is made, when you stop, and after 12 hours. Nobody's name is asked, not yours either.",
  open: "Parties in front of you",
  nobody: "Nobody yet. Press “Arrived” when a party comes.",
  arrived: "Arrived",
  greeted: "Greeted",
  served: "Served",
  left: "Left",
  newParty: "a new party",
  party: (n) => `party ${n}`,
  stage: { waiting: "waiting", greeted: (t) => `greeted after ${t}`, served: (t) => `served after ${t}` },
  undo: (last, party) => `Undo “${last}”, party ${party}`,
  undoNothing: "Nothing to undo",
  drop: (n) => (n ? `Party ${n} was no visit` : "Was no visit"),
  dropped: "was no visit",
  count: (n, of) => (n < of ? `${n} of ${of} visits` : `${n} visits; ${of} are needed`),
  certify: "Make the certificate",
  stop: "Stop and erase",
  sure: (n) => (n ? `Really erase ${plural(n, "visit")}?` : "Really stop?"),
  notYet: (n) => (n === 1 ? "1 more visit is needed." : `${n} more visits are needed.`),
  settling: (t) => `The device still settles the last visits: ${t}.`,
  ready: "Ready. Parties in progress are left out; all rows are erased.",
  unseen: "The camera sends no frames. Nothing can be compared without them.",
  offline: (n) => (n ? `No connection; to be sent later: ${plural(n, "press", "presses")}.` : "No connection to the device. Trying again…"),
  lost: "A press could not be sent in time and was dropped. Undo that party, or let it go.",
  tooFew: (r) => `No certificate: of ${r.logged} visits you pressed, the device has ${r.found}; ${r.needed} are needed. Your rows are kept; go on, or check that this is the right counter.`,
  refused: (message) => `The device refused: ${message}`,
  resultTitle: "Certificate of this counter",
  download: "Save as JSON",
  again: "Erase it and start again",
  facts: { point: "Device · service point", week: "Week", sample: "Compared visits", found: "Found by the device", genuine: "Genuine among the device's", outcome: "Same outcome", clock: "Clock offset, taken out", version: "Software · model · definition", geometry: "Geometry" },
  share: (s) => (s.of ? `${s.count} of ${s.of} · ${pct(s.share)} (${bare(s.low)} to ${bare(s.high)})` : "none"),
  looks: (n) => (n ? `; ${n} of the rest were looks` : ""),
  measures: { waiting: "Waiting time", greeting: "Greeting latency", visit: "Visit duration" },
  rows: { bias: "mean error", ci: "95 % interval", sd: "standard deviation", p90: "90 % within", limits: "limits of agreement", pairs: "pairs" },
  range: (low, high) => `${low} to ${high}`,
  withheld: (n) => `Withheld: fewer than ${n} pairs.`,
  notes: [
    "Errors are device minus you, in seconds: plus means that the device says longer.",
    "Your own reaction time is part of the spread, some tenths of a second a press.",
    "Interaction duration is not certified: a stopwatch with four buttons has no engagements.",
    "It speaks for this counter, geometry, definition and model, in conditions like that week's.",
  ],
};

const zh = {
  other: "English",
  title: "Encounter · 秒表",
  subtitle: "秒表",
  back: "视图",
  beginTitle: "用秒表核对此服务点",
  steps: [
    ["站在能看到摄像头所见范围的位置，", "为每一组顾客按键；可以几组同时进行。"],
    ["到达：", "该组走进排队区，或来到服务点。"],
    ["迎候：", "员工首次转向该组。"],
    ["开始服务：", "该组在服务点开始接受服务。设备会等 5 秒确认，您不必等。"],
    ["离开：", "该组已走。"],
    ["不要漏记，也不要中途休息：", "没有按键的到访会算作设备的错误。"],
    ["满 30 次到访后，", "页面将其与设备的结果比较，随后清除。"],
  ],
  point: "服务点",
  start: "开始",
  privacy: "按键记录只存于本设备内存；生成证书时、停止时、满 12 小时后即清除。不询问任何人的姓名，包括您的。",
  open: "您面前的同行组",
  nobody: "暂无。有同行组到来时请按“到达”。",
  arrived: "到达",
  greeted: "迎候",
  served: "开始服务",
  left: "离开",
  newParty: "新的一组",
  party: (n) => `第 ${n} 组`,
  stage: { waiting: "等候中", greeted: (t) => `${t} 时获迎候`, served: (t) => `${t} 时开始服务` },
  undo: (last, party) => `撤销第 ${party} 组的“${last}”`,
  undoNothing: "没有可撤销的",
  drop: (n) => (n ? `第 ${n} 组不是到访` : "不是到访"),
  dropped: "不是到访",
  count: (n, of) => (n < of ? `已完成 ${n} / ${of} 次到访` : `已完成 ${n} 次到访（需 ${of} 次）`),
  certify: "生成证书",
  stop: "停止并清除",
  sure: (n) => (n ? `确定清除 ${n} 次到访？` : "确定停止？"),
  notYet: (n) => `还需 ${n} 次到访。`,
  settling: (t) => `设备仍在确定最后几次到访：${t}。`,
  ready: "可以生成。尚在进行的组不计入；所有记录随后清除。",
  unseen: "摄像头没有送来画面，无法比较。",
  offline: (n) => (n ? `连接已断开；${n} 次按键等待发送。` : "与设备的连接已断开，正在重试…"),
  lost: "一次按键未能及时发送，已放弃。请撤销该组，或将其排除。",
  tooFew: (r) => `未生成证书：您记录的 ${r.logged} 次到访中，设备有 ${r.found} 次，至少需要 ${r.needed} 次。记录仍保留；请继续，或确认服务点是否正确。`,
  refused: (message) => `设备拒绝：${message}`,
  resultTitle: "此服务点的证书",
  download: "保存为 JSON",
  again: "清除并重新开始",
  facts: { point: "设备 · 服务点", week: "周", sample: "比较的到访", found: "设备记到的", genuine: "设备所记属实的", outcome: "结果一致", clock: "时钟偏差（已扣除）", version: "软件 · 模型 · 定义", geometry: "几何" },
  share: (s) => (s.of ? `${s.count} / ${s.of} · ${pct(s.share)}（${bare(s.low)} 至 ${bare(s.high)}）` : "无"),
  looks: (n) => (n ? `；其余中 ${n} 次只是看看` : ""),
  measures: { waiting: "等候时长", greeting: "首次迎候时延", visit: "到访时长" },
  rows: { bias: "平均误差", ci: "95 % 置信区间", sd: "标准差", p90: "90 % 在此之内", limits: "一致性界限", pairs: "对数" },
  range: (low, high) => `${low} 至 ${high}`,
  withheld: (n) => `不予给出：不足 ${n} 对。`,
  notes: [
    "误差为设备减去您的记录，单位秒：正数表示设备所记更长。",
    "您自己的反应时间也在离散之中，每次按键约零点几秒。",
    "互动时长不予证明：四键秒表无从得知各次互动。",
    "证书只适用于此服务点、几何、定义与模型，以及与该周相近的条件。",
  ],
};

const BOOKS = { en, zh };

function plural(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}

function bare(share) {
  return (100 * share).toFixed(1);
}

function pct(share) {
  return `${bare(share)}\u00a0%`;
}

/** The sentences of a language, with its code. */
export function book(language) {
  return { code: language, ...BOOKS[language] };
}
