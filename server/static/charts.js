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

  function stripes(plot, rows) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour("--hatch");
    ctx.lineWidth = devicePixelRatio;
    for (const row of rows) {
      if (row.dataset.gap === undefined) continue;
      const left = plot.valToPos(number(row, "start"), "x", true);
      const right = plot.valToPos(number(row, "end"), "x", true);
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, bbox.top, right - left, bbox.height);
      ctx.clip();
      ctx.beginPath();
      const gap = 7 * devicePixelRatio;
      for (let at = left - bbox.height; at < right; at += gap) {
        ctx.moveTo(at, bbox.top + bbox.height);
        ctx.lineTo(at + bbox.height, bbox.top);
      }
      ctx.stroke();
      ctx.restore();
    }
    ctx.restore();
  }

  function seconds(value, unit) {
    return value + unit;
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
    const clock = new Intl.DateTimeFormat(document.documentElement.lang, long
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
        { ...axis, grid: { show: false }, values: (_, ticks) => ticks.map((at) => clock.format(new Date(at * 1000))), space: 60, ...(long ? { incrs: [1, 2, 7, 14, 28, 56].map((days) => days * 86400) } : {}) },
        { ...axis, size: 52, space: 38, values: (_, ticks) => ticks.map((at) => seconds(at, box.dataset.unit)) },
      ],
      series: [{}, band, band, { stroke: accent, width: 2.5, points: { show: false } }],
      bands: [{ series: [2, 1], fill: colour("--accent-soft") }],
      hooks: { drawClear: [(self) => stripes(self, rows)] },
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
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
