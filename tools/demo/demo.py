#!/usr/bin/env python3
"""Reads the text in a picture with a pretrained network (PP-OCRv4 recognition) on Carnot.

Builds an engine from the ONNX model, runs it through the `carnot` command, prints what the picture
says, and compares latency with ONNX Runtime's, measured in alternating slices of this run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CARNOT = ROOT / "build/release/bin/carnot"
MODEL = ROOT / "build/models/ppocr_rec.onnx"
KEYS = ROOT / "build/models/ppocr_rec_keys.txt"
PICTURE = ROOT / "examples/ocr/line.png"
HEIGHT = 48  # pixels: the network reads lines of this height, of any width
THREADS = 2


def preprocess(path: Path):
    """The picture as f32 [1, 3, 48, width], BGR, in [-1, 1]."""
    import numpy as np
    from PIL import Image

    image = Image.open(path).convert("RGB")
    width = max(16, round(image.width * HEIGHT / image.height))
    pixels = np.asarray(image.resize((width, HEIGHT), Image.BILINEAR), dtype=np.float32)
    pixels = pixels[:, :, ::-1] / 127.5 - 1.0
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def decode(probabilities, keys: list[str]) -> tuple[str, float]:
    """CTC: the best class of each step, repeats and blanks (class 0) dropped."""
    best = probabilities[0].argmax(axis=1)
    text, scores, last = "", [], 0
    for step, k in enumerate(best):
        if k != 0 and k != last:
            text += keys[k - 1] if k - 1 < len(keys) else " "
            scores.append(float(probabilities[0][step][k]))
        last = k
    return text.strip(), sum(scores) / max(1, len(scores))


def carnot(*arguments: str) -> None:
    command = [str(CARNOT), *arguments]
    print("  $ carnot " + " ".join(a.replace(str(ROOT) + "/", "") for a in arguments))
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        sys.exit(f"demo: carnot {arguments[0]} failed with exit status {done.returncode}")


def onnxruntime_session():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    return onnxruntime.InferenceSession(
        str(MODEL), options, providers=["CPUExecutionProvider"]
    )


def slice_of_ort(session, feed, seconds: float) -> list[float]:
    """Latencies in ms."""
    session.run(None, feed)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feed)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", type=Path, default=PICTURE)
    picture = parser.parse_args().picture
    import numpy as np

    if not picture.is_file():
        sys.exit(f"demo: there is no picture {picture}")
    image = preprocess(picture)
    shape = "x".join(str(n) for n in image.shape)
    keys = KEYS.read_text(encoding="utf-8").splitlines()
    print(f"reading {picture.name}: {shape} after preprocessing")
    with tempfile.TemporaryDirectory() as folder:
        engine, feed, timing = f"{folder}/rec.engine", f"{folder}/x.npy", f"{folder}/bench.json"
        np.save(feed, image)
        shapes = "x=1x3x48x64:1x3x48x320:1x3x48x1280"
        start = time.perf_counter()
        carnot("build", str(MODEL), "-o", engine, "--shapes", shapes)
        build_s = time.perf_counter() - start
        carnot("run", engine, "--input", f"x={feed}", "--save", folder)
        session = onnxruntime_session()
        name = session.get_outputs()[0].name
        got = np.load(f"{folder}/{name.replace('/', '_')}.npy")
        text, score = decode(got, keys)
        print(f'\n  the picture says: "{text}"  (confidence {score:.2f})\n')

        want = session.run(None, {"x": image})[0]
        error = float(np.abs(got - want).max())
        ours, theirs = [], []
        for _ in range(3):
            carnot_args = ["bench", engine, "--shapes", f"x={shape}", "--seconds", "0.7"]
            carnot(*carnot_args, "--threads", str(THREADS), "--json", timing)
            ours.append(json.loads(Path(timing).read_text())["latency_ms"]["median"])
            theirs.append(float(np.median(slice_of_ort(session, {"x": image}, 0.7))))
    mine, peer = min(ours), min(theirs)
    print(f"\n  {'':14}{'latency ms':>12}{'relative':>10}")
    print(f"  {'Carnot':14}{mine:12.2f}{peer / mine:9.2f}x")
    print(f"  {'ONNX Runtime':14}{peer:12.2f}{1.0:9.2f}x")
    print(f"  {THREADS} threads, best median of three slices each; engine built in {build_s:.1f} s")
    print(f"  largest difference of the two outputs: {error:.1e}")
    if not error < 1e-3:
        sys.exit("demo: the outputs differ")


if __name__ == "__main__":
    main()
