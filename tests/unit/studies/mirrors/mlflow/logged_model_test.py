"""What a logged model asks to be installed."""

import pytest

from studies.mirrors.mlflow.logged_model import BERT, PACKAGES, TOKENIZER, requirements


@pytest.mark.parametrize(
    ("params", "more"),
    [
        ({}, ()),
        ({"model.name": "mlp", "data.tokenizer": "words"}, ()),
        ({"model.name": "gru", "data.tokenizer": "folder"}, TOKENIZER),
        ({"model.name": "bert", "data.tokenizer": "folder"}, BERT),
    ],
)
def test_a_model_requires_what_it_runs_on(params: dict[str, str], more: tuple[str, ...]) -> None:
    names = [line.partition("==")[0] for line in requirements(params)]
    assert names == [*PACKAGES, *more] and "torchvision" in names
