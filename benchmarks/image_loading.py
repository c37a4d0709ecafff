"""Seconds per epoch on JPEGs that are decoded in every epoch, with loader workers and without.

    python benchmarks/image_loading.py [--images 2000] [--epochs 3] [--repeat 3] [--workers 2]

Makes the images, trains a small CNN on them in whole processes without and with loader workers in
turn, and exits with 1 where their numbers are not equal to the last bit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from machine import machine
from PIL import Image
from rich.console import Console
from rich.table import Table

SIDE = 256
"""Pixels of an image in a file."""
SIZE = 48
"""Pixels of an image that the network sees: few, so that most of an epoch is decoding."""
CLASSES = 4


def main() -> None:
    options = _parser().parse_args()
    if options.train is not None:
        folder, workers = options.train
        print(json.dumps(trained(Path(folder), int(workers), options.epochs)))
        return
    console = Console()
    ways = [0, options.workers]
    with tempfile.TemporaryDirectory() as folder:
        make_images(Path(folder), options.images)
        found: dict[int, list[dict[str, Any]]] = {way: [] for way in ways}
        for _ in range(options.repeat):
            for way in ways:
                found[way].append(in_a_process(Path(folder), way, options.epochs))
                console.print(f"{way} loader workers: {found[way][-1]['seconds']:.2f} s per epoch")
    print_ratios(found, options, console)
    metrics = [each["metrics"] for way in ways for each in found[way]]
    if any(each != metrics[0] for each in metrics):
        console.print("the numbers are not equal")
        sys.exit(1)
    console.print(f"all {len(metrics)} trainings have equal numbers, to the last bit")


def make_images(folder: Path, count: int) -> None:
    """JPEGs with the detail of photographs: noise of every scale, over a colour of their class."""
    generator = np.random.default_rng(0)
    for number in range(count):
        label = number % CLASSES
        pixels = np.full((SIDE, SIDE, 3), 128.0)
        pixels[..., label % 3] += 12.0 * (label + 1)
        for side in (4, 16, 64, 256):
            noise = generator.normal(128, 24, (side, side, 3)).clip(0, 255)
            layer = Image.fromarray(noise.astype(np.uint8)).resize((SIDE, SIDE), Image.BICUBIC)
            pixels += np.asarray(layer) - 128.0
        place = folder / f"class_{label}"
        place.mkdir(exist_ok=True)
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        image.save(place / f"{number:05}.jpg", quality=95)


def in_a_process(folder: Path, workers: int, epochs: int) -> dict[str, Any]:
    """A training in a process of its own, see `trained`."""
    command = [sys.executable, __file__, "--train", str(folder)]
    said = subprocess.run(
        [*command, str(workers), "--epochs", str(epochs)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return result


def trained(folder: Path, workers: int, epochs: int) -> dict[str, Any]:
    """Median seconds of an epoch after the first, the share of the processor's time that this
    process would decode for in one without loader workers, and the metrics."""
    from lightning_modules.configuration import Configuration
    from lightning_modules.data.readers.image_files import decode_all
    from lightning_modules.data.readers.image_pixels import Look
    from lightning_modules.training.train import train

    # every image is decoded once in an epoch, but for those of the test part
    data = {"name": "images", "path": str(folder), "size": SIZE, "cache": 0, "batch_size": 64}
    data |= {"test": 0.01, "augment": {"horizontal_flip": 0.5}, "loader_workers": workers}
    tree = {
        "data": data,
        "model": {"name": "cnn", "channels": [8]},
        "loss": "cross_entropy",
        "trainer": {"epochs": epochs, "accelerator": "cpu"},
    }
    metrics: list[dict[str, float]] = []
    busy: list[float] = []

    def on_epoch(epoch: int, told: Mapping[str, float]) -> bool:
        metrics.append(dict(told))
        busy.append(time.process_time())
        return True

    train(Configuration.resolve(tree), 0, on_epoch)
    seconds = [each.pop("time/epoch_s") for each in metrics]
    files = sorted(folder.rglob("*.jpg"))
    begin = time.process_time()
    decode_all(files[:200], Look(SIZE, "rgb", "white"))
    decoding = (time.process_time() - begin) / 200 * 0.99 * len(files)
    epoch = median(after - before for before, after in pairwise(busy))
    return {"seconds": median(seconds[1:]), "share": decoding / epoch, "metrics": metrics}


def print_ratios(
    found: Mapping[int, list[dict[str, Any]]], options: argparse.Namespace, console: Console
) -> None:
    """A table of both ways, and how many times as fast each pair of trainings was."""
    title = f"seconds per epoch, {options.images:,} JPEGs of {SIDE} pixels, read at {SIZE}"
    table = Table("loader workers", "median", "range", title=title)
    for way, trainings in found.items():
        seconds = [each["seconds"] for each in trainings]
        table.add_row(str(way), f"{median(seconds):.2f}", f"{min(seconds):.2f}-{max(seconds):.2f}")
    console.print(table)
    alone, beside = found.values()
    share = median(each["share"] for each in alone)
    console.print(f"decoding is {share:.0%} of an epoch without loader workers")
    ratios = [a["seconds"] / b["seconds"] for a, b in zip(alone, beside, strict=True)]
    console.print(
        f"{options.workers} loader workers are {median(ratios):.2f} times as fast "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} pairs)"
    )
    console.print_json(data=machine())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=3, help="at least 2")
    parser.add_argument("--repeat", type=int, default=3, help="pairs of trainings")
    parser.add_argument("--workers", type=int, default=2, help="loader workers of every second one")
    parser.add_argument("--train", nargs=2, metavar=("FOLDER", "WORKERS"), help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
