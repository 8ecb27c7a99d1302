# SPDX-License-Identifier: BSD-2-Clause
"""docs/model.md a second time, for four policies: record by record, with nothing in common with the program's code.

Slow and plain on purpose: no batches of equal records, no counts that are multiplied later, integers of any size.
"""
import collections

WINDOW = 10**6

Machine = collections.namedtuple(
    "Machine", "nodes cpus lat mem link mcurve lcurve line mlp sample fill sync sync_page target drop fault")
Options = collections.namedtuple("Options", "contention batch sampling frames repeat intensity",
                                 defaults=(True, 16, 1, None, 1, 1))
Record = collections.namedtuple("Record", "time cpu address op weight latency")
Event = collections.namedtuple("Event", "time page node kind weight")  # kind: r, w, or x for a collapse
PAGE = 4096


def curve(points, u):
    """The factor at utilisation u, both in millionths."""
    i = 0
    while i < len(points) and points[i][0] <= u:
        i += 1
    if i == len(points):
        return points[-1][1]
    (u0, f0), (u1, f1) = points[i - 1], points[i]
    return f0 + (f1 - f0) * (u - u0) // (u1 - u0)


def floor_log2(n):
    return n.bit_length() - 1


class FirstTouch:
    listens = False

    def __init__(self, run, param):
        self.run, self.param = run, param

    def place(self, node):
        return node


class Interleave(FirstTouch):
    def __init__(self, run, param):
        super().__init__(run, param)
        self.next = 0

    def place(self, node):
        node, self.next = self.next, (self.next + 1) % self.run.m.nodes
        return node


class MigRep(FirstTouch):
    """Counters per page and node, zeroed every reset interval; move or copy at the trigger."""
    listens = True

    def __init__(self, run, param):
        super().__init__(run, param)
        self.slots = {}

    def slot(self, e):
        interval = e.time // self.param["reset_ns"]
        s = self.slots.get(e.page)
        if s is None or s["interval"] != interval:
            s = self.slots[e.page] = {"interval": interval, "writes": 0, "moves": 0, "misses": [0] * self.run.m.nodes}
        return s

    def observe(self, e, orders):
        s, run, param = self.slot(e), self.run, self.param
        if e.kind == "x":
            # With every miss seen, the write that collapsed the page is an event of its own.
            s["writes"] += run.o.sampling > 1
            return
        before = s["misses"][e.node]
        s["misses"][e.node] += e.weight
        if e.kind == "w":
            s["writes"] += e.weight
        if not before < param["trigger"] <= s["misses"][e.node]:
            return
        if e.node in run.copies[e.page] or run.free[e.node] == 0:
            return
        if not any(n != e.node and misses >= param["sharing"] for n, misses in enumerate(s["misses"])):
            if s["moves"] < param["migrate"]:
                s["moves"] += 1
                orders.append(("move", e.page, e.node))
        elif s["writes"] < param["write"]:
            orders.append(("copy", e.page, e.node))


class Competitive(FirstTouch):
    """A node takes the page when its counter passes the home's by the threshold; no copies."""
    listens = True

    def __init__(self, run, param):
        super().__init__(run, param)
        self.slots = {}

    def observe(self, e, orders):
        if e.kind == "x":
            return
        param = self.param
        s = self.slots.setdefault(e.page, {"count": [0] * self.run.m.nodes, "moved": None, "bounces": 0, "asked": 0,
                                           "asker": None})
        full = 2 * param["threshold"] - 1
        count = s["count"]
        count[e.node] = min(full, count[e.node] + e.weight)
        home = self.run.home[e.page]
        if e.node != home and count[e.node] > count[home] + param["threshold"]:
            s["count"] = [0] * self.run.m.nodes
            self.ask(e, s, orders)
        elif count[e.node] == full:
            s["count"] = [c >> 1 for c in count]

    def ask(self, e, s, orders):
        param, now = self.param, e.time >> 20
        if s["moved"] is None or (now - s["moved"]) << 20 >= param["melt_ns"]:
            s["bounces"] = 0
        if s["bounces"] >= param["freeze"] or self.run.free[e.node] == 0:
            return
        if s["asker"] != e.node:
            s["asked"] = 0
        s["asker"] = e.node
        if s["asked"] < param["dampening"]:
            s["asked"] += 1
            return
        s["asked"] = 0
        s["bounces"] += 1
        s["moved"] = now
        orders.append(("move", e.page, e.node))


POLICIES = {"first_touch": FirstTouch, "interleave": Interleave, "migrep": MigRep, "competitive": Competitive}


class Load:
    """Section 4: bytes of a window, damped utilisation, latencies of the next."""

    def __init__(self, m, o, cpus):
        self.m, self.o, self.cpus = m, o, cpus
        self.lat = [list(row) for row in m.lat]
        self.damped_memory, self.damped_link = [0] * m.nodes, [[0] * m.nodes for _ in range(m.nodes)]
        self.clear()

    def clear(self):
        self.bytes = [[0] * self.m.nodes for _ in range(self.m.nodes)]
        self.written = [0] * self.m.nodes
        self.stall = self.recorded = self.overhead = 0

    def utilisation(self, mean, bandwidth, moved):
        if bandwidth == 0 or moved == 0:
            return 0
        return min(moved * 10**6 // max(mean * bandwidth // 10**12, 1), 10**9)

    def end_window(self):
        m, nodes = self.m, range(self.m.nodes)
        mean = (max(self.cpus * WINDOW * 1000 - self.recorded * 1000, 0) + self.stall + self.overhead) // self.cpus
        for to in nodes:
            for frm in nodes:
                if frm != to:
                    u = self.utilisation(mean, m.link[frm][to], self.bytes[frm][to])
                    self.damped_link[frm][to] = (7 * self.damped_link[frm][to] + u) // 8
            total = self.written[to] + sum(self.bytes[frm][to] for frm in nodes)
            u = self.utilisation(mean, m.mem[to], total)
            self.damped_memory[to] = (7 * self.damped_memory[to] + u) // 8
        self.clear()
        if self.o.contention:
            self.lat = [[self.loaded(frm, to) for to in nodes] for frm in nodes]

    def loaded(self, frm, to):
        latency = self.m.lat[frm][to] * curve(self.m.mcurve, self.damped_memory[to]) // 10**6
        if frm == to:
            return latency
        return latency * curve(self.m.lcurve, self.damped_link[frm][to]) // 10**6


class Run:
    def __init__(self, records, machine, options, policy, param):
        self.m, self.o, self.records = machine, options, records
        self.cpus = max(r.cpu for r in records) + 1
        with_cpus = [n for n in range(machine.nodes) if machine.cpus[n]]
        many = self.cpus > len(with_cpus)
        self.node = [with_cpus[c * len(with_cpus) // self.cpus if many else c] for c in range(self.cpus)]
        pages = sorted({r.address // PAGE for r in records})
        self.number = {page: i for i, page in enumerate(pages)}
        self.free = [options.frames if options.frames is not None else 1 << 60] * machine.nodes
        self.home, self.copies, self.queue = {}, {}, []
        self.count = collections.Counter()
        self.by = collections.Counter()
        self.cpu_overhead, self.cpu_stall, self.compute = ([0] * self.cpus for _ in range(3))
        self.local = self.remote = self.flat = self.local_misses = self.misses = 0
        self.at_work = 0  # the CPU whose access makes the engine act
        self.load = Load(machine, options, self.cpus)
        self.policy = POLICIES[policy](self, param)

    # Section 5: what acting costs.

    def charge(self, cpu, cause, ns):
        self.cpu_overhead[cpu] += ns * 1000
        self.by[cause] += ns * 1000
        self.load.overhead += ns * 1000

    def shootdown(self, pages):
        self.charge(self.at_work, "shootdown", self.m.sync + pages * self.m.sync_page)
        for cpu in range(self.cpus):
            if cpu != self.at_work:
                self.charge(cpu, "shootdown", self.m.target)

    def give_back(self, page, keep, cause):
        for node in self.copies[page] - {keep}:
            self.charge(self.at_work, cause, self.m.drop)
            self.free[node] += 1
        self.copies[page], self.home[page] = {keep}, keep

    def copy(self, op, page, node):
        source = min(sorted(self.copies[page]), key=lambda n: (self.m.lat[node][n], n != self.home[page]))
        self.load.bytes[node][source] += PAGE
        self.load.written[node] += PAGE
        self.charge(self.at_work, op, self.m.fill)
        if op == "copy":
            self.copies[page].add(node)
            self.count["copies"] += 1
            replicas = sum(len(copies) - 1 for copies in self.copies.values())
            self.count["peak"] = max(self.count["peak"], replicas)

    def admit(self, orders):
        """Orders that can be carried out; each takes its frame."""
        ordered, admitted = set(), []
        for op, page, node in orders:
            if page in ordered:
                continue
            ordered.add(page)
            there = self.copies[page] == {node} if op == "move" else node in self.copies[page]
            if there or (node not in self.copies[page] and self.free[node] == 0):
                continue
            self.free[node] -= node not in self.copies[page]
            admitted.append((op, page, node))
        return admitted

    def carry_out(self, orders):
        orders = self.admit(orders)
        if not orders:
            return
        self.shootdown(len(orders))
        for op, page, node in orders:
            if node not in self.copies[page]:
                self.copy(op, page, node)
        moves = [order for order in orders if order[0] == "move"]
        if moves:
            self.shootdown(len(moves))
        for _, page, node in moves:
            self.give_back(page, node, "move")
            self.count["moves"] += 1

    def flush(self):
        while self.queue:
            events, self.queue = self.queue[:self.o.batch], self.queue[self.o.batch:]
            orders = []
            for event in events if self.policy.listens else []:
                self.policy.observe(event, orders)
            self.carry_out(orders)

    # One record.

    def first_touch(self, page, frm):
        self.flush()
        node = self.policy.place(frm)
        if self.free[node] == 0:
            room = [n for n in range(self.m.nodes) if self.free[n]]
            node = frm if self.free[frm] else min(room, key=lambda n: self.m.lat[frm][n])
        self.free[node] -= 1
        self.copies[page], self.home[page] = {node}, node

    def collapse(self, time, page, frm, cpu):
        self.flush()
        if len(self.copies[page]) == 1:
            return
        self.shootdown(1)
        self.give_back(page, frm if frm in self.copies[page] else self.home[page], "collapse")
        self.count["collapses"] += 1
        self.charge(cpu, "collapse", self.m.fault)
        self.queue.append(Event(time, page, frm, "x", 1))

    def stall(self, r, frm, to):
        stall = self.load.lat[frm][to] * 10**6 // self.m.mlp * r.weight
        self.flat += self.m.lat[frm][to] * 10**6 // self.m.mlp * r.weight
        self.cpu_stall[r.cpu] += stall
        self.load.stall += stall
        self.misses += r.weight
        if frm == to:
            self.local += stall
            self.local_misses += r.weight
        else:
            self.remote += stall
        if r.op != "u":
            self.load.bytes[frm][to] += r.weight * self.m.line * self.o.intensity

    def observe(self, time, page, r, frm):
        if self.o.sampling > 1:
            self.at_work = r.cpu
        if self.left[r.cpu] > 1:
            self.left[r.cpu] -= 1
            return
        self.left[r.cpu] = self.o.sampling
        self.charge(r.cpu, "sample", self.m.sample)
        weight = 1 << min(15, floor_log2(r.weight) + floor_log2(self.o.sampling))
        self.queue.append(Event(time, page, frm, "w" if r.op in "wu" else "r", weight))
        if len(self.queue) >= self.o.batch:
            self.at_work = r.cpu
            self.flush()

    def serve(self, time, r):
        page, frm = self.number[r.address // PAGE], self.node[r.cpu]
        if page not in self.copies:
            self.at_work = r.cpu
            self.first_touch(page, frm)
        elif r.op in "wu" and len(self.copies[page]) > 1:
            self.at_work = r.cpu
            self.collapse(time, page, frm, r.cpu)
        self.stall(r, frm, frm if frm in self.copies[page] else self.home[page])
        if self.policy.listens:
            self.observe(time, page, r, frm)

    def play(self):
        window, start = 0, self.records[0].time
        pass_windows = (self.records[-1].time - start) // WINDOW + 1
        self.left = [0] * self.cpus
        for number in range(self.o.repeat):
            last = [start] * self.cpus
            for r in self.records:
                time = r.time - start + number * pass_windows * WINDOW
                while window < time // WINDOW:
                    self.load.end_window()
                    window += 1
                gap, last[r.cpu] = r.time - last[r.cpu], r.time
                held = min(r.weight * r.latency * 10**6 // self.m.mlp, gap)
                self.compute[r.cpu] += gap - held
                self.load.recorded += held
                self.serve(time, r)
        self.at_work = self.records[-1].cpu
        self.flush()
        return self.result()

    def result(self):
        clocks = [self.compute[c] * 1000 + self.cpu_stall[c] + self.cpu_overhead[c] for c in range(self.cpus)]
        result = {"exec_ns": sum(self.compute), "local_stall_ns": self.local // 1000,
                  "remote_stall_ns": self.remote // 1000,
                  "overhead_ns": sum(ps // 1000 for ps in self.by.values()),
                  "memory_flat_ns": (self.flat + sum(self.by.values())) // 1000, "makespan_ns": max(clocks) // 1000,
                  "moves": self.count["moves"], "copies": self.count["copies"], "collapses": self.count["collapses"],
                  "replica_bytes_peak": self.count["peak"] * PAGE, "misses": self.misses,
                  "local_misses": self.local_misses}
        result["memory_ns"] = result["local_stall_ns"] + result["remote_stall_ns"] + result["overhead_ns"]
        result["elapsed_ns"] = result["exec_ns"] + result["memory_ns"]
        return result


def replay(records, machine, options, policy, param):
    """The totals of a run, as the program names them."""
    return Run(records, machine, options, policy, param).play()
