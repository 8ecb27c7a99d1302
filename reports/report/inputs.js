/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Words: what the figures mean, what to be careful about, and every input of the run.
 */
"use strict";

function list(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", {}, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]));
}

function fold(title, open, ...children) {
  const details = el("details", open ? { open: "" } : {}, el("summary", {}, title), el("div", {}, ...children));
  return details;
}

const labelWords = {
  "writes under-seen": "The source does not see every write: replication may look better than it is.",
  "miss-fed": "The policy was fed with recorded misses, where its original also sees accesses that hit the caches.",
  "miss-store variant": "The policy was fed with store misses, where its original samples retired stores.",
  "moved nothing": "The policy watched or asked, and no page was moved, copied or dropped.",
  "A-bit-fed": "The policy saw accessed bits, harvested at intervals, not single misses.",
  "simulated-cache": "The misses come from a simulated cache, not from hardware.",
  "page-touch": "Records are touches of pages, not cache misses.",
  "synthetic": "The trace is made up, not recorded.",
  "all accesses, not misses": "Records are all accesses of the program, most of which a cache would serve.",
};

function caveats(set) {
  const words = [];
  const trace = set.trace_inputs, options = set.options;
  if (trace.synthetic) words.push(labelWords.synthetic);
  if (trace.all_accesses) words.push(labelWords["all accesses, not misses"]);
  if (trace.simulated_cache) words.push(labelWords["simulated-cache"]);
  if (trace.page_touch) words.push(labelWords["page-touch"]);
  if (trace.writes_under_seen) words.push(labelWords["writes under-seen"]);
  const labels = new Map();
  for (const run of set.runs) for (const label of run.labels) labels.set(label, (labels.get(label) || []).concat(run.spec));
  for (const [label, specs] of labels) {
    const every = specs.length === set.runs.length, meaning = labelWords[label];
    const who = every ? "every policy" : specs.length > 6 ? `${specs.length} runs` : specs.join(", ");
    const said = words.includes(meaning);
    if (!said || !every) words.push(`Labelled \u201c${label}\u201d: ${who}. ${said || !meaning ? "" : meaning}`);
  }
  if (set.runs.some((run) => run.inactive))
    words.push("A policy that ordered nothing in this run is shown as inactive and never ranked.");
  if (set.exec_capped >= .0005)
    words.push(`${percent(set.exec_capped)} % of the recorded stall was longer than the gap it lay in and was cut.`);
  if (!options.contention) words.push("Latencies are constant: queueing at memories and links is switched off.");
  return words;
}

function readingGuide(set) {
  const words = [
    `Time is CPU time summed over all CPUs, as a percentage of what ${baseTime(set).name} takes: execution, stall on local and on ` +
      "remote memory, and the overhead of observing, moving and copying pages.",
  ];
  if (set.bounds)
    words.push("The optimum and UMA are yardsticks at constant latencies, without queueing: the optimum is the cheapest " +
      "possible sequence of placements, moves and copies with the whole future known" +
      (set.bounds.label ? ` (${set.bounds.label})` : "") + "; UMA serves every miss locally. " +
      "The share of the way to the optimum compares a policy with both at constant latencies as well.");
  return words;
}

function trim(value) {
  return String(Number(value.toPrecision(4)));
}

function machineTables(machine) {
  const latency = el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "node"),
    ...["CPUs", "tier", "GB/s", "frames"].map((name) => el("th", { scope: "col" }, name)),
    ...machine.nodes.map((_, to) => el("th", { scope: "col" }, `ns to ${to}`)))),
  el("tbody", {}, ...machine.nodes.map((node, from) => el("tr", {}, el("th", { scope: "row" }, String(from)),
    el("td", {}, String(node.cpus)), el("td", {}, String(node.tier)),
    el("td", {}, node.gb_per_s ? trim(node.gb_per_s) : "unlimited"),
    el("td", {}, node.frames === null ? "unbounded" : count(node.frames)),
    ...node.latency_ns.map((ns) => el("td", {}, trim(ns)))))));
  const curve = (points) => points.map(([use, factor]) => `${trim(use * 100)} % \u2192 ${trim(factor)}\u00d7`).join(", ");
  const costs = Object.entries(machine.costs).map(([name, value]) =>
    [name.replace(/_(ns|ps)$/, "").replaceAll("_", " "), `${count(value)} ${name.endsWith("ps") ? "ps" : "ns"}`]);
  return [
    list([["described as", machine.summary], ["source", machine.source], ["line", `${machine.line_bytes} bytes`],
      ["memory-level parallelism", trim(machine.mlp)], ["loaded memory latency", curve(machine.memory_curve)],
      ["loaded link latency", curve(machine.link_curve)]].concat(costs.map(([name, value]) => [`cost: ${name}`, value]))),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "nodes of the machine" }, latency),
  ];
}

function parameterTable(runs) {
  const rows = runs.map((run) => el("tr", {}, el("th", { scope: "row", class: "text" }, run.spec),
    el("td", { class: "text" }, Object.entries(run.params).map(([name, value]) =>
      `${name}=${value === null ? "unbounded" : value}`).join(" ") || "none"),
    el("td", {}, String(run.sampling)), el("td", {}, String(run.batch)),
    el("td", { class: "code" }, run.digest)));
  const head = ["policy", "parameters", "1 miss in", "batch", "digest of decisions"];
  return el("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "parameters" }, el("table", {},
    el("thead", {}, el("tr", {}, ...head.map((name, i) => el("th", { scope: "col", class: i < 2 ? "text" : null }, name)))),
    el("tbody", {}, ...rows)));
}

function inputsCard(set) {
  const trace = set.trace_inputs, options = set.options;
  return el("div", { class: "card inputs" }, el("h3", {}, "Inputs, to run it again"),
    el("p", { class: "note" }, `Made by ${set.program}${set.date ? " on " + set.date : ""}.`),
    fold("Command", true, el("pre", { class: "code" }, set.command || "not recorded")),
    fold("Trace", false, list([["name", set.trace], ["file", trace.path], ["digest", set.trace_digest],
      ["records", count(set.records)], ["misses", count(set.misses)], ["pages", count(trace.pages)],
      ["page size", `${trace.page_bytes} bytes`], ["CPUs", trace.cpus], ["recorded time", duration(trace.duration_ms * 1e6)],
      ["source", trace.source], ["event", trace.event], ["sampling period", trace.period], ["records lost", count(trace.lost)],
      ["host", trace.host], ["kernel", trace.kernel], ["recorded command", trace.command], ["recorded on", trace.date],
      ["note", trace.note]])),
    fold(`Machine: ${set.machine}`, false, ...machineTables(set.machine_inputs)),
    fold("Options", false, list([["contention", options.contention ? "modelled" : "off"], ["repeat", options.repeat],
      ["intensity", options.intensity], ["time scale", options.time_scale],
      ["capacity per node", options.capacity === null ? "unbounded" : `${percent(options.capacity)} % of the footprint`],
      ["CPU map", options.cpu_map || "CPUs fill the nodes in blocks"], ["threads", set.threads]])),
    fold("Policies and parameters", false, parameterTable(set.runs)));
}
