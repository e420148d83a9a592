// The course of a point as a chart, drawn from the table that stands below it.
"use strict";

(function () {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (row, name) => (row.dataset[name] === undefined ? null : Number(row.dataset[name]));

  // Each row becomes two samples, its beginning and its end, so that a cell is a level step.
  // Where the interval has no upper end, its band reaches the top.
  function columns(rows, top) {
    const x = [], value = [], low = [], high = [];
    for (const row of rows) {
      const start = number(row, "start"), end = number(row, "end");
      const v = number(row, "value"), l = number(row, "low");
      const h = l === null ? null : number(row, "high") || top;
      for (const at of [start, end]) {
        x.push(at); value.push(v); low.push(l); high.push(h);
      }
      x.push(end); value.push(null); low.push(null); high.push(null);
    }
    return [x, low, high, value];
  }

  // How time without figures is drawn: slopes of the lines across it. The legend's keys in
  // pages.css say the same.
  const SLOPES = {
    suppressed: [1], outside: [-1], nothing_received: [1, -1], pending: [0],
    voided: [1, 0], trial: [-1, 0],
  };

  function lines(ctx, left, right, top, height, slope) {
    const gap = (slope === 0 ? 5 : 7) * devicePixelRatio;
    ctx.beginPath();
    if (slope === 0) {
      for (let at = top; at < top + height; at += gap) { ctx.moveTo(left, at); ctx.lineTo(right, at); }
    } else {
      for (let at = left - height; at < right; at += gap) {
        ctx.moveTo(at, slope > 0 ? top + height : top);
        ctx.lineTo(at + height, slope > 0 ? top : top + height);
      }
    }
    ctx.stroke();
  }

  // Opening time without figures is hatched; what lies between the rows is closing time.
  function ground(plot, rows, shadeClosed) {
    const { ctx, bbox } = plot;
    const across = (from, to, paint) => {
      const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
      if (right <= left) return;
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, bbox.top, right - left, bbox.height);
      ctx.clip();
      paint(left, right);
      ctx.restore();
    };
    let until = plot.scales.x.min;
    for (const row of [...rows, null]) {
      const start = row ? number(row, "start") : plot.scales.x.max;
      if (shadeClosed && start > until) {
        across(until, start, (left, right) => {
          ctx.fillStyle = colour("--closed");
          ctx.fillRect(left, bbox.top, right - left, bbox.height);
        });
      }
      if (!row) break;
      until = Math.max(until, number(row, "end"));
      if (row.dataset.gap === undefined) continue;
      across(start, number(row, "end"), (left, right) => {
        ctx.strokeStyle = colour("--hatch");
        ctx.lineWidth = devicePixelRatio;
        for (const slope of SLOPES[row.dataset.gap]) lines(ctx, left, right, bbox.top, bbox.height, slope);
      });
    }
  }

  // Where cells before and after are not strictly comparable; the table says what changed.
  function cuts(plot, rows) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour("--range");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const row of rows.filter((one) => one.dataset.cut !== undefined)) {
      const at = plot.valToPos(number(row, "start"), "x", true);
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  // Whole minutes once the axis is long enough to be ticked in them.
  function ticks(values, box) {
    const minutes = values.length > 0 && values.every((at) => at % 60 === 0);
    return values.map((at) => (minutes ? at / 60 + box.dataset.minutes : at + box.dataset.unit));
  }

  function draw(box) {
    const table = document.getElementById(box.dataset.chart);
    const rows = Array.from(table.querySelectorAll("tbody tr"));
    box.replaceChildren();
    if (!rows.some((row) => row.dataset.low !== undefined)) return;
    const soft = colour("--soft"), line = colour("--line"), accent = colour("--accent");
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const band = { stroke: "transparent", points: { show: false } };
    const long = number(rows[rows.length - 1], "end") - number(rows[0], "start") > 2 * 86400;
    const clock = new Intl.DateTimeFormat(document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang, long
      ? { day: "numeric", month: "short", timeZone: box.dataset.zone }
      : { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: box.dataset.zone });
    const top = Math.max(...rows.map((row) => Math.max(number(row, "high") || 0, number(row, "value") || 0, number(row, "low") || 0)));
    const plot = new uPlot({
      width: box.clientWidth,
      height: 190,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), box.dataset.zone),
      cursor: { show: false },
      legend: { show: false },
      scales: { y: { range: [0, top * 1.08 || 1] } },
      axes: [
        { ...axis, size: 30, grid: { show: false }, values: (_, found) => found.map((at) => clock.format(new Date(at * 1000))), space: 60, ...(long ? { incrs: [1, 2, 7, 14, 28, 56].map((days) => days * 86400) } : {}) },
        { ...axis, size: 60, space: 38, label: box.dataset.axis, labelSize: 20, labelFont: "12px system-ui", incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600], values: (_, found) => ticks(found, box) },
      ],
      series: [{}, band, band, { stroke: accent, width: 2.5, points: { show: false } }],
      bands: [{ series: [2, 1], fill: colour("--accent-soft") }],
      hooks: { drawClear: [(self) => ground(self, rows, box.dataset.closed !== undefined)], draw: [(self) => cuts(self, rows)] },
    }, columns(rows, top * 2), box);
    box.plot = plot;
  }

  function drawAll() {
    for (const box of document.querySelectorAll("[data-chart]")) {
      draw(box);
      resized.observe(box);
    }
  }

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.plot && target.plot.width !== target.clientWidth && target.clientWidth > 0) draw(target);
    }
  });

  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
  for (const media of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(media).addEventListener("change", drawAll);
  }
})();
