"""Tests of peers.py: python3 bench/peers/test_peers.py, in the project's folder."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import peers

HERE = pathlib.Path(__file__).parent


class Published(unittest.TestCase):
    def test_page_is_of_the_results(self):
        """last.md is what the program writes of last.json, every number of it."""
        results, page = json.loads((HERE / "last.json").read_text()), (HERE / "last.md").read_text()
        self.assertEqual(peers.markdown(results), page)
        self.assertRegex(results["date"], r"^20\d\d-\d\d-\d\d")
        self.assertIn(results["date"], page)


class Small(unittest.TestCase):
    def test_damage(self):
        data = peers.damage(bytearray(10000))
        self.assertEqual([sum(1 for v in data[a:b] if v) for a, b in ((0, 4000), (7000, 10000))], [0, 0])
        self.assertGreater(sum(1 for v in data[4000:7000] if v), 2900)

    def test_run(self):
        took = peers.run([sys.executable, "-c", "import sys; print('a\\rlast words'); sys.exit(3)"])
        self.assertEqual((took["exit"], took["said"]), (3, "last words"))
        self.assertGreater(min(took["core"], took["memory"], took["seconds"]), 0)

    def test_network(self):
        self.assertRegex(peers.network(), "^hedge-n [0-9a-f]{8}$")

    def test_bad_command_lines(self):
        for args in (["-frames", "3", "-data", "x"], ["-data", ""], ["x"]):
            with self.assertRaises(SystemExit):
                peers.main(args)


@unittest.skipUnless(shutil.which("ffmpeg") and shutil.which("go"), "no ffmpeg or no go command")
class Judged(unittest.TestCase):
    def test_controls(self):
        """A copy leaks everywhere, grey boxes nowhere; sound, place and title of an input are seen; a damaged file is no error."""
        with tempfile.TemporaryDirectory() as folder:
            data, work = pathlib.Path(folder) / "data", pathlib.Path(folder) / "work"
            source = data / "dev" / "street"
            for d in (source, work):
                d.mkdir(parents=True)
            peers.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=192x128:r=25:d=1.2,noise=alls=40:all_seed=1,format=yuv420p", "-c:v", "ffv1", source / "a.mkv")
            label = lambda n: {"image": f"a.mkv#{n}", "width": 192, "height": 128, "boxes": [{"class": "person", "x": 20.5, "y": 30.5, "w": 40, "h": 60, "track": 1}]}
            (source / "labels.jsonl").write_text("".join(json.dumps(label(n)) + "\n" for n in range(1, 31)))
            (source / "SOURCE.md").write_text("A walking camera.\n")
            clip = peers.cut(data, "street", "a.mkv", 24, work)
            self.assertEqual((clip.size, clip.frames, clip.labelled()), ((192, 128), 24, {"person": 24}))
            self.assertIn("title", peers.probe(clip.path)["secrets"])
            judge = peers.Judge(work)
            c = peers.control(clip, work, judge)
            self.assertEqual([(v["person"]["boxes"], v["person"]["leaked"]) for v in (c["only_encoded"], c["grey_boxes"])], [(24, 24), (24, 0)])
            self.assertLess(c["rest_gone_by_encoding"], 0.05)
            copy = ("copy", "all", "defaults", lambda i, o: ["ffmpeg", "-v", "error", "-i", i, "-c", "copy", o], "")
            x = peers.measure(copy, clip, work, judge)
            self.assertEqual((x["leak"]["person"]["leaked"], x["leak"]["person"]["longest_run"], x["sound_kept"], x["frames_out"]), (24, 24, True, 24))
            d = peers.damaged(copy, clip, work, judge)
            self.assertEqual((d["exit_code"], d["frames_in"]), (0, 24))
            nothing = ("nothing", "all", "defaults", lambda i, o: [sys.executable, "-c", "import sys; sys.exit('no idea')"], "")
            self.assertEqual(peers.measure(nothing, clip, work, judge)["problem"], "exit code 1: no idea")
            self.assertEqual(peers.damaged(nothing, clip, work, judge)["frames_out"], -1)


if __name__ == "__main__":
    unittest.main()
