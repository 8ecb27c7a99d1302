/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A sweep: runs of one policy that differ in their parameters. One varied parameter is drawn as a line, two as a heat
 * map; where there are more, a point is the best run that has these values. The optimum is the reference.
 */
"use strict";

/* Names of the parameters that differ, in the policy's order; null: this is no sweep. */
function varied(set) {
  const runs = set.runs, first = runs[0];
  if (runs.length < 3 || runs.some((run) => run.policy !== first.policy)) return null;
  const names = Object.keys(first.params).filter((name) => runs.some((run) => run.params[name] !== first.params[name]));
  return names.length ? names : null;
}

/* The values of a parameter in ascending order; unbounded (null) is the last. */
function valuesOf(set, name) {
  const order = (value) => value === null ? Infinity : value;
  return [...new Set(set.runs.map((run) => run.params[name]))].sort((a, b) => order(a) - order(b));
}

function valueText(value) {
  return value === null ? "unbounded" : value.toLocaleString("en");
}

/* The best active run with these values; runs come best first. */
function bestWith(set, values) {
  return set.runs.find((run) => !run.inactive && Object.entries(values).every(([name, value]) => run.params[name] === value)) || null;
}

/* CPU time of the offline optimum, which is known at constant latencies only. */
function optimumTime(set) {
  return set.bounds && set.runs.length ? set.runs[0].exec_ns + set.bounds.optimum_ns : null;
}

function sweepChart(canvas, set, name) {
  const values = valuesOf(set, name), base = set.runs[0].elapsed_ns, optimum = optimumTime(set);
  const line = (label, colourName, data, extra) => Object.assign({
    label, data, borderColor: () => colour(colourName), backgroundColor: () => colour(colourName), borderWidth: 2,
  }, extra);
  const time = values.map((value) => { const run = bestWith(set, { [name]: value }); return run ? run.elapsed_ns / base * 100 : null; });
  const datasets = [line("elapsed CPU time", "remote", time, { pointRadius: 4, spanGaps: true })];
  if (optimum !== null)
    datasets.push(line("offline optimum, constant latencies", "mark", values.map(() => optimum / base * 100), { borderDash: [5, 4], pointRadius: 0 }));
  return newChart(canvas, {
    type: "line", data: { labels: values.map(valueText), datasets },
    options: {
      scales: { x: axis(name), y: axis("% of the best run") },
      plugins: { tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${item.parsed.y.toFixed(2)} %` } } },
    },
  });
}

function sweepCell(set, run, least, most) {
  if (!run) return el("td", { title: "inactive" }, "\u2013");
  const part = most > least ? (run.elapsed_ns - least) / (most - least) : 0;
  const time = (run.elapsed_ns / least * 100).toFixed(1);
  return el("td", { style: `--cell: rgba(var(--heat), ${(part * .85).toFixed(3)})`, title: `${run.spec}: ${duration(run.elapsed_ns)}` },
    run.elapsed_ns === least ? el("b", {}, time) : time);
}

function sweepTable(set, [down, across]) {
  const columns = valuesOf(set, across), rows = valuesOf(set, down);
  const active = set.runs.filter((run) => !run.inactive).map((run) => run.elapsed_ns);
  const least = Math.min(...active), most = Math.max(...active);
  return el("table", { class: "heat sweep" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, `${down} \\ ${across}`), ...columns.map((value) => el("th", { scope: "col" }, valueText(value))))),
    el("tbody", {}, ...rows.map((value) => el("tr", {}, el("th", { scope: "row" }, valueText(value)),
      ...columns.map((other) => sweepCell(set, bestWith(set, { [down]: value, [across]: other }), least, most))))));
}

function sweepSurface(set, names) {
  const optimum = optimumTime(set), best = set.runs[0];
  const rest = names.length > 2 ? ` Of ${names.slice(2).join(" and ")}, the best value for each cell.` : "";
  return el("div", { class: "card" }, el("h3", {}, `Over ${names[0]} and ${names[1]}`),
    el("p", { class: "note" }, "Elapsed CPU time in % of the best run, which is bold; the darker, the slower." + rest +
      (optimum !== null ? ` The offline optimum at constant latencies would take ${(optimum / best.elapsed_ns * 100).toFixed(1)} %.` : "")),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "sweep" }, sweepTable(set, names)));
}

/* Before everything else that a comparison shows. */
function sweepFigures(set, grid) {
  const names = varied(set);
  if (!names || set.runs[0].inactive) return;
  if (names.length > 1) grid.append(sweepSurface(set, names));
  for (const name of names)
    grid.append(figure(`Over ${name}`, "Elapsed CPU time in % of the best run." +
      (names.length > 1 ? " Each point is the best run that has this value." : "") +
      (set.bounds ? " The dashed line is the offline optimum at constant latencies." : ""),
    300, names.length > 1, `Elapsed time over ${name}`, (canvas) => sweepChart(canvas, set, name)));
}
