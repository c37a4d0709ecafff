"""New rows in files of one's own, from the run to their predictions, through the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from lightning_modules.errors import UserError
from lightning_modules.user_code.modules import answered
from studies.cli import main
from studies.home import Home
from studies.mirrors.mlflow.client import MlflowClient
from studies.results import load_results
from tests.conftest import WriteModule
from tests.support.lives import without_processes
from tests.support.own_code import LIGHTNING

Output = pytest.CaptureFixture[str]
RNG = np.random.default_rng
PARTS = np.array(["train", "train", "train", "val", "test"])

STUDY = """
study: own
data: {data}
model: {model}
optimizer: {{name: adam, lr: {{min: 0.01, max: 0.1, log: true}}}}
trainer: {{epochs: 2, accelerator: cpu}}
search: {{method: random, trials: 1}}
"""
LOGITS = """
study: own
data: {name: iris}
model: {class: "theirs:Module", lr: {min: 0.01, max: 0.1, log: true}}
trainer: {epochs: 2, accelerator: cpu}
objective: {metric: val_acc, goal: maximize}
search: {method: random, trials: 1}
"""
PROGRAM = {
    "study": "own",
    "model": {
        "command": ["echo", '{"epoch": 1, "metrics": {"val/loss": {model.level}}}'],
        "level": {"values": [1]},
    },
    "trainer": {"epochs": 1},
    "objective": {"metric": "val/loss", "goal": "minimize"},
    "search": {"method": "grid"},
}


@pytest.fixture(autouse=True)
def folder(own_folder: Path) -> Path:
    """Files are named from the current folder."""
    return own_folder


def of(home: Home, *argv: str) -> int:
    return main([*argv, "--home", str(home.path)])


def run(home: Home, text: str) -> None:
    Path("study.yaml").write_text(text)
    with without_processes():
        assert of(home, "run", "study.yaml", "--workers", "1", "--quiet") == 0


def predicted(home: Home, *argv: str) -> pd.DataFrame:
    assert of(home, "predict", "own", *argv, "--force") == 0
    return pd.read_csv("own-predictions.csv", dtype={"series": str})


def compared(home: Home, new: str, classes: list[str]) -> pd.DataFrame:
    """The predictions of a file with the rows of the test part; they equal those of `--test`."""
    found, known = predicted(home, new), predicted(home, "--test")
    columns = [f"probability_{name}" for name in classes]
    assert [name for name in found if name.startswith("probability_")] == columns
    shares = found[columns].to_numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    assert found["prediction"].tolist() == [classes[at] for at in shares.argmax(axis=1)]
    assert shares.std(axis=0).max() > 1e-4  # so that an order that is wrong is seen
    np.testing.assert_allclose(shares, known[columns], rtol=1e-4, atol=1e-6)
    assert set(known["target"]) <= set(classes)
    return found


def test_rows_of_a_table(home: Home) -> None:
    rng = RNG(0)
    rows = pd.DataFrame({"age": rng.normal(50, 9, 60), "site": rng.choice(["a", "b"], 60)})
    rows["outcome"] = np.where(rows["age"] > 50, "ill", "well")
    rows["part"] = np.tile(PARTS, 12)
    rows.to_csv("rows.csv", index=False)
    data = "{name: table, path: rows.csv, target: outcome, split_column: part}"
    run(home, STUDY.format(data=data, model="{name: mlp, hidden: [4]}"))
    rows[rows["part"] == "test"][["site", "age"]].to_csv("new.csv", index=False)
    found = compared(home, "new.csv", ["ill", "well"])
    assert found["row"].tolist() == list(range(1, 13))


def test_images_of_a_folder_are_named_by_their_files(home: Home) -> None:
    rng = RNG(0)
    for part, count in (("train", 12), ("validation", 4), ("test", 4)):
        for name, level in (("dark", 40), ("light", 180)):
            path = Path("photos", part, name)
            path.mkdir(parents=True)
            for at in range(count):
                pixels = (level + rng.integers(0, 60, (8, 8))).astype(np.uint8)
                Image.fromarray(pixels).save(path / f"{at}.png")
    data = "{name: images, path: photos, size: 8, color: gray}"
    run(home, STUDY.format(data=data, model="{name: mlp, hidden: [4]}"))
    found = compared(home, "photos/test", ["dark", "light"])
    names = [f"{name}/{at}.png" for name in ("dark", "light") for at in range(4)]
    assert found["file"].tolist() == names
    one = predicted(home, "photos/test/light/2.png")
    assert one["file"].tolist() == ["2.png"]
    told = found.set_index("file").loc["light/2.png", "probability_dark"]
    assert one["probability_dark"].tolist() == pytest.approx([told], rel=1e-4)


def test_series_of_a_long_table_are_named_as_there(home: Home) -> None:
    rng = RNG(0)
    rows = pd.DataFrame(
        [
            {"who": f"0{99 - at}", "time": step, "x": rng.normal(at % 2, 0.3), "kind": "ab"[at % 2],
             "part": PARTS[at % 5]}
            for at in range(50)
            for step in range(3 + at % 4)
        ]
    )  # fmt: skip
    rows.to_csv("series.csv", index=False)
    data = "{name: sequences, path: series.csv, series: who, target: kind, split_column: part}"
    run(home, STUDY.format(data=data, model="{name: gru, hidden_size: 4}"))
    tested = rows[rows["part"] == "test"]
    tested[["who", "time", "x"]].iloc[::-1].to_csv("new.csv", index=False)
    backwards = predicted(home, "new.csv").set_index("series")
    tested[["x", "time", "who"]].to_csv("new.csv", index=False)
    found = compared(home, "new.csv", ["a", "b"])
    names = list(dict.fromkeys(tested["who"]))
    assert found["series"].tolist() == names and len(names) == 10
    assert backwards.index.tolist() == names[::-1]
    np.testing.assert_allclose(
        backwards.loc[names, "probability_a"], found["probability_a"], rtol=1e-4
    )


def test_texts(home: Home) -> None:
    rng = RNG(0)
    rows = pd.DataFrame({"mood": rng.choice(["happy", "sad"], 60), "part": np.tile(PARTS, 12)})
    rows["review"] = [
        f"the {rng.choice(['film', 'play'])} was {'fine' if mood == 'happy' else 'dull'}"
        for mood in rows["mood"]
    ]
    rows.to_csv("reviews.csv", index=False)
    data = "{name: text, path: reviews.csv, text: review, target: mood, split_column: part}"
    run(home, STUDY.format(data=data, model="{name: gru, hidden_size: 4}"))
    rows[rows["part"] == "test"][["review"]].to_csv("new.csv", index=False)
    found = compared(home, "new.csv", ["happy", "sad"])
    assert len(found) == 12 and found.columns[:2].tolist() == ["row", "prediction"]


# --- modules, data and programs of the user's ----------------------------------------------------


def test_logits_of_a_module_are_written_and_served_as_probabilities(
    write_module: WriteModule, home: Home, capsys: Output
) -> None:
    import mlflow.pyfunc

    write_module("theirs", LIGHTNING.replace("Linear(8, 2)", "Linear(8, 3)"))
    run(home, LOGITS)
    found = predicted(home, "--test")
    shares = found.filter(like="probability_").to_numpy()
    assert shares.shape == (30, 3) and (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    assert of(home, "sync") == 0
    capsys.readouterr()
    assert of(home, "promote", "own", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    from lightning_modules.data.table import load_data

    client = MlflowClient(home.mlflow_uri)
    source = client.get_model_version("own", told["version"]).source
    model = mlflow.pyfunc.load_model(source)
    answers = model.predict(load_data("iris").splits.test[0].numpy())
    np.testing.assert_allclose(answers, shares, rtol=1e-4, atol=1e-6)


class Given(torch.nn.Module):
    """Answers with what it is given."""

    def forward(self, inputs: Any) -> Any:
        return inputs


def test_only_rows_that_are_no_probabilities_are_put_through_softmax() -> None:
    rows = torch.tensor([[0.25, 0.75], [0.0, 0.0], [2.0, -1.0]])
    module: Any = Given()
    softmax = [[0.25, 0.75], [0.5, 0.5], [0.952574, 0.047426]]
    torch.testing.assert_close(answered(module, "classification", rows), torch.tensor(softmax))
    for task in ("", "regression"):
        assert answered(module, task, rows) is rows
    with pytest.raises(UserError, match=r"Given answers 3 rows with \(3, 1\); for a classif"):
        answered(module, "classification", rows[:, :1])


def test_a_program_cannot_predict_nor_be_promoted(home: Home, capsys: Output) -> None:
    run(home, json.dumps(PROGRAM))
    capsys.readouterr()
    for argv in (["new.csv"], ["--test"]):
        assert of(home, "predict", "own", *argv) == 2
        said = capsys.readouterr().err
        assert "own: its networks are those of a program, which alone can predict" in said
        assert "--test" not in said
    assert of(home, "promote", "own") == 2
    assert "are those of a program, which MLflow cannot load; " in capsys.readouterr().err
    assert not MlflowClient(home.mlflow_uri).search_registered_models()


CONFIRMED = "confirm: {top: 1, seeds: 1}\n"


def share_of_right(home: Home) -> float:
    """What the network that predicts has got right in its own test."""
    (trial,) = [each for each in load_results(home, "own").trials if each.phase == "confirm"]
    return trial.test.get("test/acc", trial.test.get("test/accuracy", 0.0))


def test_of_a_data_module_the_test_part_is_predicted_and_files_are_left_to_a_script(
    write_module: WriteModule, home: Home, capsys: Output
) -> None:
    write_module("theirs", LIGHTNING)
    run(home, LOGITS.replace("{name: iris}", '{class: "theirs:Rows"}') + CONFIRMED)
    found = predicted(home, "--test")
    assert list(found) == ["row", "prediction_1", "prediction_2", "target"] and len(found) == 16
    right = found["prediction_1"].lt(found["prediction_2"]).eq(found["target"]).mean()
    assert right == pytest.approx(share_of_right(home))
    capsys.readouterr()
    assert of(home, "predict", "own", "new.csv", "--force") == 2
    assert "own: only theirs:Rows, a data module of your own, knows" in capsys.readouterr().err


def test_where_the_file_names_a_loss_a_data_module_s_classes_are_predicted(
    write_module: WriteModule, home: Home, capsys: Output
) -> None:
    write_module("theirs", LIGHTNING)
    data = '{class: "theirs:Rows"}\nloss: cross_entropy'
    run(home, STUDY.format(data=data, model="{name: mlp, hidden: [4]}") + CONFIRMED)
    found = predicted(home, "--test")
    assert found["prediction"].eq(found["target"]).mean() == pytest.approx(share_of_right(home))
    shares = found[["probability_0", "probability_1"]].to_numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)


VARIED = (
    LIGHTNING
    + """

class Flipped(Rows):
    def setup(self, stage):
        if stage == "fit":
            self.sign = -1

    def on_after_batch_transfer(self, batch, index):
        return self.sign * batch[0], batch[1]

class Values(Rows):
    outputs = 1
    shape = (-1,)

    def on_after_batch_transfer(self, batch, index):
        return batch[0], batch[0].sum(1).reshape(self.shape)

class Columns(Values):
    shape = (-1, 1)

class Shares(Rows):
    def on_after_batch_transfer(self, batch, index):
        return batch[0], torch.nn.functional.one_hot(batch[1], 2).float()

class Flat(Module):
    def forward(self, inputs):
        return self.layers(inputs[:, :4])[:, 0]

    def _step(self, part, batch):
        loss = (self(batch[0]) - batch[1][:, 0]).abs().mean()
        self.log(f"{part}_acc", -loss, on_epoch=True)
        return loss

class Silent(Rows):
    def test_dataloader(self):
        return DataLoader(self.parts[2], 16, collate_fn=lambda rows: {"rows": rows})
"""
)


def test_the_test_part_of_a_data_module_is_what_its_hooks_make_of_it(
    write_module: WriteModule, home: Home
) -> None:
    write_module("theirs", VARIED)
    data = '{class: "theirs:Flipped"}\nloss: cross_entropy'
    study = STUDY.replace("epochs: 2", "epochs: 9")
    run(home, study.format(data=data, model="{name: mlp, hidden: [4]}") + CONFIRMED)
    found = predicted(home, "--test")
    assert found["prediction"].eq(found["target"]).mean() == share_of_right(home) > 0.8


def test_targets_of_a_regression_may_be_flat(write_module: WriteModule, home: Home) -> None:
    write_module("theirs", VARIED)
    found = {}
    for name in ("Values", "Columns"):
        data = f'{{class: "theirs:{name}"}}\nloss: mse'
        text = STUDY.format(data=data, model="{name: mlp, hidden: []}").replace("own", name.lower())
        run(home, text + CONFIRMED)
        trials = load_results(home, name.lower()).trials
        (trial,) = [each for each in trials if each.phase == "confirm"]
        found[name] = dict(trial.test)
    assert found["Values"] == found["Columns"] and found["Values"]["test/r2"] != 0


def test_targets_may_be_shares_of_classes_and_answers_flat(
    write_module: WriteModule, home: Home
) -> None:
    write_module("theirs", VARIED)
    data = '{class: "theirs:Shares"}\nloss: cross_entropy'
    run(home, STUDY.format(data=data, model="{name: mlp, hidden: [4]}") + CONFIRMED)
    found = predicted(home, "--test")
    assert found["prediction"].eq(found["target"]).mean() == pytest.approx(share_of_right(home))
    text = LOGITS.replace("theirs:Module", "theirs:Flat").replace("{name: iris}", "diabetes")
    run(home, text.replace("study: own", "study: flat"))
    assert of(home, "predict", "flat", "--test", "--output", "flat.csv") == 0
    assert {"prediction", "target"} < set(pd.read_csv("flat.csv"))


def test_batches_that_nobody_can_tell_apart_are_no_traceback(
    write_module: WriteModule, home: Home, capsys: Output
) -> None:
    write_module("theirs", VARIED)
    run(home, LOGITS.replace("{name: iris}", '{class: "theirs:Silent"}'))
    capsys.readouterr()
    assert of(home, "predict", "own", "--test") == 2
    said = capsys.readouterr().err
    assert "theirs:Silent: the batches of its test part must be tuples (inputs, targets)" in said


DICTIONARIES = """

class Named(Rows):
    def val_dataloader(self):
        def collate(rows):
            inputs, targets = torch.utils.data.default_collate(rows)
            return {"x": inputs}, targets
        return DataLoader(self.parts[1], 16, collate_fn=collate)

class Reader(Module):
    def forward(self, inputs):
        return super().forward(inputs["x"] if isinstance(inputs, dict) else inputs)
"""


def test_a_checkpoint_without_an_example_is_refused_before_anything_is_registered(
    write_module: WriteModule, home: Home, capsys: Output
) -> None:
    write_module("theirs", LIGHTNING + DICTIONARIES)
    text = LOGITS.replace("{name: iris}", '{class: "theirs:Named"}')
    run(home, text.replace("theirs:Module", "theirs:Reader"))
    assert of(home, "sync") == 0
    capsys.readouterr()
    assert of(home, "promote", "own") == 2
    said = capsys.readouterr().err
    assert "cannot be promoted, since its checkpoint has no input example (" in said
    assert not MlflowClient(home.mlflow_uri).search_registered_models()
