# SPDX-License-Identifier: BSD-2-Clause
"""The report in a real browser: no complaint, no request, charts drawn, the table's rows, sorting, light and dark."""
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser  # noqa: E402

try:
    import h5py
except ImportError:
    h5py = None

SAMPLE = os.environ["SAMPLE"]

# Per canvas: is it visible, how many different colours has a coarse grid of its pixels, which share is not background?
PIXELS = """
[...document.querySelectorAll("canvas")].map((canvas) => {
  const { width, height } = canvas, data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const colours = new Set();
  let inked = 0, seen = 0;
  for (let y = 0; y < height; y += 2) for (let x = 0; x < width; x += 2) {
    const at = (y * width + x) * 4;
    colours.add(data[at] + "," + data[at + 1] + "," + data[at + 2] + "," + data[at + 3]);
    inked += data[at + 3] > 0;
    seen++;
  }
  return { label: canvas.getAttribute("aria-label"), width, height, colours: colours.size, inked: inked / seen };
})
"""

ROWS = """
[...document.querySelectorAll("table.runs tbody tr")].map((row) =>
  [row.querySelector("th").firstChild.textContent, ...[...row.querySelectorAll("td")].map((cell) => cell.textContent)])
"""

SORTS = """[...document.querySelectorAll("table.runs thead th")].map((head) => head.getAttribute("aria-sort"))"""


# Rows of the paper check: workload, quantity with its unit, and the cells.
CHECKS = """
[...document.querySelectorAll("table.paper tbody")].flatMap((body) => {
  const [head, ...rows] = body.rows;
  return rows.map((row) => [head.textContent, ...[...row.cells].map((cell) => cell.textContent)]);
})
"""


def shown(value, sign=""):
    """A figure as the page writes it: three digits or so, a real minus sign, a dash for none."""
    if math.isnan(value):
        return "\u2013"
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    return f"{value:{sign},.{digits}f}".replace("-", "\u2212")


def click(column):
    return f"""document.querySelectorAll("table.runs thead button")[{column}].click()"""


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="mirrorball-page-")
        cls.browser = browser.Browser(100)

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.folder.cleanup()

    def make(self, kind, suffix="html"):
        path = os.path.join(self.folder.name, f"{kind}.{suffix}")
        subprocess.run([SAMPLE, kind, path], check=True)
        return path

    def clean(self, path):
        self.assertEqual(self.browser.complaints(), [])
        self.assertEqual([url for url in self.browser.requests() if not url.startswith("data:")],
                         ["file://" + os.path.abspath(path)])

    def drawn(self, least):
        canvases = self.browser.evaluate(PIXELS)
        self.assertGreaterEqual(len(canvases), least)
        for canvas in canvases:
            self.assertGreater(canvas["width"], 200, canvas)
            self.assertGreater(canvas["colours"], 12, canvas)
            self.assertGreater(canvas["inked"], 0.01, canvas)

    def test_a_comparison(self):
        path = self.make("set")
        with open(self.make("set", "json"), encoding="utf-8") as file:
            expected = json.load(file)
        self.browser.open(path)
        self.clean(path)
        self.drawn(7)
        self.assertLess(os.path.getsize(path), 1 << 20)
        rows = self.browser.evaluate(ROWS)
        self.assertEqual([row[0] for row in rows], [run["spec"] for run in expected["runs"]])
        for row, run in zip(rows, expected["runs"]):
            self.assertEqual(row[8], f"{run['moves']:,}")
            self.assertEqual(row[2], f"{run['elapsed_ns'] / 19180000000 * 100:.1f}")
        self.assertIn(expected["answer"], self.browser.evaluate("document.body.textContent"))
        self.assertEqual(self.browser.evaluate(SORTS)[1], "ascending")

    def test_every_input_is_there(self):
        self.browser.open(self.make("set"))
        text = self.browser.evaluate("""document.querySelector(".inputs").textContent""")
        for word in ("mirrorball compare pmake.h5 -o results.h5", "fedcba9876543210", "flash-8", "0-3:0,4-7:1", "33.0 %",
                     "trigger=128 sharing=32 write=1 migrate=1 reset=unbounded", "make -j8", "50 %", "1.5"):
            self.assertIn(word, text)

    def test_sorting(self):
        self.browser.open(self.make("set"))
        self.browser.evaluate(click(8))
        moves = [int(row[8].replace(",", "")) for row in self.browser.evaluate(ROWS)]
        self.assertEqual(moves, sorted(moves))
        self.assertEqual(self.browser.evaluate(SORTS)[8], "ascending")
        self.assertEqual(self.browser.evaluate(SORTS)[1], "none")
        self.browser.evaluate(click(8))
        moves = [int(row[8].replace(",", "")) for row in self.browser.evaluate(ROWS)]
        self.assertEqual(moves, sorted(moves, reverse=True))
        self.assertEqual(self.browser.evaluate(SORTS)[8], "descending")
        for _ in range(2):
            self.browser.evaluate(click(13))
            shares = [row[13] for row in self.browser.evaluate(ROWS)]
            self.assertEqual(shares[-1], "\u2013", "an undefined share stands last, whichever way")
            self.assertEqual(shares.count("\u2013"), 1)

    def test_light_dark_and_back(self):
        self.browser.open(self.make("set"))
        signature = """(() => {
          const canvas = document.querySelector("canvas"), data = canvas.getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height).data;
          let sum = 0;
          for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + data[i + 1] * 3 + data[i + 2] * 7) % 1000003;
          return [sum, getComputedStyle(document.body).backgroundColor];
        })()"""
        light = self.browser.evaluate(signature)
        self.browser.scheme("dark")
        self.browser.settle()
        dark = self.browser.evaluate(signature)
        self.browser.scheme("light")
        self.browser.settle()
        self.assertNotEqual(light[0], dark[0], "the charts do not follow the scheme")
        self.assertNotEqual(light[1], dark[1])
        self.assertEqual(light, self.browser.evaluate(signature))

    def test_narrow(self):
        for kind in ("set", "hostile"):
            self.browser.open(self.make(kind), width=480)
            self.drawn(7)
            self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), 480)

    def test_several_traces(self):
        path = self.make("two")
        self.browser.open(path)
        self.clean(path)
        self.drawn(14)
        self.assertEqual(self.browser.evaluate("""document.querySelectorAll("section.trace").length"""), 2)
        self.assertEqual(self.browser.evaluate("""[...document.querySelectorAll("nav a")].map((a) => a.textContent)"""),
                         ["pmake", "raytrace"])

    def checks(self, kind):
        """The rows of /paper as the page is to show them, with the workload in front."""
        with h5py.File(self.make(kind, "h5")) as file:
            rows = file["paper"][:]
        text = lambda cell: cell.decode("utf-8", "replace")  # noqa: E731
        return [[text(row["workload"]), text(row["quantity"]) + text(row["unit"]), shown(row["paper"]), shown(row["here"]),
                 shown(row["here"] - row["paper"], "+"),
                 ("within" if row["within"] else "outside") if row["judged"] else "\u2013",
                 f"{row['low']:.4g} to {row['high']:.4g}" if row["judged"] else "", text(row["origin"])] for row in rows]

    @unittest.skipUnless(h5py, "h5py is not installed")
    def test_the_paper_check(self):
        path = self.make("paper")
        self.browser.open(path)
        self.clean(path)
        self.drawn(2 + 14)
        self.assertEqual(self.browser.evaluate("document.title"), "Disco\u2019s locality experiments beside the model")
        self.assertEqual(self.browser.evaluate("document.querySelector('main').firstChild.id"), "paper")
        expected = self.checks("paper")
        self.assertEqual(len(expected), 16 + 16 + 1)
        self.assertEqual(self.browser.evaluate(CHECKS), expected)
        self.assertEqual(expected[0], ["engineering", "gain of migrep, monitor added%", "33.0", "20.4", "\u221212.6",
                                       "outside", "28 to 38", "measured"])
        self.assertEqual(expected[-1][:6], ["raytrace-packed", "gain of migrep, monitor added%", "38.0", "38.3", "+0.34",
                                            "\u2013"])
        text = self.browser.evaluate("document.getElementById('paper').textContent")
        self.assertIn("6 of 8 judged figures lie within their tolerance.", text)
        self.assertIn("Outside: engineering, gain of migrep, monitor added: 20.4 % here, 33.0 in the paper, 28 to 38 "
                      "allowed; raytrace, gain", text)
        self.assertIn("20.4\u00a0% where the paper measured 33.0\u00a0%: 12.6 points short.", text)
        self.assertIn("a remote miss takes 1.01 \u00b5s here and 1.20 in the paper", text)
        self.assertIn("the baseline, 1.41 \u00b5s here and 2.42 in the paper", text)
        self.assertIn("gain 38.3\u00a0%", text)

    def test_bars_of_the_paper_check(self):
        """Six bars and the gaps between the pairs; every slice that of its check, the paper's above ours."""
        self.browser.open(self.make("paper"))
        labels, *slices = self.browser.evaluate("""(() => {
          const { labels, datasets } = Chart.getChart(document.querySelector("#paper canvas")).data;
          return [labels, ...datasets.map((set) => set.data)];
        })()""")
        self.assertEqual(labels, ["IRIX, paper", "baseline, here", "", "Disco, paper", "migrep, here", "", "UMA, paper",
                                  "UMA, here"])
        self.assertEqual(list(zip(*slices)), [(31.3, 5.5, 63.2, 0), (31.5, 2.1, 66.4, 0), (0, 0, 0, 0),
                                              (30.5, 12.9, 13.3, 10.3), (31.5, 13.3, 15, 9.6), (0, 0, 0, 0),
                                              (31, 17, 0, 0), (31.5, 17.03, 0, 0)])

    def test_the_paper_check_narrow_and_dark(self):
        self.browser.open(self.make("paper"), width=480, scheme="dark")
        self.drawn(16)
        self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), 480)

    def test_no_paper_check_without_checks(self):
        self.browser.open(self.make("two"))
        self.assertFalse(self.browser.evaluate("Boolean(document.getElementById('paper'))"))

    def test_hostile_checks_stay_text(self):
        path = self.make("hostile-checks")
        self.browser.open(path)
        self.clean(path)
        self.assertEqual(self.browser.evaluate("document.images.length"), 0)
        rows = self.browser.evaluate(CHECKS)
        self.assertEqual(rows[0][0], "<b>&amp;\"?[31m")
        self.assertIn("</script><img src=x onerror=", rows[2][1])
        self.assertEqual(rows[2][3], "\u2013", "an infinite figure is none")

    def test_a_sweep_of_200(self):
        path = self.make("big")
        self.browser.open(path)
        self.clean(path)
        self.drawn(7)
        self.assertEqual(len(self.browser.evaluate(ROWS)), 200)
        self.assertLess(os.path.getsize(path), 1 << 20)

    def test_a_sweep_is_a_surface(self):
        """Two triggers by ten sharings: the cells are the runs' times in % of the least, which is bold."""
        self.browser.open(self.make("sweep"))
        with open(self.make("sweep", "json"), encoding="utf-8") as file:
            runs = json.load(file)["runs"]
        least = min(run["elapsed_ns"] for run in runs)
        want = {(run["params"]["trigger"], run["params"]["sharing"]): f"{run['elapsed_ns'] / least * 100:.1f}" for run in runs}
        table = self.browser.evaluate("""[...document.querySelector("table.sweep").rows].map((row) =>
            [...row.cells].map((cell) => cell.textContent))""")
        self.assertEqual(table[0], ["trigger \\ sharing", *map(str, range(1, 11))])
        self.assertEqual({(int(row[0]), i + 1): cell for row in table[1:] for i, cell in enumerate(row[1:])}, want)
        self.assertEqual(self.browser.evaluate("""document.querySelector("table.sweep b").textContent"""), "100.0")
        titles = self.browser.evaluate("""[...document.querySelectorAll("figure h3")].map((h) => h.textContent)""")
        self.assertEqual(titles[:2], ["Over trigger", "Over sharing"])
        self.browser.open(self.make("set"))
        self.assertFalse(self.browser.evaluate("""Boolean(document.querySelector("table.sweep"))"""))

    def test_one_run_without_yardsticks_and_none_at_all(self):
        for kind, runs in (("bare", 1), ("empty", 0)):
            path = self.make(kind)
            self.browser.open(path)
            self.clean(path)
            self.drawn(runs)
            self.assertEqual(len(self.browser.evaluate(ROWS)), runs)

    def test_run_of_the_monitor(self):
        path = os.path.join(self.folder.name, "monitor.html")
        subprocess.run([os.environ["MIRRORBALL"], "report", "tests/reports/corpus/monitor.h5", "-o", path], check=True)
        self.browser.open(path)
        self.clean(path)
        self.drawn(4)  # three over time, one of exits
        self.assertEqual(self.browser.evaluate("document.querySelector('h1').textContent"), "web, db under migrep:trigger=64")
        tables = self.browser.evaluate("""[...document.querySelectorAll("table")].map((table) =>
            [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent)))""")
        vms, traffic, memory, exits, disks = tables[:5]
        self.assertEqual([row[:6] for row in vms[1:]], [["web", "powered off", "1", "512.0 MiB", "3.9 MiB", "400.0 KiB"],
                                                        ["db", "powered off", "2", "256.0 MiB", "3.9 MiB", "400.0 KiB"]])
        self.assertEqual([row[1:] for row in traffic[1:]], [["60.0", "6.7"], ["16.7", "16.7"]])
        self.assertEqual(memory[1], ["0", "2", "512.0 MiB", "256.0 MiB", "4.0 MiB"])
        # 40 CPUID exits of each of three virtual CPUs that ran 2 s
        self.assertIn(["cpuid", "20.0", "20.0", "20.0", "120"], exits)
        self.assertEqual(disks[1][:5], ["disk0", "10", "300", "400", "250"])
        text = self.browser.evaluate("document.body.innerText")
        for word in ("NaN", "undefined", "null", "Infinity"):
            self.assertNotIn(word, text)

    def test_two_runs_of_the_monitor(self):
        path = os.path.join(self.folder.name, "monitors.html")
        subprocess.run([os.environ["MIRRORBALL"], "report", "tests/reports/corpus/monitor.h5", "tests/reports/corpus/monitor.h5", "-o", path],
                       check=True)
        self.browser.open(path)
        self.clean(path)
        self.drawn(8)
        self.assertEqual(self.browser.evaluate("document.querySelector('h1').textContent"), "2 runs of the monitor")
        rows = self.browser.evaluate("[...document.querySelector('table').tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent))")
        self.assertEqual([row[:8] for row in rows], [["web, db under migrep:trigger=64", "2", "all off", "20.00 s", "76.7", "400", "40", "4"]] * 2)

    def test_one_known_share_is_no_line(self):
        path = os.path.join(self.folder.name, "short.html")
        subprocess.run([os.environ["MIRRORBALL"], "report", "tests/reports/corpus/monitor.h5", "-o", path], check=True)
        with open(path) as file:
            text = file.read()
        known = re.search(r'"local_share":\[[^]]*,[^]]*\]', text).group()
        with open(path, "w") as file:
            file.write(text.replace(known, '"local_share":[0.5' + ",null" * known.count(",") + "]"))
        self.browser.open(path)
        titles = self.browser.evaluate("[...document.querySelectorAll('h3')].map((title) => title.textContent)")
        self.assertIn("Moves and copies over time", titles)
        self.assertNotIn("Local share over time", titles)

    def test_moves_per_second(self):
        path = os.path.join(self.folder.name, "rate.html")
        subprocess.run([os.environ["MIRRORBALL"], "report", "tests/reports/corpus/monitor.h5", "-o", path], check=True)
        self.browser.open(path)
        points = self.browser.evaluate("charts.map((chart) => chart.data.datasets[0].data)")[1]
        # 110 in each of four seconds; the last report is followed by 16 s more
        self.assertEqual([round(p["y"], 3) for p in points], [110, 110, 110, 6.471])

    def test_hostile_names_stay_text(self):
        path = self.make("hostile")
        self.browser.open(path)
        self.clean(path)
        self.assertEqual(self.browser.evaluate("document.images.length"), 0)
        self.assertIn("</script><img src=x onerror=", self.browser.evaluate("document.title"))
        self.assertIn("</script><img src=x onerror=", self.browser.evaluate(ROWS)[0][0])
        self.assertEqual(self.browser.evaluate("document.scripts.length"), 9)

    def test_choosing_a_policy_changes_its_charts(self):
        self.browser.open(self.make("set"))
        heat = """document.querySelector("table.heat tbody td").textContent"""
        before = self.browser.evaluate(heat)
        self.browser.evaluate("""(() => { const s = document.querySelector("select");
          s.value = [...s.options].find((o) => o.textContent === "interleave").value; s.onchange(); })()""")
        self.assertEqual(before, "9.8")
        self.assertEqual(self.browser.evaluate(heat), "1.5")

    def test_print_is_light_and_opens_the_inputs(self):
        self.browser.open(self.make("set"), scheme="dark")
        self.browser.evaluate("dispatchEvent(new Event('beforeprint'))")
        self.assertEqual(self.browser.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(251, 251, 249)")
        self.assertTrue(self.browser.evaluate("[...document.querySelectorAll('details')].every((d) => d.open)"))
        self.browser.evaluate("dispatchEvent(new Event('afterprint'))")
        self.assertEqual(self.browser.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(20, 23, 26)")


if __name__ == "__main__":
    if not browser.find():
        print("skipped: no chromium here")
        sys.exit(77)
    unittest.main(verbosity=0)
