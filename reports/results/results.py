# SPDX-License-Identifier: BSD-2-Clause
"""Writes reports/results.md: every policy on every bundled trace on several machines (./run results).

results.py PROGRAM FOLDER OUT: FOLDER keeps what each comparison printed; one that is newer than program and trace is not
made again, so that a run that was stopped goes on."""
import collections
import glob
import json
import os
import subprocess
import sys

SHORT = ["--repeat", "10"]
FULL = ["--repeat", "10", "--intensity", "8"]
LONG = ["--repeat", "20", "--time-scale", "40", "--intensity", "40"]
SETTINGS = [  # machine, options, why
    ("flash-8", SHORT, "the paper's machine"),
    ("origin-2000", SHORT, "its successor"),
    ("skylake-2s", FULL, "two sockets, all CPUs busy: each of the trace's stands for 8"),
    ("epyc-9354p-nps4", FULL, "four nodes of one socket, likewise"),
    ("dram-cxl", LONG, "two tiers; the classes for them have clocks of seconds to minutes"),
    ("cxl-fpga", LONG, "two tiers, a slow device, likewise"),
]
SAMPLING = [1, 8, 128, 1024]
SAMPLED = [("flash-8", SHORT), ("skylake-2s", FULL)]
ACTING = {  # of classes that are idle above: trace, machine, options, spec
    "tmts": [("boot", "dram-cxl", ["--repeat", "2", "--time-scale", "300", "--intensity", "300"], "tmts")],
    "numad": [("pmake", "flash-8", ["--repeat", "60"], "numad:memory_min=1M")],
}
FORESEEN = {"post_facto", "as_recorded"}
OURS = "thrift"
ALL_MACHINES = ["first_touch", "interleave", "migrep", "ace", "platinum", OURS]


class Results:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.traces = sorted(glob.glob("datasets/traces/*.h5"))
        os.makedirs(folder, exist_ok=True)
        self.policies = json.loads(self.call("policies"))

    def call(self, *args):
        done = subprocess.run([self.program, *args, "--format", "json"], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr.strip())
        return done.stdout

    def compare(self, trace, machine, options):
        """The result set of one comparison, from the folder where it is new enough."""
        args = ["compare", trace, "--machine", machine, *options]
        path = os.path.join(self.folder, "_".join(args).replace("/", "-").replace(" ", "") + ".json")
        fresh = os.path.exists(path) and os.path.getmtime(path) > max(os.path.getmtime(f) for f in (self.program, trace))
        if not fresh:
            print("results: mirrorball " + " ".join(args), file=sys.stderr)
            text = self.call(*args)
            with open(path + ".tmp", "w") as out:
                out.write(text)
            os.rename(path + ".tmp", path)
        with open(path) as file:
            return json.load(file)

    def machines(self):
        return [m["name"] for m in json.loads(self.call("machines"))]

    def name(self, trace):
        return os.path.basename(trace)[:-3]


def runs_of(sets):
    """Policy -> its runs, one per set that has it."""
    found = collections.OrderedDict()
    for one in sets:
        for run in one["runs"]:
            found.setdefault(run["policy"], []).append(run)
    return found


def first_touch(one):
    return next(run for run in one["runs"] if run["policy"] == "first_touch")


def total(sets, policy, what="elapsed_ns"):
    """Time over all sets in % of first touch's; where a set lacks the class, first touch stands in."""
    mine = base = 0
    for one in sets:
        ft = first_touch(one)[what]
        run = next((r for r in one["runs"] if r["policy"] == policy), None)
        mine += run[what] if run else ft
        base += ft
    return 100 * mine / base


def active(runs):
    return any(not run["inactive"] for run in runs)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def cell(one, policy):
    """Elapsed in % of first touch, and the way to the optimum."""
    run = next((r for r in one["runs"] if r["policy"] == policy), None)
    if run is None:
        return ""
    if run["inactive"]:
        return "inactive"
    way = "" if run["to_optimum"] is None else " (%.0f)" % (100 * run["to_optimum"])
    return "%.1f%s" % (100 * run["elapsed_ns"] / first_touch(one)["elapsed_ns"], way)


def marked(policy, labels):
    marks = "".join(sorted(labels.get(policy, "")))
    name = "**%s**" % policy if policy == OURS else policy
    return name + (" *" if policy in FORESEEN else "") + (" [%s]" % marks if marks else "")


def label_letters(everything):
    """Labels that not every run bears: letter -> label, policy -> letters."""
    bearers, runs = collections.OrderedDict(), set()
    for one in everything:
        for run in one["runs"]:
            runs.add(run["policy"])
            for label in run["labels"]:
                bearers.setdefault(label, set()).add(run["policy"])
    letters, of = collections.OrderedDict(), collections.defaultdict(set)
    for label, who in bearers.items():
        if who != runs:
            letter = chr(ord("a") + len(letters))
            letters[letter] = label
            for policy in who:
                of[policy].add(letter)
    return letters, of, [label for label, who in bearers.items() if who == runs]


def machine_part(results, machine, options, why, sets, labels):
    found = runs_of(sets)
    ranked = sorted((p for p, runs in found.items() if active(runs)), key=lambda p: total(sets, p))
    idle = [p for p, runs in found.items() if not active(runs)]
    head = ["policy", "all", "memory"] + [results.name(t) for t in results.traces] + ["moves", "copies"]
    rows = [[marked(p, labels), "%.2f" % total(sets, p), "%.1f" % total(sets, p, "memory_ns")] + [cell(one, p) for one in sets] +
            ["{:,}".format(sum(r[what] for r in found[p])) for what in ("moves", "copies")] for p in ranked]
    text = "### %s\n\n%s. `%s`\n\n%s" % (machine, why[0].upper() + why[1:], " ".join(options), table(head, rows))
    if idle:
        text += "\nInactive on every trace, not ranked: %s.\n" % ", ".join(idle)
    return text


def overall_part(by_machine):
    """Elapsed per machine, of the classes that acted on some machine; a class that is inactive on a machine leaves the
    pages where first touch put them, at the cost of its observation."""
    sets = [one for _, some in by_machine for one in some]
    found = runs_of(sets)
    ranked = sorted((p for p, runs in found.items() if active(runs) and p != "as_recorded"), key=lambda p: total(sets, p))
    head = ["policy", "total"] + [machine for machine, _ in by_machine]
    rows = []
    for p in ranked:
        row = ["**%s**" % p if p == OURS else p + (" *" if p in FORESEEN else ""), "%.2f" % total(sets, p)]
        for _, some in by_machine:
            here = runs_of(some).get(p, [])
            row.append(("%.2f" if active(here) else "(%.2f)") % total(some, p) if here else "")
        rows.append(row)
    idle = [p for p, runs in found.items() if not active(runs)]
    return ranked, table(head, rows), idle


def idle_part(results, idle):
    """Classes that gave no order anywhere above, and how they are seen to act."""
    if not idle:
        return "Every class acted on some machine."
    text = "Never acted with these options, and ranked nowhere: %s. Seen to act:\n\n" % ", ".join(idle)
    rows = []
    for policy in idle:
        for trace, machine, options, spec in ACTING.get(policy, []):
            options = options + ["--no-bounds", "--policy", "first_touch," + spec]
            one = results.compare("datasets/traces/%s.h5" % trace, machine, options)
            run = next(r for r in one["runs"] if r["policy"] == policy)
            rows.append(["`mirrorball compare %s.h5 --machine %s %s`" % (trace, machine, " ".join(options)),
                         "inactive" if run["inactive"] else "{:,}".format(run["moves"]),
                         "%.2f" % total([one], policy, "memory_ns")])
    return text + table(["command", "moves", "memory time, % of first touch"], rows)


def sampling_part(results):
    watch = [p["name"] for p in results.policies if "misses" in p["observes"]]
    text = ""
    for machine, options in SAMPLED:
        by_period = [[results.compare(t, machine, options + ["--no-bounds", "--sample", str(k)]) for t in results.traces]
                     for k in SAMPLING]
        ranked = sorted(watch, key=lambda p: total(by_period[0], p))
        rows = []
        for p in ranked:
            cells = ["%.1f" % total(sets, p) if active(runs_of(sets)[p]) else "inactive" for sets in by_period]
            if set(cells) != {"inactive"}:
                rows.append(["**%s**" % p if p == OURS else p] + cells)
        text += "### %s, `%s`\n\n%s\n" % (machine, " ".join(options), table(["policy"] + ["1:%d" % k for k in SAMPLING], rows))
    return text


def every_machine_part(results):
    machines = results.machines()
    sets = collections.OrderedDict((m, [results.compare(t, m, SHORT + ["--no-bounds", "--policy", ",".join(ALL_MACHINES)])
                                        for t in results.traces]) for m in machines)
    whole = [one for some in sets.values() for one in some]
    order = sorted(ALL_MACHINES, key=lambda p: total(whole, p))
    rows = [[m] + ["%.1f" % total(some, p) for p in order] for m, some in sets.items()]
    return table(["machine"] + order, rows + [["**total**"] + ["**%.2f**" % total(whole, p) for p in order]])


def page(results):
    by_machine, everything, parts = [], [], []
    for machine, options, _ in SETTINGS:
        sets = [results.compare(t, machine, options) for t in results.traces]
        by_machine.append((machine, sets))
        everything += sets
    letters, labels, common = label_letters(everything)
    for (machine, options, why), (_, sets) in zip(SETTINGS, by_machine):
        parts.append(machine_part(results, machine, options, why, sets, labels))
    ranked, overall, idle = overall_part(by_machine)
    online = [p for p in ranked if p not in FORESEEN]
    whole = [one for _, some in by_machine for one in some]
    answer = "Least total of those that decide while they run: %s, %.2f %% of first touch; next %s, %.2f %%." % (
        online[0], total(whole, online[0]), online[1], total(whole, online[1]))
    digests = ", ".join("%s %s" % (s["trace"], s["trace_digest"]) for s in by_machine[0][1])
    return TEMPLATE.format(
        answer=answer, program=by_machine[0][1][0]["program"], settings=table(["machine", "options", "why"], [
            [m, "`%s`" % " ".join(o), w] for m, o, w in SETTINGS]), overall=overall,
        idle=idle_part(results, idle),
        parts="\n".join(parts), letters="\n".join("* [%s] %s" % item for item in letters.items()),
        common=", ".join(common) or "none", sampling=sampling_part(results), every=every_machine_part(results),
        digests=digests)


TEMPLATE = """<!-- SPDX-License-Identifier: BSD-2-Clause -->
# Results

Every policy, with its defaults, on every bundled trace. Made by `./run results` ({program}); the same command makes the
same figures. {answer}

Time is elapsed CPU time (docs/model.md) in % of first touch on the same trace, machine and options; less is better. In
brackets: the share of the way from first touch to the offline optimum, in memory time at constant latencies, in %; below
0: farther off than first touch; none where the two are within 1 %. `*` decides from the recording. The options are chosen
once for all classes of a comparison: traces last 0.1 to 1.0 s, published clocks up to minutes. Where
time is stretched the stalls are a small part of it; the column `memory` has them alone (stalls and overhead).

{settings}
## Over all traces

`total` weighs each machine by its CPU time. A figure in brackets: the class gave no order on that machine.

{overall}
{idle}

`thrift` is ours; what it was tuned on, and that it was not on these traces: docs/policies.md.

## By machine

{parts}
## Labels

Borne by every run: {common}. By some:

{letters}

docs/policies.md says what they mean.

## Sampling

Verghese et al. (ASPLOS 1996) asked how many misses a policy has to see, and answered 1 in 10. Here 1 in 1, 8, 128 and 1024,
since periods are powers of two; all traces together, elapsed time in % of first touch. On flash-8 watching costs nothing,
on skylake-2s each sample is an interrupt of 1.5 us. Classes that choose the period themselves begin with the one given.

{sampling}
## On every bundled machine

The classes that are first above, and the base lines, with `--repeat 10`:

{every}
Traces by digest: {digests}.
"""


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: results.py PROGRAM FOLDER OUT")
    text = page(Results(os.path.abspath(sys.argv[1]), sys.argv[2]))
    with open(sys.argv[3] + ".tmp", "w") as out:
        out.write(text)
    os.rename(sys.argv[3] + ".tmp", sys.argv[3])


if __name__ == "__main__":
    main()
