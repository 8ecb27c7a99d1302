/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Puts the page together: the paper check, if it is one, and one section per trace.
 */
"use strict";

const CHART_RUNS = 12; /* bars beyond this are in the table only */
const LINES_SHOWN = 5; /* lines that start visible */

function firstTouch(set) {
  return set.runs.find((run) => run.policy === "first_touch") || null;
}

/* Elapsed time that is 100 %: first touch's, or the best run's where first touch did not run. */
function baseTime(set) {
  const run = firstTouch(set) || set.runs[0];
  return { ns: run ? run.elapsed_ns : 0, name: run && run.policy === "first_touch" ? "first touch" : "the best run" };
}

/* As the answer has it: without a run of first touch, both at constant latencies; null: nothing to compare with. */
function speedup(set, run) {
  const first = firstTouch(set);
  if (first) return first.elapsed_ns / run.elapsed_ns;
  return set.bounds ? (run.exec_ns + set.bounds.first_touch_ns) / (run.exec_ns + run.memory_flat_ns) : null;
}

/* The best runs; first touch always among them. */
function topRuns(runs, limit, first) {
  const top = runs.slice(0, limit);
  if (first && !top.includes(first) && runs.includes(first)) top[top.length - 1] = first;
  return top;
}

function tile(value, words) {
  return el("div", { class: "tile" }, el("b", {}, value), el("span", {}, words));
}

function tiles(set) {
  const best = set.runs.find((run) => !run.inactive), first = firstTouch(set);
  if (!best || !best.elapsed_ns) return null;
  const times = speedup(set, best);
  const box = el("div", { class: "tiles" });
  if (times !== null && best !== first)
    box.append(tile(`${times.toFixed(2)}\u00d7`, `as fast as first touch${first ? "" : " at constant latencies"}: ${clipped(best.spec, 40)}`));
  box.append(tile(`${percent(best.local_share, 0)} %`, "of misses served locally" +
    (first && first !== best ? `, first touch ${percent(first.local_share, 0)} %` : "")));
  if (best.to_optimum !== null && best.to_optimum >= .005) box.append(tile(`${percent(best.to_optimum, 0)} %`, "of the way from first touch to the optimum"));
  if (best.moves + best.copies) box.append(tile(count(best.moves + best.copies), `pages moved or copied, ${duration(best.overhead_ns)} of overhead`));
  if (best.replica_bytes_peak) box.append(tile(bytes(best.replica_bytes_peak), "of replicas at the peak"));
  return box;
}

/* A figure with its canvas; the chart is made when the figure is in the page and has a size. */
const pending = [];

function figure(title, words, height, half, label, draw) {
  const canvas = el("canvas", { role: "img", "aria-label": label || title });
  const plot = el("div", { class: "plot", style: `height: ${height}px` }, canvas);
  pending.push(() => draw(canvas));
  return el("figure", { class: half ? "half" : null }, el("figcaption", {}, el("h3", {}, title), el("p", {}, words)), plot);
}

function barHeight(n) {
  return 92 + Math.max(n, 2) * 27;
}

function omitted(shown, all) {
  return shown.length < all.length ? ` The best ${shown.length} of ${all.length} runs; all are in the table.` : "";
}

function barFigures(set, grid) {
  const first = firstTouch(set), base = baseTime(set);
  const active = set.runs.filter((run) => !run.inactive), top = topRuns(active, CHART_RUNS, first);
  grid.append(figure("Where the time goes", `CPU time relative to ${base.name} = 100, broken down as in the paper\u2019s Figure 8.` +
    (set.bounds ? " The dashed line is the offline optimum at constant latencies." : "") + omitted(top, active),
  barHeight(top.length + 1), false, "Stacked bars of execution, local stall, remote stall and overhead per policy",
  (canvas) => timeChart(canvas, set, top, base)));
  const judged = top.filter((run) => run.to_optimum !== null), costly = top.filter((run) => run.overhead_ns > 0);
  if (judged.length > 1) grid.append(figure("To the optimum", "Share of the way from first touch to the offline optimum, in memory time at constant latencies." +
    (judged.some((run) => run.to_optimum < -1) ? " Bars are cut at \u2212100 %; the table has the figures." : ""),
    barHeight(judged.length), costly.length > 0, "", (canvas) => optimumChart(canvas, top)));
  if (costly.length) grid.append(figure("Overhead by cause", `What observing and acting cost, relative to ${base.name} = 100.`,
    barHeight(costly.length), judged.length > 1, "", (canvas) => overheadChart(canvas, top, base)));
}

function timeFigures(set, grid) {
  const timed = topRuns(set.runs.filter((run) => run.series && run.series.time_ms.length > 1), CHART_RUNS, firstTouch(set));
  if (!timed.length) return;
  const height = 300 + Math.ceil(timed.length / 6) * 18;
  const any = (member) => timed.filter((run) => run.series[member].some((value) => value > 0));
  grid.append(figure("Local share over time", "Share of misses that the CPU\u2019s own node served. Click a name in the legend to show or hide it.",
    height, false, "", (canvas) => overTime(canvas, timed, "local_share", "% local", 100, LINES_SHOWN + 1)));
  const moving = any("moves_and_copies"), replicating = any("replica_mib");
  if (moving.length) grid.append(figure("Moves and copies over time", "Pages migrated or replicated per slice of time.",
    height, replicating.length > 0, "", (canvas) => overTime(canvas, moving, "moves_and_copies", "pages", 1, LINES_SHOWN)));
  if (replicating.length) grid.append(figure("Replica memory over time", "Memory held by copies beyond each page\u2019s first.",
    height, moving.length > 0, "", (canvas) => overTime(canvas, replicating, "replica_mib", "MiB", 1, LINES_SHOWN)));
}

/* What was counted while the trace was recorded: each line relative to its own peak, since their sizes lie far apart. */
function counterFigure(set, grid) {
  if (!set.counters || !set.counters.length) return;
  grid.append(figure("Counters while it was recorded", "Rate of each counter as a share of its own peak, which the legend tells.",
    300, false, "", (canvas) => overTime(canvas, set.counters, "share", "% of its peak", 100, LINES_SHOWN)));
}

/* Utilisation and traffic of one run, chosen from a list. */
function nodeCards(set, grid) {
  const runs = set.runs.filter((run) => run.utilisation_mean);
  if (!runs.length) return;
  let chart = null;
  const heat = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "traffic" }), link = el("p", { class: "note" });
  const show = (run) => {
    heat.replaceChildren(run.traffic ? trafficTable(run) : el("p", { class: "note" }, "Too many nodes to show here: see the result file."));
    const busy = run.busiest_link;
    link.textContent = busy.peak ? `Busiest link: node ${busy.from} to node ${busy.to}, asked for ${percent(busy.peak)} % of its bandwidth at its peak.` : "";
    if (chart) showNode(chart, run);
  };
  const select = el("select", { "aria-label": "policy", onchange: () => show(runs[select.value]) },
    ...runs.map((run, i) => el("option", { value: i }, clipped(run.spec, 48))));
  const used = figure("Utilisation per node", "Traffic of each node\u2019s memory as a share of its bandwidth, mean and peak over windows.",
    300, true, "", (canvas) => { chart = nodeChart(canvas, runs[0]); });
  used.querySelector("h3").replaceWith(el("div", { class: "head" }, el("h3", {}, "Utilisation per node"), select));
  grid.append(used, el("div", { class: "card half" }, el("h3", {}, "Traffic between nodes"),
    el("p", { class: "note" }, "% of misses, from the node of the CPU to the node that served it."), heat, link));
  show(runs[0]);
}

function words(title, list) {
  if (!list.length) return null;
  return el("div", { class: "card" }, el("h3", {}, title), el("ul", { class: "words" }, ...list.map((text) => el("li", {}, text))));
}

/* Traces by name; where one was replayed both ways, the name says which way. */
function sectionName(set, sets) {
  if (set.monitor) return monitorName(set);
  const both = sets.some((other) => other.trace === set.trace && other.options.contention !== set.options.contention);
  return both && !set.options.contention ? `${set.trace}, constant latencies` : set.trace;
}

function traceSection(set, index, sets) {
  if (set.monitor) return monitorSection(set, index, sets);
  const trace = set.trace_inputs, grid = el("div", { class: "grid" });
  const [answer, ...rest] = set.answer.split("; best that");
  sweepFigures(set, grid);
  barFigures(set, grid);
  timeFigures(set, grid);
  nodeCards(set, grid);
  counterFigure(set, grid);
  grid.append(el("div", { class: "card" }, el("h3", {}, "All runs"), el("p", { class: "note" },
    `Click a head to sort. Times are relative to ${baseTime(set).name} = 100.`), runTable(set.runs, baseTime(set))));
  const notes = [words("How to read this", readingGuide(set)), words("Mind", caveats(set)), inputsCard(set)];
  grid.append(...notes.filter((card) => card));
  return el("section", { class: "trace", id: `trace-${index}` },
    sets.length === 1 ? null : el("h2", {}, sectionName(set, sets)),
    el("p", { class: "facts" }, `${count(set.records)} records, ${count(set.misses)} misses, ${count(trace.pages)} pages, ` +
      `${trace.cpus} CPUs, on ${set.machine} with ${set.machine_inputs.nodes.length} nodes`),
    el("div", { class: "answer" }, el("p", {}, answer), rest.length ? el("p", {}, "Best that" + rest.join("; best that")) : null),
    tiles(set), grid);
}

function build() {
  const sets = JSON.parse(document.getElementById("data").textContent), alone = sets.length === 1;
  const paper = paperSection(sets);
  const title = paper ? "Disco\u2019s locality experiments beside the model"
    : alone && sets[0].monitor ? monitorName(sets[0])
    : sets.length && sets.every((set) => set.monitor) ? `${sets.length} runs of the monitor`
    : alone ? `Page placement for ${sets[0].trace} on ${sets[0].machine}` : `Page placement for ${sets.length} traces`;
  document.title = title;
  const top = document.getElementById("top"), main = document.getElementById("main");
  top.append(el("p", { class: "eyebrow" }, "mirrorball report"), el("h1", {}, title));
  if (!alone) top.append(el("nav", { "aria-label": "traces" }, paper ? el("a", { href: "#paper" }, "the paper check") : null,
    ...sets.map((set, i) => el("a", { href: `#trace-${i}` }, sectionName(set, sets)))));
  if (paper) main.append(paper);
  const monitored = sets.filter((set) => set.monitor);
  if (monitored.length > 1) main.append(monitorComparison(monitored));
  sets.forEach((set, i) => main.append(traceSection(set, i, sets)));
  document.getElementById("foot").append(el("p", {}, `Made by ${sets.length ? sets[0].program : "mirrorball"}. ` +
    "This page is complete in itself: it asks nothing of the network. Charts by Chart.js (MIT License)."));
  for (const draw of pending) draw();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
addEventListener("beforeprint", () => {
  document.documentElement.dataset.print = "1";
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const chart of charts) chart.resize();
  redrawCharts();
});
addEventListener("afterprint", () => {
  delete document.documentElement.dataset.print;
  redrawCharts();
});

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
build();
