/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The charts of one trace. Every chart reads its colours from the style sheet when it draws, so that light, dark and
 * print are one place.
 */
"use strict";

const charts = [];
const hues = [160, 25, 265, 205, 340, 95, 45, 300, 185, 5, 235, 130, 65, 320, 20, 280, 150];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function isDark() {
  return !document.documentElement.dataset.print && matchMedia("(prefers-color-scheme: dark)").matches;
}

/* One colour per run of a set, the same in all its charts. */
function runColour(index) {
  return `hsl(${hues[index % hues.length]} ${isDark() ? "60% 65%" : "60% 38%"})`;
}

/* Colours are given as functions and so follow a change of scheme at the next update. */
function axis(title, extra) {
  return Object.assign({
    title: { display: Boolean(title), text: title, color: () => colour("soft") },
    ticks: { color: () => colour("soft"), maxRotation: 0 },
    grid: { color: () => colour("grid"), drawBorder: false },
  }, extra);
}

function newChart(canvas, config) {
  config.options = Object.assign({
    animation: false, responsive: true, maintainAspectRatio: false, resizeDelay: 50,
    interaction: { mode: "nearest", axis: config.type === "line" ? "x" : "xy", intersect: false },
  }, config.options);
  const plugins = config.options.plugins = Object.assign({}, config.options.plugins);
  plugins.legend = Object.assign({ position: "top", align: "start" }, plugins.legend);
  plugins.legend.labels = { color: () => colour("ink"), boxWidth: 12, boxHeight: 12, padding: 10 };
  const chart = new Chart(canvas, config);
  charts.push(chart);
  return chart;
}

function redrawCharts() {
  for (const chart of charts) chart.update("none");
}

function clipped(text, length) {
  return text.length > length ? text.slice(0, length - 1) + "\u2026" : text;
}

/* Vertical line at options.at with a word beside it, as the figure in the paper marks its floor. */
const markLine = {
  id: "markLine",
  afterDatasetsDraw(chart, _, options) {
    if (!options || typeof options.at !== "number") return;
    const { ctx, chartArea: area, scales: { x } } = chart;
    const at = x.getPixelForValue(options.at);
    if (!(at >= area.left && at <= area.right)) return;
    const right = at > (area.left + area.right) / 2;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("mark");
    ctx.lineWidth = 1.5;
    ctx.setLineDash([5, 4]);
    ctx.beginPath();
    ctx.moveTo(at, area.top - 6);
    ctx.lineTo(at, area.bottom);
    ctx.stroke();
    ctx.font = "600 12px system-ui, sans-serif";
    ctx.textAlign = right ? "right" : "left";
    ctx.textBaseline = "bottom";
    ctx.fillText(options.label, at + (right ? -6 : 6), area.top - 4);
    ctx.restore();
  },
};

function bars(canvas, labels, datasets, x, options) {
  const narrow = canvas.parentNode.clientWidth < 420;
  return newChart(canvas, {
    type: "bar",
    data: { labels: labels.map((label) => clipped(label, narrow ? 16 : 30)), datasets },
    plugins: [markLine],
    options: Object.assign({
      indexAxis: "y",
      scales: {
        x: axis(x, { stacked: true, beginAtZero: true }),
        y: axis("", { stacked: true, grid: { display: false }, ticks: { color: () => colour("ink"), autoSkip: false } }),
      },
    }, options),
  });
}

function part(label, name, data) {
  return { label, data, backgroundColor: () => colour(name), barPercentage: .8, categoryPercentage: .9 };
}

/* Figure 8 of the paper: what the time is made of, first touch = 100 (the best run where first touch did not run). */
function timeChart(canvas, set, runs, base) {
  const percent = (ns) => ns / base.ns * 100;
  const labels = runs.map((run) => run.spec);
  const pick = (member) => runs.map((run) => percent(run[member]));
  const sums = { exec: pick("exec_ns"), local: pick("local_stall_ns"), remote: pick("remote_stall_ns"), over: pick("overhead_ns") };
  const bounds = set.bounds, exec = runs.length ? runs[0].exec_ns : 0;
  if (bounds) {
    labels.push("UMA (yardstick)");
    sums.exec.push(percent(exec));
    sums.local.push(percent(bounds.uma_ns));
    sums.remote.push(0);
    sums.over.push(0);
  }
  const mark = bounds ? { at: percent(exec + bounds.optimum_ns), label: "offline optimum" } : {};
  return bars(canvas, labels, [part("execution", "exec", sums.exec), part("local stall", "local", sums.local),
    part("remote stall", "remote", sums.remote), part("overhead", "overhead", sums.over)], `% of ${base.name}`, {
    layout: { padding: { top: bounds ? 20 : 0 } },
    plugins: {
      markLine: mark, legend: { position: "bottom", align: "center" },
      tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${item.parsed.x.toFixed(1)} %` } },
    },
  });
}

function optimumChart(canvas, runs) {
  const shown = runs.filter((run) => run.to_optimum !== null);
  const shares = shown.map((run) => run.to_optimum * 100);
  const least = Math.min(...shares);
  const data = part("share of the way", "local", shares);
  data.backgroundColor = (item) => colour(item.raw < 0 ? "remote" : "local");
  return bars(canvas, shown.map((run) => run.spec), [data], "% of the way from first touch to the optimum", {
    scales: {
      x: axis("% of the way from first touch to the optimum", { suggestedMax: 100, min: least < -100 ? -100 : undefined }),
      y: axis("", { grid: { display: false }, ticks: { color: () => colour("ink"), autoSkip: false } }),
    },
    plugins: { legend: { display: false }, markLine: { at: 100, label: "" } },
  });
}

const causes = ["sample", "hint", "scan", "move", "copy", "collapse", "shootdown"];

function overheadChart(canvas, runs, base) {
  const shown = runs.filter((run) => run.overhead_ns > 0);
  const used = causes.filter((cause) => shown.some((run) => run.overhead_by_ns[cause] > 0));
  const datasets = used.map((cause) => {
    const index = causes.indexOf(cause);
    return Object.assign(part(cause, "", shown.map((run) => run.overhead_by_ns[cause] / base.ns * 100)),
      { backgroundColor: () => runColour(index) });
  });
  return bars(canvas, shown.map((run) => run.spec), datasets, `% of ${base.name}`, {
    plugins: { tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${item.parsed.x.toFixed(2)} %` } } },
  });
}

/* Lines over recorded time in ms, or in s where `x` names the axis; the legend switches them. More than `first` lines start hidden. */
function overTime(canvas, runs, member, y, scale, first, x) {
  const datasets = runs.map((run, index) => ({
    label: clipped(run.spec, 30),
    data: run.series[member].map((value, i) => ({ x: run.series.time_ms[i] / (x ? 1e3 : 1), y: value === null ? null : value * scale })),
    borderColor: () => runColour(index), backgroundColor: () => runColour(index),
    borderWidth: 1.75, pointRadius: 0, pointHitRadius: 8, tension: 0, spanGaps: true, hidden: index >= first,
  }));
  return newChart(canvas, {
    type: "line", data: { datasets },
    options: {
      scales: {
        x: axis(x || "recorded time, ms", {
          type: "linear", bounds: "data", ticks: { color: () => colour("soft"), maxRotation: 0, includeBounds: false },
        }),
        y: axis(y, { beginAtZero: true }),
      },
      plugins: { tooltip: { mode: "nearest", intersect: false } },
    },
  });
}

function nodeChart(canvas, run) {
  const labels = run.utilisation_mean.map((_, node) => `node ${node}`);
  const one = (label, name, values) => ({ label, data: values.map((v) => v * 100), backgroundColor: () => colour(name) });
  return newChart(canvas, {
    type: "bar",
    data: { labels, datasets: [one("mean", "local", run.utilisation_mean), one("peak", "exec", run.utilisation_peak)] },
    options: { scales: { x: axis("", { grid: { display: false } }), y: axis("% of its bandwidth", { beginAtZero: true }) } },
  });
}

function showNode(chart, run) {
  chart.data.datasets[0].data = run.utilisation_mean.map((v) => v * 100);
  chart.data.datasets[1].data = run.utilisation_peak.map((v) => v * 100);
  chart.update("none");
}
