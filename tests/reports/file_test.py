# SPDX-License-Identifier: BSD-2-Clause
"""Result files from outside: h5py opens every table, files that lie end in one line, the document's examples run."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: h5py and numpy are not installed")
    sys.exit(77)

SAMPLE, MIRRORBALL = os.environ["SAMPLE"], os.environ["MIRRORBALL"]
DOCUMENT = "docs/result-format.md"


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mirrorball-files-")
        self.path = os.path.join(self.folder.name, "results.h5")
        subprocess.run([SAMPLE, "two", self.path], check=True)

    def tearDown(self):
        self.folder.cleanup()

    def test_summary(self):
        with h5py.File(self.path) as file:
            rows = file["summary"][:]
        self.assertEqual(len(rows), 16)
        self.assertEqual(rows["trace"].tolist(), [b"pmake"] * 8 + [b"raytrace"] * 8)
        self.assertEqual(rows["group"].tolist(), [b"%03d" % i for i in range(16)])
        self.assertEqual(rows["machine"].tolist(), [b"flash-8"] * 16)
        self.assertEqual(rows["policy"][3], b"migrep")
        parts = rows["exec_ns"] + rows["local_stall_ns"] + rows["remote_stall_ns"] + rows["overhead_ns"]
        np.testing.assert_array_equal(parts, rows["elapsed_ns"])
        # 78 of 100 of 20 million misses local: 300 ns each, 900 ns for the others.
        self.assertEqual(rows["local_stall_ns"][3], 15600000 * 300)
        self.assertEqual(rows["remote_stall_ns"][3], 4400000 * 900)
        self.assertAlmostEqual(rows["local_share"][3], .78)
        # (16.08 s - (4.68 + 3.96 + 0.99 s - 1 us)) / (16.08 s - 7.40 s)
        self.assertAlmostEqual(rows["to_optimum"][3], (16.08 - 9.629999) / 8.68, places=5)
        self.assertTrue(np.isnan(rows["to_optimum"][7]))
        self.assertEqual(rows["inactive"].tolist(), ([0] * 7 + [1]) * 2)
        self.assertEqual(rows["refused"][3], 7 * (1 + 4 + 9 + 16 + 25 + 36))
        self.assertEqual(rows["labels"][3], b"miss-fed; writes under-seen")
        self.assertEqual(rows["digest"][0], 0x0123456789abcdef)

    def test_run(self):
        with h5py.File(self.path) as file:
            run = file["runs/003"]
            self.assertEqual(run.attrs["policy"], b"migrep")
            self.assertEqual(run.attrs["param_trigger"], 128)
            self.assertEqual(run.attrs["param_reset"], 2 ** 64 - 1)
            self.assertEqual(dict(run["parameters"][:].tolist())[b"sharing"], 32)
            overhead = dict(run["overhead"][:].tolist())
            self.assertEqual(sum(overhead.values()), 990000000)
            self.assertEqual(overhead[b"move"], 495000000)
            self.assertEqual(dict(run["refused"][:].tolist())[b"budget"], 63)
            traffic = run["traffic"][:]
            self.assertEqual(len(traffic), 64)
            own = traffic[traffic["from"] == traffic["to"]]
            self.assertEqual((own["read_misses"] + own["write_misses"]).sum(), 8 * 1950000)
            self.assertEqual(run["nodes"]["memory_utilisation_mean_ppm"][2], 150000 + 40000 + 22 * 2000)
            series = run["series"][:]
            self.assertEqual(len(series), 120)
            self.assertEqual(series["time_ns"][2], 8000000)
            self.assertEqual(series["misses"].sum(), 20000000 // 120 * 120)
            self.assertIn("memory_utilisation_node7_ppm", series.dtype.names)

    def test_inputs(self):
        with h5py.File(self.path) as file:
            inputs = file["inputs/001"]
            self.assertEqual(inputs.attrs["trace_name"], b"raytrace")
            self.assertEqual(inputs.attrs["trace_digest"], 0xfedcba9876543210)
            self.assertEqual(inputs.attrs["machine"], b"flash-8")
            self.assertEqual(inputs.attrs["cpu_map"], b"0-3:0,4-7:1")
            links = inputs["machine_links"][:]
            self.assertEqual(links["latency_ps"][(links["from"] == 2) & (links["to"] == 5)][0], 900002)
            self.assertEqual(inputs["machine_nodes"]["frames"][3], 1000)
            self.assertEqual(inputs["memory_curve"]["factor_ppm"].tolist(), [1000000, 4000000])
            self.assertEqual(file["bounds"]["optimum_ns"].tolist(), [7400000000] * 2)

    def test_checks(self):
        with h5py.File(self.path) as file:
            self.assertNotIn("paper", file)
        subprocess.run([SAMPLE, "paper", self.path], check=True)
        with h5py.File(self.path) as file:
            rows = file["paper"][:]
        self.assertEqual(rows["set"].tolist(), [0] * 16 + [1] * 17)
        self.assertEqual(rows["workload"].tolist(), [b"engineering"] * 16 + [b"raytrace"] * 16 + [b"raytrace-packed"])
        names = ("workload", "quantity", "unit", "paper", "here", "low", "high", "judged", "within", "origin")
        self.assertEqual([rows[name][2] for name in names], [b"engineering", b"baseline: local share", b"% of misses", 16,
                                                             12.59, 11.5, 13.5, 1, 1, b"rule: 1/N"])
        self.assertTrue(np.isnan(rows["paper"][1]))
        np.testing.assert_array_equal(np.isnan(rows["low"]), rows["judged"] == 0)
        np.testing.assert_array_equal((rows["here"] >= rows["low"]) & (rows["here"] <= rows["high"]), rows["within"])

    def test_how_the_results_were_come_by_is_not_in_them(self):
        def look(path):
            found = {}
            with h5py.File(path) as file:
                found["summary"] = file["summary"][:].tobytes()
                file["runs"].visititems(lambda name, thing: found.update({name: (
                    [(key, str(value)) for key, value in sorted(thing.attrs.items())],
                    thing[:].tobytes() if isinstance(thing, h5py.Dataset) else None)}))
                inputs = [(key, str(value)) for key, value in sorted(file["inputs/000"].attrs.items())]
            return found, inputs

        paths = [os.path.join(self.folder.name, kind + ".h5") for kind in ("set", "later")]
        for path in paths:
            subprocess.run([SAMPLE, os.path.basename(path)[:-3], path], check=True)
        (one, one_inputs), (two, two_inputs) = map(look, paths)
        self.assertEqual(one, two)
        self.assertEqual(len(one), 1 + 8 * 7)
        self.assertEqual({a[0] for a, b in zip(one_inputs, two_inputs) if a != b}, {"command", "date", "threads"})

    def test_every_table_has_one_dimension(self):
        seen = []

        def look(name, thing):
            if isinstance(thing, h5py.Dataset):
                seen.append(name)
                self.assertEqual(len(thing.shape), 1, name)
                for column in thing.dtype.names:
                    self.assertEqual(thing.dtype[column].shape, (), f"{name}.{column}: no frame of pandas holds it")

        with h5py.File(self.path) as file:
            file.visititems(look)
        self.assertEqual(len(seen), 3 + 2 * 5 + 16 * 6)

    def report_fails(self, path, *says):
        page = os.path.join(self.folder.name, "page.html")
        done = subprocess.run([MIRRORBALL, "report", path, "-o", page], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in says:
            self.assertIn(word, done.stderr)
        self.assertEqual([name for name in os.listdir(self.folder.name) if "page" in name], [])

    def replace(self, name, data, **options):
        with h5py.File(self.path, "a") as file:
            del file[name]
            file.create_dataset(name, data=data, **options)

    def test_a_missing_column(self):
        with h5py.File(self.path) as file:
            rows = file["summary"][:]
        self.replace("summary", rows[[name for name in rows.dtype.names if name != "exec_ns"]].copy())
        self.report_fails(self.path, "results.h5", "/summary", "lacks a column")

    def test_a_column_of_another_type(self):
        with h5py.File(self.path) as file:
            rows = file["bounds"][:]
        self.replace("bounds", rows.astype([(n, "f8" if n == "uma_ns" else rows.dtype[n]) for n in rows.dtype.names]))
        self.report_fails(self.path, "/bounds", "another type")

    def test_two_dimensions(self):
        with h5py.File(self.path) as file:
            rows = file["summary"][:]
        self.replace("summary", rows.reshape(4, 4))
        self.report_fails(self.path, "/summary", "not one-dimensional")

    def test_more_rows_than_the_file_can_hold(self):
        with h5py.File(self.path, "a") as file:
            kind = file["runs/000/series"].dtype
            del file["runs/000/series"]
            file["runs/000"].create_dataset("series", shape=(1 << 40,), dtype=kind, chunks=(1024,))
        self.report_fails(self.path, "/runs/000/series", "more rows")

    def test_a_chunk_without_measure(self):
        with h5py.File(self.path, "a") as file:
            kind = file["runs/000/nodes"].dtype
            del file["runs/000/nodes"]
            file["runs/000"].create_dataset("nodes", shape=(8,), maxshape=(None,), dtype=kind, chunks=(1 << 26,))
        self.report_fails(self.path, "/runs/000/nodes", "storage layout")

    def test_indices_out_of_range(self):
        for name, column, says in (("summary", "set", "names a set"), ("bounds", "set", "names a set"),
                                   ("runs/002/traffic", "to", "names a node")):
            with self.subTest(name):
                subprocess.run([SAMPLE, "two", self.path], check=True)
                with h5py.File(self.path, "a") as file:
                    rows = file[name][:]
                    rows[column] = 2 ** 32 - 1
                    file[name][:] = rows
                self.report_fails(self.path, says)

    def test_checks_that_lie(self):
        for says, change in (("names a set", lambda rows: rows["set"].fill(2)),
                             ("lacks a column", lambda rows: rows[["set", "paper"]].copy()),
                             ("another type", lambda rows: rows.astype(
                                 [(n, "f8" if n == "judged" else rows.dtype[n]) for n in rows.dtype.names])),
                             ("not one-dimensional", lambda rows: rows.reshape(33, 1)),
                             ("more rows", lambda rows: np.repeat(rows, 4096 // 33 + 1))):
            with self.subTest(says):
                subprocess.run([SAMPLE, "paper", self.path], check=True)
                with h5py.File(self.path) as file:
                    rows = file["paper"][:]
                changed = change(rows)
                self.replace("paper", rows if changed is None else changed)
                self.report_fails(self.path, "/paper", says)
        with h5py.File(self.path, "a") as file:
            del file["paper"]
            file["paper"] = h5py.SoftLink("/summary")
        self.report_fails(self.path, "/paper", "missing")

    def test_impossible_numbers(self):
        for name, value in (("machine_nodes", 65), ("machine_nodes", 0), ("machine_nodes", 2 ** 32 - 1),
                            ("trace_cpus", 1025), ("machine_nodes", 7)):
            with self.subTest(f"{name} {value}"):
                subprocess.run([SAMPLE, "two", self.path], check=True)
                with h5py.File(self.path, "a") as file:
                    file["inputs/001"].attrs.modify(name, np.uint32(value))
                self.report_fails(self.path, name)

    def test_attributes_missing_or_of_another_type(self):
        for value in (None, "text", 1.5, [1, 2]):
            with self.subTest(str(value)):
                subprocess.run([SAMPLE, "two", self.path], check=True)
                with h5py.File(self.path, "a") as file:
                    del file["inputs/000"].attrs["repeat"]
                    if value is not None:
                        file["inputs/000"].attrs["repeat"] = value
                self.report_fails(self.path, "/inputs/000/repeat")

    def test_links_elsewhere_are_not_followed(self):
        other = os.path.join(self.folder.name, "other.h5")
        os.rename(self.path, other)
        with h5py.File(self.path, "w") as file:
            file.attrs["mirrorball_result_version"] = np.uint32(1)
            for name in ("inputs", "runs", "summary", "bounds", "execution"):
                file[name] = h5py.ExternalLink(other, name)
        self.report_fails(self.path, "/inputs", "missing")

    def test_another_version_and_other_files(self):
        with h5py.File(self.path, "a") as file:
            file.attrs.modify("mirrorball_result_version", np.uint32(99))
        self.report_fails(self.path, "another format version")
        with h5py.File(self.path, "w") as file:
            file["x"] = [1, 2, 3]
        self.report_fails(self.path, "no result file")
        with open(self.path, "w") as file:
            file.write("text")
        self.report_fails(self.path, "no HDF5 file")

    def test_a_new_line_in_a_file_name_stays_one_line(self):
        self.report_fails(os.path.join(self.folder.name, "no\nsuch.h5"))

    def test_the_report_command(self):
        page = os.path.join(self.folder.name, "results.html")
        subprocess.run([MIRRORBALL, "report", self.path], check=True)
        with open(page, "rb") as file:
            self.assertIn(b"<!doctype html>", file.read(100))
        for again in (self.path, os.path.join(self.folder.name, ".", os.path.basename(self.path))):
            done = subprocess.run([MIRRORBALL, "report", self.path, "-o", again], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        link = os.path.join(self.folder.name, "link.html")
        os.symlink("results.html", link)
        subprocess.run([MIRRORBALL, "report", self.path, "-o", link], check=True)
        self.assertTrue(os.path.islink(link))
        done = subprocess.run([MIRRORBALL, "report", self.path, "-o", "/dev/full"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))

    def test_the_examples_of_the_document(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            examples = re.findall(r"```python\n(.*?)```", file.read(), re.S)
        subprocess.run([SAMPLE, "paper", os.path.join(self.folder.name, "paper.h5")], check=True)
        self.assertGreaterEqual(len(examples), 3)
        for example in examples:
            if "pandas" in example:
                try:
                    import pandas  # noqa: F401
                except ImportError:
                    continue
            done = subprocess.run([sys.executable, "-c", example], cwd=self.folder.name, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, example + done.stderr)
            expected = re.findall(r"# prints: (.*)", example)
            self.assertEqual(done.stdout.split("\n")[:-1], expected, example)

    def test_the_document_names_every_column_and_attribute(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            text = file.read()
        names = set()
        subprocess.run([SAMPLE, "paper", self.path], check=True)

        def look(_, thing):
            names.update(re.sub("node[0-9]+_ppm", "nodeN_ppm", column) for column in
                         (thing.dtype.names if isinstance(thing, h5py.Dataset) else ()))
            names.update("param_NAME" if name.startswith("param_") else name for name in thing.attrs)

        with h5py.File(self.path) as file:
            look("/", file)
            file.visititems(look)
        self.assertEqual([name for name in sorted(names) if f"`{name}`" not in text], [])


if __name__ == "__main__":
    unittest.main(verbosity=0)
