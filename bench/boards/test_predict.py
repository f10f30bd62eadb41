"""Tests of predict.py: python3 bench/boards/test_predict.py, in the project's folder."""
import contextlib
import io
import json
import pathlib
import shutil
import tempfile
import unittest

import predict

FILES = ("counted.json", "instructions.json", "published.json", "here.txt")


class Predict(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        for name in FILES:
            shutil.copy(predict.HERE / name, self.dir)

    def change(self, name, old, new):
        """Replaces a value in a copy of the published files."""
        path = self.dir / name
        self.assertIn(old, path.read_text())
        path.write_text(path.read_text().replace(old, new, 1))

    def test_published(self):
        """The tables in the READMEs are those that the published figures give."""
        data = predict.Data()
        for path, content in ((predict.HERE / "README.md", predict.page(data)), (predict.HERE.parent.parent / "README.md", predict.small(data))):
            self.assertTrue(path.read_text() == predict.between(path, content), f"{path} is stale: make predict")

    def test_sources(self):
        """Every figure names a source that is listed, and work that was counted for its board."""
        data = predict.Data()
        names = {n for key in data.sources for n in key.split(", ")}
        for k in data.known:
            self.assertLessEqual(set(k["from"]), names, k["what"])
            self.assertTrue(k["from"])
            for w in k["work"]:
                self.assertGreater(data.counts[w, data.boards[k["board"]]["counts"]], 1e6)

    def test_arithmetic(self):
        """An interval goes from the lowest ratio of what is known to the highest."""
        data = predict.Data(self.dir)
        data.counts = {("a", "arm64"): 100e6, ("b", "arm64"): 200e6}
        data.boards["Raspberry Pi 4"] |= {"ghz": 2, "width": 8}
        data.missed = lambda kind: (1, 1)
        entry = {"board": "Raspberry Pi 4", "kind": "network", "ghz": [1, 1]}
        data.known = [entry | {"work": ["a"], "ms": [50, 50]}, entry | {"work": ["b"], "ms": [60, 300]}, entry | {"work": ["a"], "ms": [900, 900], "kind": "x264"}]
        board = data.boards["Raspberry Pi 4"]
        self.assertEqual(data.cycles(board, "network"), (0.3, 1.5))
        # What is known of two clips has two ratios.
        data.known = [entry | {"work": ["a", "b"], "ms": [100, 100], "ghz": [1, 1.5]}]
        self.assertEqual(data.cycles(board, "network"), (0.5, 1.5))
        # What the method misses on the machine at hand, it may miss on a board.
        data.missed = lambda kind: (0.5, 2)
        self.assertEqual(data.cycles(board, "network"), (0.25, 3))
        data.missed = lambda kind: (1, 1)
        # A core does not finish more instructions than it decodes.
        board["width"] = 1
        self.assertEqual(data.cycles(board, "network"), (1, 1.5))

    def test_missed(self):
        """A measurement within the interval widens nothing; one beside it does, by as much as it is off."""
        data = predict.Data(self.dir)
        works = [*predict.NETWORKS.values()]
        data.counts = {(w, "amd64_avx2"): 1e9 for w in works}
        data.cycles = lambda board, kind: (20, 30)
        for ms, want in (((20, 30), (1, 1)), ((10, 25), (0.5, 1)), ((15, 45), (0.75, 1.5))):
            data.ms = {w: m * 1e3 for w, m in zip(works, ms)}
            self.assertEqual(data.missed("network"), want)

    def test_cores(self):
        board = {"name": "B", "cores": 4, "encoder_cores": [0.1, 0.3]}
        parts = {"hedge-n@640x384": (50, 500), "hedge-p@384x256": (20, 20), "superfast-1920x1080": (20, 30), "superfast-1280x720": (10, 15),
                 "prepare/640x360": (1, 2), "motion/640x360": (0.5, 0.5), "track/objects=50": (0.1, 0.1), "copies": (0.4, 0.5), "rest": (0, 10),
                 "frost/area=5%": (0.1, 0.2), "frost/area=100%": (1, 2)}
        low, high = predict.cores(board, parts, "1080p30", "frost", "hedge-n", False)
        # Encoder, inferences (one a picture, at most one core) and the rest, which is at most 10 ms.
        self.assertAlmostEqual(low, 0.6 + 1.0 + 0.03 * (0.1 + 1 + 0.4 + 0.6))
        self.assertAlmostEqual(high, 0.9 + 1.0 + 0.3)
        low, high = predict.cores(board, parts, "1080p15", "solid", "hedge-p", True)
        self.assertAlmostEqual(low, 0.05 + 0.3 + 0.015 * (1 + 0.4 + 0.6))
        self.assertAlmostEqual(high, 0.15 + 0.3 + 0.15)
        rows = list(predict.shares(board | {"encoder_cores": None}, parts | {"background/area=5%": (1, 1), "background/area=100%": (9, 9), "superfast-1920x1080": (90, 150)}))
        self.assertEqual([(r[1], r[2]) for r in rows[:2]], [("1080p30", "solid, frost"), ("1080p30", "background")])
        self.assertEqual({tuple(r[5:]) for r in rows}, {("-", "-")})  # no encoder in hardware
        self.assertTrue(rows[0][4].endswith("(may be too much)"), rows[0])

    def times(self, factor, where=lambda work: True):
        """Writes a board's measurements: the middle of each prediction, some by a factor too long."""
        data = predict.Data()
        parts = data.predict(data.boards["Raspberry Pi 5"])
        path = self.dir / "board.txt"
        path.write_text("".join(f"time {w} {int(sum(parts[w]) / 2 * (factor if where(w) else 1) * 1e6)}\n" for w in (*predict.PARTS.values(), *predict.KERNELS)))
        return str(path)

    def run_main(self, *args):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            predict.main(list(args))
        return out.getvalue()

    def test_measured(self):
        """What a board measures stands in the form of the prediction, and what failed is named."""
        said = self.run_main("-measured", self.times(1), "-board", "Raspberry Pi 5")
        self.assertIn("| Raspberry Pi 5, 4 cores | 1080p30 |", said)
        self.assertIn("Every prediction held.", said)
        said = self.run_main("-measured", self.times(9, lambda w: w.startswith("superfast")), "-board", "Raspberry Pi 5")
        failed = said.partition("These predictions failed:")[2].strip().splitlines()
        self.assertEqual([line.partition(":")[0] for line in failed], ["x264 superfast, 1080p", "x264 superfast, 720p"])
        self.assertIn("measured", failed[0])
        said = self.run_main("-measured", self.times(0.01, lambda w: w.startswith("hedge-n")), "-board", "Raspberry Pi 5")
        self.assertIn("hedge-n, an inference: predicted", said)
        said = self.run_main("-measured", self.times(1), "-board", "Toaster")
        self.assertIn("There is no prediction for 'Toaster'", said)
        self.assertIn("| hedge-n, an inference |", said)

    def test_refuses(self):
        for bad in ("", "time frost/area=5% 100\n", "hello\n", "time hedge-n@640x384 0\n", "time hedge-n@640x384 1.5\n"):
            path = self.dir / "bad.txt"
            path.write_text(bad)
            with self.assertRaises(SystemExit, msg=bad) as e:
                predict.main(["-measured", str(path), "-board", "N100"])
            self.assertIn("bad.txt", str(e.exception.code))
        path = self.dir / "README.md"
        path.write_text("no markers\n")
        with self.assertRaises(SystemExit):
            predict.between(path, "x")

    def test_publish(self):
        """A network counted at another size than its published time is scaled; amd64 is the column with AVX2."""
        (self.dir / "counts").write_text("nanodet_m@416x416 arm64 41600\nhedge-n@640x384 amd64 7\nhedge-n@640x384 arm64 9\n")
        predict.publish(self.dir / "counts", self.dir / "counted.json")
        rows = {r["work"]: r["instructions"] for r in json.loads((self.dir / "counted.json").read_text())["rows"]}
        self.assertEqual(rows, {"nanodet_m@320x320": {"arm64": 24615}, "hedge-n@640x384": {"amd64_avx2": 7, "arm64": 9}})


if __name__ == "__main__":
    unittest.main()
