/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Elements from text (never from markup, whatever a trace is called), and the table of runs that sorts.
 */
"use strict";

function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "onclick" || key === "onchange") element[key] = value;
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const count = (n) => n === null ? "\u2013" : n.toLocaleString("en-GB");
const percent = (share, digits = 1) => share === null ? "\u2013" : (share * 100).toFixed(digits);

function duration(ns) {
  if (ns === null) return "\u2013";
  for (const [unit, scale] of [["s", 1e9], ["ms", 1e6], ["\u00b5s", 1e3]])
    if (ns >= scale) return `${(ns / scale).toFixed(2)} ${unit}`;
  return `${ns} ns`;
}

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; n >= 1024 && unit < units.length - 1; unit++) n /= 1024;
  return `${unit ? n.toFixed(1) : n} ${units[unit]}`;
}

/* Columns: name, the value it sorts by, the text it shows, and the explanation on its head. */
function runColumns(base) {
  const time = (name, member, help) =>
    ({ name, help, value: (run) => run[member], text: (run) => percent(base.ns ? run[member] / base.ns : null) });
  const number = (name, member, help) => ({ name, help, value: (run) => run[member], text: (run) => count(run[member]) });
  return [
    { name: "policy", help: "class and every parameter that is not its default", value: (run) => run.spec },
    { name: "elapsed", help: "CPU time, summed over CPUs", value: (run) => run.elapsed_ns, text: (run) => duration(run.elapsed_ns) },
    time("time %", "elapsed_ns", `elapsed time, ${base.name} = 100`),
    time("exec %", "exec_ns", "time that is not spent waiting for memory"),
    time("local %", "local_stall_ns", "stall on the CPU's own node"),
    time("remote %", "remote_stall_ns", "stall on other nodes"),
    time("overhead %", "overhead_ns", "what observing, moving and copying cost"),
    { name: "local misses %", help: "misses served by the CPU's own node", value: (run) => run.local_share, text: (run) => percent(run.local_share) },
    number("moves", "moves", "pages migrated"),
    number("copies", "copies", "pages replicated"),
    number("collapses", "collapses", "replicated pages that were written"),
    number("refused", "refused", "orders that the engine refused"),
    { name: "replicas", help: "memory held by replicas at its peak", value: (run) => run.replica_bytes_peak, text: (run) => bytes(run.replica_bytes_peak) },
    { name: "to optimum %", help: "share of the way from first touch to the offline optimum", value: (run) => run.to_optimum, text: (run) => percent(run.to_optimum) },
  ];
}

/* Undefined values go last in either direction; equal ones keep their order. */
function compareRuns(column, sign) {
  return (a, b) => {
    const x = column.value(a), y = column.value(b);
    if (x === null || y === null) return (x === null) - (y === null);
    return (x < y ? -1 : x > y ? 1 : 0) * sign;
  };
}

function runRow(columns, run, best) {
  const row = el("tr", { class: run === best ? "best" : run.inactive ? "inactive" : null });
  row.append(el("th", { scope: "row", title: run.spec }, run.spec,
    run.inactive ? el("span", { class: "tag", title: "ordered nothing in this run: not ranked" }, "inactive") : null));
  for (const column of columns.slice(1)) row.append(el("td", {}, column.text(run)));
  return row;
}

function runTable(runs, base) {
  const columns = runColumns(base), body = el("tbody"), heads = [];
  const best = runs.find((run) => !run.inactive);
  let sorted = 1, sign = 1;
  const fill = (list) => body.replaceChildren(...list.map((run) => runRow(columns, run, best)));
  const sort = (index) => {
    sign = index === sorted ? -sign : 1;
    sorted = index;
    heads.forEach((head, i) => head.setAttribute("aria-sort", i === index ? (sign > 0 ? "ascending" : "descending") : "none"));
    fill([...runs].sort(compareRuns(columns[index], sign)));
  };
  columns.forEach((column, index) => heads.push(el("th", { scope: "col", "aria-sort": index === 1 ? "ascending" : "none" },
    el("button", { type: "button", title: column.help, onclick: () => sort(index) }, column.name))));
  fill(runs);
  return el("div", { class: runs.length > 24 ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-label": "all runs" },
    el("table", { class: "runs" }, el("thead", {}, el("tr", {}, ...heads)), body));
}

/* Share of the run's misses from each node's CPUs to each node's memory. */
function trafficTable(run) {
  const total = run.traffic.flat().reduce((a, b) => a + b, 0) || 1;
  const most = Math.max(...run.traffic.flat(), 1);
  const head = el("tr", {}, el("th", { scope: "col" }, "from \\ to"),
    ...run.traffic.map((_, to) => el("th", { scope: "col" }, String(to))));
  const rows = run.traffic.map((row, from) => el("tr", {}, el("th", { scope: "row" }, String(from)),
    ...row.map((cell) => el("td", {
      style: `--cell: rgba(var(--heat), ${(cell / most * .85).toFixed(3)})`, title: `${count(cell)} misses`,
    }, (cell / total * 100).toFixed(1)))));
  return el("table", { class: "heat" }, el("thead", {}, head), el("tbody", {}, ...rows));
}
