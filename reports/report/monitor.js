/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A run of the monitor: what moved under which virtual machines, what they asked of the monitor, what they shared.
 */
"use strict";

function plainTable(label, head, rows) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, el("table", {},
    el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first),
      ...rest.map((cell) => el("td", {}, cell)))))));
}

function tableCard(title, words, head, rows, half) {
  return el("div", { class: half ? "card half" : "card" }, el("h3", {}, title), el("p", { class: "note" }, words),
    plainTable(title, head, rows));
}

const sumOf = (object) => Object.values(object).reduce((a, b) => a + b, 0);
const rate = (n, ns) => ns ? n * 1e9 / ns : null;
const rateText = (value) => value === null ? "\u2013" : value >= 100 ? count(Math.round(value)) : value.toFixed(1);

/* Over nodes: the share of the accesses of the machine that its own node served. */
function monitorTiles(run, m) {
  const box = el("div", { class: "tiles" });
  if (run.local_share !== null) box.append(tile(`${percent(run.local_share, 0)} %`, "of the accesses seen were served by the CPU\u2019s own node"));
  box.append(tile(count(run.moves), run.moves === 1 ? "page moved" : "pages moved"));
  box.append(tile(count(run.copies), `copies made for readers, ${count(run.collapses)} taken back by a write`));
  if (m.guest_ns) box.append(tile(rateText(rate(sumOf(m.exits), m.guest_ns)), "exits per second that a guest ran"));
  if (m.memory_bytes) box.append(tile(`${percent(m.monitor_bytes / m.memory_bytes, 2)} %`, `of the memory is the monitor\u2019s own: ${bytes(m.monitor_bytes)}`));
  box.append(tile(duration(m.duration_ns), m.end === "all off" ? "until every VM had powered off" : "of run"));
  return box;
}

function exitFigure(m) {
  const kinds = Object.keys(m.exits).sort((a, b) => m.exits[b] - m.exits[a]);
  const vms = m.vms.filter((vm) => vm.guest_ns);
  if (!kinds.length || !vms.length) return null;
  return figure("Exits per guest second", "Why virtual CPUs came to the monitor, per second that they ran.", 120 + vms.length * 44, false, "",
    (canvas) => bars(canvas, vms.map((vm) => vm.name), kinds.map((kind, i) =>
      Object.assign(part(kind.replace("_", " "), "", vms.map((vm) => rate(vm.exits[kind] || 0, vm.guest_ns))), { backgroundColor: () => runColour(i) })),
    "exits per guest second", { plugins: {
      legend: { position: "bottom", align: "center" },
      tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${rateText(item.parsed.x)}` } },
    } }));
}

/* The monitor does not report at even intervals. */
function perSecond(run, m) {
  const begin = run.series.time_ms, end = [...begin.slice(1), m.duration_ns / 1e6];
  const rates = run.series.moves_and_copies.map((n, i) => end[i] > begin[i] ? n * 1e3 / (end[i] - begin[i]) : null);
  return { ...run, series: { ...run.series, moves_and_copies: rates } };
}

function monitorTime(set, grid) {
  const run = set.runs[0];
  if (!run.series || run.series.time_ms.length < 2) return;
  const some = (member) => run.series[member].some((value) => value > 0), x = "time since the machine\u2019s start, s";
  const moving = some("moves_and_copies"), replicating = some("replica_mib");
  const known = run.series.local_share.filter((value) => value !== null).length; // one is a point, no line
  if (known > 1) grid.append(figure("Local share over time", "Share of the accesses seen that the CPU\u2019s own node served.", 260, false, "",
    (canvas) => overTime(canvas, [run], "local_share", "% local", 100, 1, x)));
  if (moving) grid.append(figure("Moves and copies over time", "Pages migrated or replicated per second, from one report of the monitor to the next.", 240, replicating, "",
    (canvas) => overTime(canvas, [perSecond(run, set.monitor)], "moves_and_copies", "pages per second", 1, 1, x)));
  if (replicating) grid.append(figure("Replica memory over time", "Memory held by copies beyond each page\u2019s first.", 240, moving, "",
    (canvas) => overTime(canvas, [run], "replica_mib", "MiB", 1, 1, x)));
}

function vmTable(m) {
  return tableCard("Virtual machines", "Memory as it was last before the VM ended: its own, and what it shares with others copy-on-write.",
    ["VM", "end", "vCPUs", "memory", "private", "shared", "copies on write", "guest time", "in the monitor", "local %"],
    m.vms.map((vm) => [vm.name, vm.why ? `${vm.end}: ${vm.why}` : vm.end, count(vm.vcpus), bytes(vm.memory_bytes), bytes(vm.private_bytes),
      bytes(vm.shared_bytes), count(vm.copies_on_write), duration(vm.guest_ns),
      vm.guest_ns + vm.monitor_ns ? `${percent(vm.monitor_ns / (vm.guest_ns + vm.monitor_ns))} %` : "\u2013", percent(vm.local_share)]));
}

function exitTable(m) {
  const kinds = Object.keys(m.exits);
  const vms = m.vms.length > 1 ? m.vms : [];
  const row = (name, one, all) => [name, rateText(rate(all, m.guest_ns)), ...vms.map((vm) => rateText(rate(one(vm), vm.guest_ns))), count(all)];
  return tableCard("Exits", "Per second that the guest ran; the last column counts them.", ["kind", "all VMs", ...vms.map((vm) => vm.name), "exits"],
    kinds.map((kind) => row(kind.replace("_", " "), (vm) => vm.exits[kind] || 0, m.exits[kind]))
      .concat([row("all", (vm) => sumOf(vm.exits), sumOf(m.exits))]));
}

function memoryTable(m) {
  return tableCard("Memory of the nodes", "The least that was free during the run, and what the monitor took for itself.",
    ["node", "CPUs", "memory", "least free", "monitor"],
    m.nodes.map((node, n) => [String(n), count(node.cpus), bytes(node.total_bytes), bytes(node.free_bytes), bytes(node.monitor_bytes)]), true);
}

function diskTable(m) {
  if (!m.disks.length) return null;
  return tableCard("Disks", "Blocks of 4 KiB. A block that is in memory is not read again; whole pages are mapped, not copied.",
    ["disk", "reads", "blocks read", "found in memory", "mapped", "copied", "VMs\u2019 own", "in memory"],
    m.disks.map((disk) => [disk.name, count(disk.drive_reads), count(disk.blocks), count(disk.hits), count(disk.maps), count(disk.copies),
      count(disk.private_blocks), bytes(disk.resident_bytes)]));
}

function trafficCard(run) {
  if (!run.traffic) return null;
  return el("div", { class: "card half" }, el("h3", {}, "Traffic between nodes"), el("p", { class: "note" },
    "% of the accesses seen, from the node of the CPU to the node that served it."),
  el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "traffic" }, trafficTable(run)));
}

function monitorWords(m) {
  return words("How to read this", [
    `The policy was fed from accessed bits: ${count(m.harvests)} times, every ${m.harvest_ms} ms where there was time, the monitor read and ` +
      `cleared the bits of each node\u2019s page tables; a set bit counts as ${m.weight} accesses. Accesses are page touches, not cache misses.`,
    "A guest second is a second that one virtual CPU ran in its guest: time in the monitor and time halted are not in it. " +
      "In the monitor: exits, and the monitor\u2019s own work on that CPU meanwhile, moving pages for one.",
    "An emulated machine has no slow memory: what locality gains in time cannot be read off this run. " +
      "Recorded (--record), the same accesses can be replayed on a model of a real machine.",
    m.lost_frames ? `${count(m.lost_frames)} reports of the monitor were lost on the way.` : null,
  ].filter((text) => text));
}

function monitorInputs(set, m) {
  const run = set.runs[0];
  return el("div", { class: "card inputs" }, el("h3", {}, "Inputs, to run it again"),
    el("p", { class: "note" }, `Made by ${set.program}${set.date ? " on " + set.date : ""}.`),
    fold("Command", true, el("pre", { class: "code" }, set.command || "not recorded")),
    fold("Machine and monitor", false, list([["machine", m.machine], ["host", m.host], ["CPUs", m.cpus], ["memory", bytes(m.memory_bytes)],
      ["clock", `${count(m.tsc_khz)} kHz`], ["harvest of accessed bits", `${m.harvest_ms} ms, ${count(m.harvests)} in all`],
      ["accesses per bit", m.weight], ["pages placed by a first touch", m.around],
      ["shootdowns", `${count(m.shootdowns)}, ${count(m.kicks)} CPUs interrupted, ${duration(m.shootdown_wait_ns)} waited`],
      ["nested page tables", count(m.nested_tables)], ["switches of virtual CPUs", count(m.switches)],
      ["moved to another node", count(m.vcpu_migrations)], ["idle CPU time", duration(m.idle_ns)],
      ["digest of the configuration", m.config_digest]])),
    fold("Policy and parameters", false, parameterTable([run])));
}

const monitorName = (set) => `${set.trace.replaceAll("+", ", ")} under ${set.runs[0].spec}`;

/* Several runs, one line each. */
function monitorComparison(sets) {
  const inside = (m) => m.vms.reduce((sum, vm) => sum + vm.monitor_ns, 0);
  return el("section", { class: "trace" }, el("div", { class: "grid" }, tableCard("Side by side",
    "Each run started its virtual machines anew: runs are alike, not the same. Exits per guest second; the monitor\u2019s part of the virtual CPUs\u2019 time; replicas at their peak.",
    ["run", "nodes", "end", "time", "local %", "moves", "copies", "collapses", "refused", "replicas", "exits/s", "monitor %"],
    sets.map((set) => {
      const m = set.monitor, run = set.runs[0];
      return [monitorName(set), count(m.nodes.length), m.end, duration(m.duration_ns), percent(run.local_share), count(run.moves), count(run.copies),
        count(run.collapses), count(run.refused), bytes(run.replica_bytes_peak), rateText(rate(sumOf(m.exits), m.guest_ns)),
        m.guest_ns ? percent(inside(m) / (inside(m) + m.guest_ns)) : "\u2013"];
    }))));
}

function monitorSection(set, index, sets) {
  const m = set.monitor, run = set.runs[0], grid = el("div", { class: "grid" });
  monitorTime(set, grid);
  const cards = [vmTable(m), exitFigure(m), trafficCard(run), memoryTable(m), exitTable(m), diskTable(m), monitorWords(m), monitorInputs(set, m)];
  grid.append(...cards.filter((card) => card));
  return el("section", { class: "trace", id: `trace-${index}` },
    sets.length === 1 ? null : el("h2", {}, sectionName(set, sets)),
    el("p", { class: "facts" }, `${m.vms.length} virtual machine${m.vms.length === 1 ? "" : "s"} on ${m.nodes.length} nodes, ${m.cpus} CPUs, ` +
      `${bytes(m.memory_bytes)}; unmodified guests, placed by ${run.spec}`),
    el("div", { class: "answer" }, el("p", {}, set.answer), m.why ? el("p", {}, m.why) : null), monitorTiles(run, m), grid);
}
