#!/usr/bin/env python3
"""Runs what a user would take instead of Hedge over the same clips, in one run on
one machine, and measures all the same way.

    python3 bench/peers/peers.py [-json F] [-md F] [-data DIR] [-venv DIR] [-frames N] [-only TOOL] [-keep DIR]

Run it in the project's folder. It needs Python 3.9 and nothing from outside it,
the go command, ffmpeg and ffprobe, and the clips from the folder dev below
$HEDGE_DATA. The others are deface (PyPI), installed into a virtual environment
that is thrown away unless -venv names one, and bench/peers/plain, the common
frame-by-frame program with gocv and the networks of Hedge. A tool that cannot be
had is left out, and the results say why.

What is shown is judged by bench/leak -redacted, which knows the clip, its labels
and what came out, whatever program made it. Two controls say whether that is
fair: a copy that is only encoded again must leak everywhere, and a copy with grey
boxes over the labels nowhere.

Core time is user and system time of the program and of all that it started and
waited for; peak memory is of its largest process. Frames a second include the
start of the program and the loading of networks.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

CLIPS = [("mot15_TUD-Campus", "TUD-Campus.mp4"), ("face_video_portrait_1080x608", "egoblur_gen1_600f.mp4"),
         ("mot15_PETS09-S2L1", "vtest.avi")]
# A clip made of single pictures of plates, each shown for a few frames: no labelled clip of plates is free.
SLIDES, SLIDES_SET, SLIDES_COUNT, SLIDES_HOLD, SLIDES_SIZE = "plates_openalpr_eu, slides", "plates_openalpr_eu", 16, 6, (960, 544)
# What an input carries that must not be in an output.
TITLE, PLACE, TIME = "secret title", "+48.1234+011.5678/", "2021-03-04T05:06:07Z"
DEFACE = "1.5.0"
POLICIES = {"faces": '{"version": 1, "property": [[[0,0],[1,0],[1,1],[0,1]]], "inside": {"hide": ["face"]}}',
            "all": '{"version": 1, "outside": {"hide": "detected"}}'}


def ffmpeg(*args, **more):
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, args)], check=True, **more)


def probe(path):
    """Returns size, number of decoded frames, whether there is sound, and the tags of the input that are left; None for no video."""
    done = subprocess.run(["ffprobe", "-v", "quiet", "-count_frames", "-show_streams", "-show_format", "-of", "json", str(path)], capture_output=True)
    if done.returncode:
        return None
    about = json.loads(done.stdout)
    streams = about.get("streams", [])
    video = [s for s in streams if s["codec_type"] == "video"]
    if not video:
        return None
    tags = [about["format"].get("tags", {})] + [s.get("tags", {}) for s in streams]
    secrets = sorted({name.split("-")[0] for t in tags for name, value in t.items() if value in (TITLE, PLACE) or value.startswith(TIME[:10])})
    return {"size": (video[0]["width"], video[0]["height"]), "frames": int(video[0].get("nb_read_frames", 0)),
            "sound": any(s["codec_type"] == "audio" for s in streams), "secrets": secrets}


class Clip:
    """A clip that the tools get: a folder as bench/leak takes it."""

    def __init__(self, name, folder, labels, source="moving camera\n"):
        self.name, self.set, self.path = name, folder, folder / "clip.mp4"
        self.labels = labels  # by frame from 1: width, height, boxes
        (folder / "labels.jsonl").write_text("".join(json.dumps({**l, "image": f"clip.mp4#{n}", "frame": n}) + "\n" for n, l in labels.items()))
        # Says whether the camera is fixed: then only what is not the empty scene's counts for a box.
        (folder / "SOURCE.md").write_text(source)
        about = probe(self.path)
        self.size, self.frames = about["size"], about["frames"]

    def labelled(self):
        """Returns the number of labelled boxes by class."""
        n = {}
        for l in self.labels.values():
            for b in l.get("boxes") or []:
                if l.get("labelled", True) and not b.get("ignore"):
                    n[b["class"]] = n.get(b["class"], 0) + 1
        return n


def read_labels(path, frames):
    """Returns the labels of a clip's first frames."""
    found = {}
    for text in path.read_text().splitlines():
        l = json.loads(text)
        n = int(l["image"].split("#")[1])
        if n <= frames:
            found[n] = l
    return found


def cut(data, name, file, frames, work):
    """Cuts a clip to its first frames, and gives it sound, a title and a place."""
    folder = work / name
    folder.mkdir()
    ffmpeg("-i", data / "dev" / name / file, "-f", "lavfi", "-i", "sine=frequency=440", "-map", "0:v:0", "-map", "1:a", "-frames:v", frames,
           "-c:v", "libx264", "-preset", "fast", "-crf", 12, "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest",
           "-metadata", f"title={TITLE}", "-metadata", f"location={PLACE}", "-metadata", f"creation_time={TIME}", folder / "clip.mp4")
    about = probe(folder / "clip.mp4")
    if not about["sound"] or len(about["secrets"]) < 2:
        sys.exit(f"peers: {name}: the input carries no sound or metadata to lose")
    source = data / "dev" / name
    return Clip(name, folder, read_labels(source / "labels.jsonl", about["frames"]), (source / "SOURCE.md").read_text())


def slides(data, work):
    """Makes the clip of single pictures, each in the upper left corner."""
    folder, source, (width, height) = work / "slides", data / "dev" / SLIDES_SET, SLIDES_SIZE
    folder.mkdir()
    labels, inputs, filters = {}, [], ""
    for i, text in enumerate((source / "labels.jsonl").read_text().splitlines()[:SLIDES_COUNT]):
        l = json.loads(text)
        scale = min(width / l["width"], height / l["height"])
        inputs += ["-loop", 1, "-framerate", 12, "-t", SLIDES_HOLD / 12, "-i", source / l["image"]]
        filters += f"[{i}:v]scale={int(l['width'] * scale)}:{int(l['height'] * scale)}:flags=bilinear,pad={width}:{height}:0:0,setsar=1[v{i}];"
        boxes = [{"class": b["class"], "track": i, **{k: b[k] * scale for k in "xywh"}} for b in l["boxes"]]
        for k in range(SLIDES_HOLD):
            labels[i * SLIDES_HOLD + k + 1] = {"width": width, "height": height, "boxes": boxes}
    filters += "".join(f"[v{i}]" for i in range(SLIDES_COUNT)) + f"concat=n={SLIDES_COUNT}[v]"
    ffmpeg(*inputs, "-filter_complex", filters, "-map", "[v]", "-c:v", "libx264", "-crf", 12, "-pix_fmt", "yuv420p", folder / "clip.mp4")
    return Clip(SLIDES, folder, labels)


class Judge:
    """bench/leak, which judges what came out."""

    def __init__(self, work):
        self.path, self.out = work / "leak", work / "leak.json"
        subprocess.run(["go", "build", "-o", self.path, "./bench/leak"], check=True)

    def __call__(self, clip, out, folder=None):
        """Returns the counts by class, and which share of what no label asks for is gone; None if the two cannot be compared."""
        done = subprocess.run([self.path, "-redacted", out, "-json", self.out, folder or clip.set], capture_output=True, text=True)
        if done.returncode:
            return None, 0
        counts, rest = {}, 0
        # Of a fixed camera the rows that know the empty scene come last.
        for r in json.loads(self.out.read_text())["pictures"]:
            rest = r["over_hidden"] or 0
            if r["class"] != "none":
                counts[r["class"]] = {k: r[k] for k in ("boxes", "leaked", "leak_rate", "tracks", "tracks_leaking", "longest_run")}
                counts[r["class"]]["without_detail"] = clip.labelled().get(r["class"], 0) - r["boxes"]
        return counts, rest


def run(args):
    """Runs a program to its end, and returns what it took. A program that fails is no error."""
    with tempfile.TemporaryFile("w+") as said:
        begin = time.monotonic()
        child = subprocess.Popen([str(a) for a in args], stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - begin
        said.seek(0)
        # A progress bar returns to the beginning of the line.
        lines = said.read().replace("\r", "\n").strip().split("\n")
    return {"exit": child.returncode, "seconds": took, "core": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss * 1024, "said": lines[-1].strip()}


def install_deface(venv):
    """Returns the program, installed if it is not there, and the versions of what it uses."""
    program = venv / "bin" / "deface"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        # The newest ONNX Runtime, which its README advises for speed.
        subprocess.run([venv / "bin" / "pip", "install", "-q", f"deface=={DEFACE}", "onnxruntime"], check=True, timeout=600)
    listed = subprocess.run([venv / "bin" / "pip", "list", "--format=freeze"], check=True, capture_output=True, text=True).stdout
    names = ("deface", "imageio-ffmpeg", "numpy", "onnxruntime", "opencv-python")
    return program, ", ".join(l.replace("==", " ") for l in listed.split() if l.split("==")[0] in names)


def network():
    """Returns the network that redact-file takes by default, as bench/leak names it."""
    first = json.loads(pathlib.Path("models/models.json").read_text())["models"][0]
    return f"{first['name']} {first['sha256'][:8]}"


def install(o, work, r):
    """Returns the tools: name, scope, flags as printed, command of input and output, and which clips only. Those that cannot be had are noted."""
    hedge, plain = work / "redact-file", work / "plain"
    for program, source in ((hedge, "./examples/redact-file"), (plain, "./bench/peers/plain")):
        subprocess.run(["go", "build", "-o", program, source], check=True)
    r["versions"].append(network())
    tools = []
    for scope, policy in POLICIES.items():
        file = work / f"{scope}.json"
        file.write_text(policy)
        tools.append(("Hedge", scope, f"-policy {scope}.json", lambda i, o, file=file: [hedge, "-in", i, "-out", o, "-force", "-policy", file], ""))
        more = ["-all"] if scope == "all" else []
        tools.append(("plain gocv", scope, " ".join(more) or "defaults", lambda i, o, more=more: [plain, *more, i, o], ""))
    if o.only not in "deface":
        return [t for t in tools if o.only in t[0]]
    try:
        deface, versions = install_deface(pathlib.Path(o.venv or work / "venv").absolute())
        r["versions"].append(versions)
        # The variants only where there are faces to tell the difference.
        for flags, clips in (("", ""), ("--mask-scale 1.6 --thresh 0.1", "face"), ("--scale 640x360", "face")):
            tools.append(("deface", "faces", f"defaults {flags}".strip(), lambda i, o, flags=flags: [deface, i, "-o", o, *flags.split()], clips))
    except (OSError, subprocess.SubprocessError) as e:
        r["notes"].append(f"deface was left out: {e}")
    return [t for t in tools if o.only in t[0]]


def measure(tool, clip, work, judge):
    """Runs a tool over a clip and compares what comes out with what went in."""
    name, scope, flags, command, _ = tool
    out = work / "out.mp4"
    out.unlink(missing_ok=True)
    took = run(command(clip.path, out))
    x = {"tool": name, "scope": scope, "flags": flags, "clip": clip.name, "frames_in": clip.frames, "frames_out": 0, "seconds": took["seconds"],
         "frames_per_second": 0, "core_ms_per_frame": 1000 * took["core"] / clip.frames, "peak_memory_mb": took["memory"] / 1e6,
         "leak": None, "rest_gone": 0, "sound_kept": False, "metadata_kept": None, "output_size": ""}
    about = probe(out)
    if took["exit"] or about is None:
        return {**x, "problem": f"exit code {took['exit']}: {took['said']}"}
    x.update(frames_out=about["frames"], frames_per_second=about["frames"] / took["seconds"], sound_kept=about["sound"],
             metadata_kept=about["secrets"], output_size="%dx%d" % about["size"])
    if about["frames"] != clip.frames:
        # Which frame is which is not known any more.
        return {**x, "problem": f"{about['frames']} frames of {clip.frames} came out: leak not measured"}
    x["leak"], x["rest_gone"] = judge(clip, out)
    return x


def grey_boxes(clip, out):
    """Writes the clip's luma with grey boxes over the labels, in whole blocks of 8x8 pixels, which are what is judged."""
    w, h = clip.size
    raw = ["-f", "rawvideo", "-pix_fmt", "gray"]
    frames = ffmpeg("-i", clip.path, "-map", "0:v:0", "-vsync", "passthrough", *raw, "-", stdout=subprocess.PIPE).stdout
    data = bytearray(frames)
    for n, l in clip.labels.items():
        for b in l.get("boxes") or []:
            x0, y0 = (max(int(b[k] // 8 * 8), 0) for k in "xy")
            x1, y1 = min(int(-(-(b["x"] + b["w"]) // 8) * 8), w), min(int(-(-(b["y"] + b["h"]) // 8) * 8), h)
            for y in range(y0, y1):
                at = ((n - 1) * h + y) * w
                data[at + x0:at + x1] = b"\x70" * (x1 - x0)
    encode = subprocess.run(["ffmpeg", "-v", "error", "-y", *raw, "-s", f"{w}x{h}", "-i", "-", "-pix_fmt", "yuv420p", "-c:v", "ffv1", str(out)], input=data)
    encode.check_returncode()


def control(clip, work, judge):
    """Measures two outputs of which the result is known."""
    again, grey = work / "again.mp4", work / "grey.mkv"
    ffmpeg("-i", clip.path, "-map", "0:v", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", again)
    grey_boxes(clip, grey)
    shown, rest = judge(clip, again)
    return {"clip": clip.name, "only_encoded": shown, "grey_boxes": judge(clip, grey)[0], "rest_gone_by_encoding": rest}


def damage(data):
    """Overwrites bytes at two fifths of a file, away from its index."""
    at = len(data) * 2 // 5
    for i in range(at, min(at + 3000, len(data))):
        data[i] ^= (0x5A + i * 37) & 0xFF
    return data


def damaged(tool, clip, work, judge):
    """Runs a tool over a clip in the middle of which 3000 bytes are damaged. What leaks is counted against the damaged clip as ffmpeg decodes it."""
    name, scope, flags, command, _ = tool
    folder, out = work / "damaged", work / "from-damaged.mp4"
    folder.mkdir(exist_ok=True)
    out.unlink(missing_ok=True)
    bad = folder / "clip.mp4"
    bad.write_bytes(damage(bytearray(clip.path.read_bytes())))
    for file in ("labels.jsonl", "SOURCE.md"):
        (folder / file).write_text((clip.set / file).read_text())
    took, about = run(command(bad, out)), probe(out)
    d = {"tool": name, "scope": scope, "flags": flags, "exit_code": took["exit"], "frames_in": clip.frames, "frames_out": about["frames"] if about else -1,
         "said": took["said"].replace(str(work), "")}
    if scope == "all" and about and about["frames"] == probe(bad)["frames"]:
        leak, _ = judge(clip, out, folder)
        if leak:
            d["leak"] = leak
    return d


def machine():
    """Returns where this runs, as the other programs of bench say it."""
    def first(path, name):
        for l in pathlib.Path(path).read_text().splitlines() if os.path.exists(path) else []:
            if l.startswith(name):
                return l.split("=" if "=" in l else ":", 1)[1].strip(' "\t')
        return "unknown"
    def words(*command):
        return subprocess.run(command, capture_output=True, text=True).stdout.split() + ["unknown"] * 3
    memory = first("/proc/meminfo", "MemTotal").split()[0]
    return {"cpu": first("/proc/cpuinfo", "model name"), "arch": words("go", "version")[3], "cores": os.cpu_count(),
            "memory_mb": int(memory) // 1024 if memory.isdigit() else 0, "system": first("/etc/os-release", "PRETTY_NAME"), "go": words("go", "version")[2],
            "ffmpeg": words("ffmpeg", "-version")[2], "onnx_runtime": "", "load_before": round(os.getloadavg()[0], 2), "load_after": 0, "stolen": 0}


def table(columns, rows):
    rows = [[str(c).replace("|", "/") for c in r] for r in [columns, *rows]]
    return "\n".join("| " + " | ".join(r) + " |" for r in [rows[0], ["---"] * len(columns), *rows[1:]]) + "\n"


def markdown(r):
    m = r["machine"]
    yes, percent = (lambda v: "yes" if v else "no"), (lambda v: f"{100 * v:.1f} %")
    of = lambda c: f"{c['leaked']} of {c['boxes']}"
    text = f"# Beside other tools\n\n{r['date']}. {m['cpu']}, {m['cores']} cores, {m['arch']}, {m['memory_mb']} MB, {m['system']}; {m['go']}, ffmpeg {m['ffmpeg']}; " \
        f"load (1 minute) {m['load_before']:.1f} before, {m['load_after']:.1f} after" + (f"; {percent(m['stolen'])} of the cores' time taken by other guests of the host" if m["stolen"] else "") + \
        f". The first {r['frames']} frames of each clip. {'; '.join(r['versions'])}\n\n" \
        "Core time is user and system time of all processes. Frames a second are end to end, start included, and suffer from whatever else runs; core time does so less. " \
        f"{r['measure']} Sound and metadata: every input has a tone, a title, a place and a date. " \
        "Hedge lets its networks look at as many frames as fit (its default); the others look at every frame.\n\n"
    rows = []
    for x in sorted(r["runs"], key=lambda x: x["scope"] == "all"):
        leak = sorted((x["leak"] or {}).items())
        remarks = x.get("problem") or ("people were not asked for" if x["scope"] == "faces" and "person" in dict(leak) else "")
        rows.append([x["scope"], x["tool"], x["flags"], x["clip"], f"{x['frames_per_second']:.1f}", f"{x['core_ms_per_frame']:.0f}", f"{x['peak_memory_mb']:.0f}",
                     ", ".join(f"{n} {percent(c['leak_rate'] or 0)} ({of(c)})" for n, c in leak), ", ".join(f"{c['tracks_leaking']} of {c['tracks']}" for _, c in leak),
                     ", ".join(str(c["longest_run"]) for _, c in leak), percent(x["rest_gone"]), yes(x["sound_kept"]), ", ".join(x["metadata_kept"] or []), remarks])
    text += table(["scope", "tool", "flags", "clip", "frames/s", "core ms a frame", "peak MB", "leak", "tracks leaking", "longest run", "rest hidden",
                   "sound kept", "metadata kept", "remarks"], rows)
    text += "\n## A damaged file\n\n3000 bytes in the middle of the first clip are overwritten.\n\n"
    text += table(["scope", "tool", "flags", "exit code", "frames in", "frames out", "leak", "last words"],
                  [[d["scope"], d["tool"], d["flags"], d["exit_code"], d["frames_in"], d["frames_out"] if d["frames_out"] >= 0 else "no file",
                    "person " + of(d["leak"]["person"]) if "person" in d.get("leak", {}) else "not measured", d["said"]] for d in r["damaged"]])
    text += "\n## Is the measure fair?\n\nA copy that is only encoded again must leak everywhere; grey boxes over the labels nowhere.\n\n"
    text += table(["clip", "class", "leak of the copy", "leak of grey boxes", "without detail", "rest without detail after encoding"],
                  [[c["clip"], n, of(e), of(c["grey_boxes"][n]), e["without_detail"], percent(c["rest_gone_by_encoding"])]
                   for c in r["controls"] for n, e in sorted(c["only_encoded"].items())])
    return text + "".join(f"\n{n}\n" for n in r["notes"] or [])


MEASURE = "A box leaks when more than 20 % of its 8x8 blocks with detail still show it, as bench/leak judges pictures; of a fixed camera those whose detail is not the empty scene's. " \
    "Rest hidden is the share of the blocks with detail that no label, grown by a quarter, asks for and that lost it, people around a labelled face among them."


def main(args=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("-json", help="write the results (JSON) to this file")
    p.add_argument("-md", help="write the tables (Markdown) to this file")
    p.add_argument("-data", default=os.environ.get("HEDGE_DATA"), help="folder with dev/; the default is $HEDGE_DATA")
    p.add_argument("-venv", help="virtual environment with deface, made if it is not there; the default is a temporary one")
    p.add_argument("-keep", help="keep inputs and programs in this folder")
    p.add_argument("-only", default="", help="run only tools with this in their name")
    p.add_argument("-frames", type=int, default=150, help="frames of each clip, at least 20")
    o = p.parse_args(args)
    if o.frames < 20:
        p.error(f"-frames {o.frames}: must be at least 20")
    if not o.data:
        p.error("no clips: set HEDGE_DATA or -data")
    with tempfile.TemporaryDirectory(prefix="peers") as temporary:
        work, data = pathlib.Path(o.keep or temporary).absolute(), pathlib.Path(o.data)
        r = {"frames": o.frames, "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "measure": MEASURE, "machine": machine(),
             "versions": [], "controls": [], "runs": [], "damaged": [], "notes": []}
        judge, tools = Judge(work), install(o, work, r)
        clips = [cut(data, name, file, o.frames, work) for name, file in CLIPS] + [slides(data, work)]
        r["controls"] = [control(c, work, judge) for c in clips]
        for t in tools:
            for c in clips:
                if t[4] in c.name and not (t[1] == "faces" and c.name == SLIDES):
                    r["runs"].append(measure(t, c, work, judge))
                    print({k: r["runs"][-1].get(k) for k in ("tool", "scope", "flags", "clip", "frames_per_second", "leak", "problem")}, flush=True)
            if not t[4]:
                r["damaged"].append(damaged(t, clips[0], work, judge))
    r["machine"]["load_after"] = round(os.getloadavg()[0], 2)
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(r, indent=2) + "\n")
    if o.md:
        pathlib.Path(o.md).write_text(markdown(r))
    print(markdown(r))


if __name__ == "__main__":
    main()
