"""Checks that the sets on disk are the ones that the network was trained on.

    python -m hedge_train.manifest --sets DIR [DIR ...]           (compare with manifest.json)
    python -m hedge_train.manifest --sets DIR [DIR ...] --write   (after changing a set)
"""

import argparse
import hashlib
import json
import os

from .pictures import load_set

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "manifest.json")


def digest(folder):
    """sha256 over labels.jsonl and every picture it names, in its order."""
    h = hashlib.sha256()
    with open(os.path.join(folder, "labels.jsonl"), "rb") as f:
        h.update(f.read())
    entries = load_set(folder)
    for e in entries:
        with open(e["path"], "rb") as f:
            h.update(f.read())
    return h.hexdigest(), len(entries)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sets", nargs="+", required=True)
    p.add_argument("--write", action="store_true")
    a = p.parse_args()
    with open(PATH, encoding="utf-8") as f:
        manifest = json.load(f)
    wrong = 0
    for row in manifest["sets"]:
        folder = next((os.path.join(r, row["name"]) for r in a.sets if os.path.isdir(os.path.join(r, row["name"]))), None)
        if folder is None:
            print(f"{row['name']}: not here (source: {row['source']})")
            wrong += 1
            continue
        sha, pictures = digest(folder)
        if a.write:
            row.update(sha256=sha, pictures=pictures)
        elif (sha, pictures) != (row["sha256"], row["pictures"]):
            print(f"{row['name']}: differs from the manifest")
            wrong += 1
        else:
            print(f"{row['name']}: {pictures} pictures, as in the manifest")
    if a.write:
        with open(PATH, "w", encoding="utf-8") as f:
            json.dump(manifest, f, indent=1)
            f.write("\n")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
