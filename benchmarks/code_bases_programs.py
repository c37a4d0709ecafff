"""Scripts of our own for libraries whose examples are no programs, as their users write them."""

TRANSFORMERS = """
import sys

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

folder, seed, epochs, rate, hidden = sys.argv[1:]
draws = torch.Generator().manual_seed(0)
tokens = torch.randint(5, 40, (160, 8), generator=draws)
rows = [{"input_ids": row, "labels": int(row[0] > 22)} for row in tokens]
torch.manual_seed(int(seed))
model = BertForSequenceClassification(
    BertConfig(
        vocab_size=40,
        hidden_size=int(hidden),
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
)
arguments = TrainingArguments(
    folder,
    seed=int(seed),
    num_train_epochs=int(epochs),
    learning_rate=float(rate),
    eval_strategy="epoch",
    save_strategy="no",
    report_to="none",
    use_cpu=True,
    disable_tqdm=True,
)
trainer = Trainer(model, arguments, train_dataset=rows[:120], eval_dataset=rows[120:])
trainer.train()
"""

SCIKIT_LEARN = """
import argparse

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--layers", type=int, nargs="+", default=[32])
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--shuffle", action=argparse.BooleanOptionalAction, default=True)
options = parser.parse_args()
x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x / 16, y, random_state=0)
model = MLPClassifier(
    options.layers,
    learning_rate_init=options.lr,
    random_state=options.seed,
    shuffle=options.shuffle,
)
for epoch in range(options.epochs):
    model.partial_fit(x_train, y_train, classes=range(10))
    print(f"epoch {epoch} loss {model.loss_:.4f} val_acc: {model.score(x_val, y_val):.4f}")
"""
