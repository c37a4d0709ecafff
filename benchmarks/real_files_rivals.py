"""What scikit-learn reaches on the splits of a study: a linear model and boosted trees.

Both learn from the rows that train the networks, are scored on the same test rows, and choose
nothing by the validation part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from real_files_table import RealFile
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from lightning_modules.data.preparation.splitting import divide_rows
from lightning_modules.data.table import load_data

LEVELS = 100
"""Columns that a category may become; its rare levels share the last."""


@dataclass(frozen=True)
class Split:
    """Inputs and targets of the rows that train and of those that test."""

    train: tuple[Any, Any]
    test: tuple[Any, Any]


@dataclass(frozen=True)
class Scores:
    """Of one split: accuracy, or the share of the variance explained; None where not tried."""

    linear: float
    trees: float | None


def score(file: RealFile, seeds: Sequence[int]) -> list[Scores]:
    """The scores of both models on the splits with these seeds.

    Raises ValueError where a split is not the one that fairtune makes.
    """
    if file.parameters["name"] == "sequences":
        return [_scores(file, _split_of_series(file, seed)) for seed in seeds]
    inputs, targets = read(file)
    splits = [_split_of_rows(file, inputs, targets, seed) for seed in seeds]
    _require_same_rows(file, splits[0], seeds[0])
    return [_scores(file, split) for split in splits]


def read(file: RealFile) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """The columns to learn from and the target, as pandas reads them."""
    given = file.parameters
    frame = pd.read_csv(given["path"], **file.reading)
    if given.get("header") is False:
        frame.columns = [str(number) for number in range(1, len(frame.columns) + 1)]
    frame = frame.dropna(subset=[given["target"]]).drop(columns=given.get("drop", []))
    targets = frame.pop(given["target"])
    return _dates_as_numbers(frame), targets


def _dates_as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    found = {}
    for name in frame.select_dtypes(["datetime", "datetimetz"]).columns:
        when = frame.pop(name)
        for part in ("year", "month", "day_of_week", "hour"):
            found[f"{name} {part}"] = getattr(when.dt, part)
        found[f"{name} days"] = (when - when.min()).dt.total_seconds() / 86400
    return frame.assign(**found)


def _split_of_rows(
    file: RealFile, inputs: pd.DataFrame, targets: pd.Series[Any], seed: int
) -> Split:
    classes = targets.tolist() if file.task == "classification" else None
    rows = divide_rows(
        len(targets),
        validation=0.2,
        test=0.2,
        split_seed=seed,
        where=file.name,
        classes=classes,
    )
    found = {
        part: (inputs.iloc[getattr(rows, part)], targets.iloc[getattr(rows, part)])
        for part in ("train", "test")
    }
    return Split(**found)


def _require_same_rows(file: RealFile, split: Split, seed: int) -> None:
    """Raise ValueError where fairtune's test part has other targets."""
    found = _load(file.parameters, seed)
    targets = found.splits.test[-1].numpy()
    if file.task == "classification":
        same = [found.splits.classes[target] for target in targets] == [
            str(target) for target in split.test[1]
        ]
    else:
        same = len(targets) == len(split.test[1]) and np.allclose(targets[:, 0], split.test[1])
    if not same:
        raise ValueError(f"{file.name}: scikit-learn would be tested on other rows")


def _load(parameters: Mapping[str, Any], seed: int) -> Any:
    wanted = {name: value for name, value in parameters.items() if name != "name"}
    return load_data(parameters["name"], **wanted, split_seed=seed)


def _split_of_series(file: RealFile, seed: int) -> Split:
    """The values of a series one after another, zeros beyond its end; fairtune reads them."""
    splits = _load(file.parameters, seed).splits

    def columns(part: Any) -> tuple[Any, Any]:
        series, targets = part[0], part[-1]
        return series.numpy().reshape(len(series), -1), targets.numpy().reshape(-1)

    return Split(columns(splits.train), columns(splits.test))


def _scores(file: RealFile, split: Split) -> Scores:
    linear: Any = LogisticRegression(max_iter=2000) if file.metric == "accuracy" else Ridge()
    kind = file.parameters["name"]
    if kind == "text":
        column = file.parameters["text"]
        train, test = split.train[0][column], split.test[0][column]
        linear = make_pipeline(TfidfVectorizer(), linear).fit(train, split.train[1])
        return Scores(float(linear.score(test, split.test[1])), None)
    trees: Any = (
        HistGradientBoostingClassifier(random_state=0)
        if file.metric == "accuracy"
        else HistGradientBoostingRegressor(random_state=0)
    )
    if kind == "table":
        linear, trees = make_pipeline(_one_hot(), linear), make_pipeline(_ordinal(), trees)
    else:
        linear = make_pipeline(StandardScaler(), linear)
    with threadpool_limits(1):  # threads that wait for a busy processor take many times longer
        found = [model.fit(*split.train).score(*split.test) for model in (linear, trees)]
    return Scores(*map(float, found))


def _one_hot() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=LEVELS)
    return _columns(numbers, categories)


def _ordinal() -> ColumnTransformer:
    categories = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return _columns("passthrough", categories)


def _columns(numbers: Any, categories: Any) -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("categories", categories, make_column_selector(dtype_exclude="number")),
        ]
    )
