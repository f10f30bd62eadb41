"""Tests of boards.py: python3 bench/boards/test_boards.py, in the project's folder."""
import contextlib
import io
import pathlib
import tempfile
import unittest

import boards

COUNTED = """work 1 10 frost
insn 0 99999999 redact_sum_cells
insn 1 30000 redact_sum_cells
insn 1 50000 redact_fill_frost.avx2.0
insn 1 10000 redact_fill_frost.default.1
insn 1 25000 github.com/hedgecam/hedge/redact.(*frost).spread
insn 1 15000 github.com/hedgecam/hedge/redact.nextSpan
insn 1 70000 github.com/hedgecam/hedge/detect/motion.sortBy[go.shape.int, go.shape.int]
insn 1 40000 _cgo_8aebd5ec9b0e_Cfunc_shrink
insn 1 10 diff
insn 1 800000 runtime.memmove
insn 1 800000 main.frost
insn 2 99999999 shrink
"""


class Boards(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def file(self, text):
        path = self.dir / "counts"
        path.write_text(text)
        return path

    def test_read(self):
        self.assertEqual(boards.read(self.file(COUNTED)), {("frost", k): n for k, n in {
            "redact_sum_cells": 3000, "redact_fill_frost": 6000, "Go: redact": 4000, "Go: detect/motion": 7000, "shrink": 4000}.items()})
        for bad in ("", "work 1 10 frost\n", "insn x 1 shrink\n", "work 1 0 frost\n", "hello\n"):
            with self.assertRaises(SystemExit, msg=bad):
                boards.read(self.file(bad))

    def test_compare(self):
        def counts(*n):
            return {("frost", boards.KERNELS[i]): {"arm64": v} for i, v in enumerate(n)}
        for now, then, says in (
                (counts(10000, 20000), counts(10000, 20000), None), (counts(5000), counts(10000), None), (counts(10999), counts(10000), None),
                (counts(10000, 22001), counts(10000, 20000), "redact_fill_frost: arm64 takes 22001 instructions a frame, +10.0 %"),
                (counts(10000, 20000), counts(10000), "none are published"), (counts(10000), counts(10000, 20000), "no count")):
            bad = boards.compare(now, then)
            self.assertEqual(len(bad), 1 if says else 0)
            self.assertIn(says or "", "".join(bad))

    def test_run(self):
        """What is published is read back as it was, and a dearer kernel fails the run."""
        published = str(self.dir / "instructions.json")
        dearer = COUNTED.replace("insn 1 30000", "insn 1 33100")
        for publish, built, text, fails, says in (
                (True, "gcc 12", COUNTED, False, ""), (False, "gcc 12", COUNTED, False, "| frost | redact_sum_cells | 3.0 |"),
                (False, "gcc 12", dearer, True, "3.3 (+10.3 %)"),
                (False, "gcc 13", dearer, False, "Not compared: published with gcc 12, counted with gcc 13")):
            out = io.StringIO()
            failed = False
            try:
                with contextlib.redirect_stdout(out):
                    boards.main([*(["-publish"] if publish else []), "-published", published, "-built", built, f"arm64={self.file(text)}"])
            except SystemExit:
                failed = True
            self.assertEqual(failed, fails, says)
            self.assertIn(says, out.getvalue())
        for args in ([], ["arm64"], [f"mips={self.file(COUNTED)}"]):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                boards.main(args)

    def test_published(self):
        """The published counts come out of a run that publishes them again, byte for byte."""
        path = pathlib.Path(__file__).parent / "instructions.json"
        rows = boards.json.loads(path.read_text())
        args, again = ["-publish", "-published", str(self.dir / "again.json"), "-built", rows["built"]], self.dir / "again.json"
        for t in boards.TARGETS:
            works, lines = {}, []
            for r in rows["rows"]:
                if t in r["instructions"]:
                    n = works.setdefault(r["work"], len(works))
                    name = boards.MODULE + r["kernel"][4:] + ".f" if r["kernel"].startswith("Go: ") else r["kernel"]
                    lines.append(f"insn {n} {r['instructions'][t]} {name}")
            file = self.dir / t
            file.write_text("".join(f"work {n} 1 {w}\n" for w, n in works.items()) + "\n".join(lines) + "\n")
            args.append(f"{t}={file}")
        boards.main(args)
        self.assertEqual(again.read_text(), path.read_text())


if __name__ == "__main__":
    unittest.main()
