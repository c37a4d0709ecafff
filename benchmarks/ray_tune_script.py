"""The same trainings with Ray Tune: on this machine alone, two trials side by side, one core each.

Written after Ray's documented examples: a function that reports every epoch, and a checkpoint
where the validation accuracy rose, as `todays_script.py` writes them. The training itself is the
plain loop, with the loss and accuracy of both parts. Actors are used again for the next trial
unless `--new-actors` is given, and nothing is printed, since both are faster. Trains the 12
configurations, or with `--epochs` searches by Optuna's TPE with ASHA, which keeps the better half
after 4 and after 8 epochs, until so many epochs have been reported. `--mlflow` adds Ray's own
callback for MLflow, whose database is created before the first trial.

Everything is written to the current folder, and every port is bound to 127.0.0.1. The tuning phase
lasts from the start of the first trial, whose actor stands then, to the end of the last one. The
last line of output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ |= {  # read when Ray is imported
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),  # else one is left in the home of the user
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # without clusters Ray stays on the loopback
}

import ray
import torch
from raw_loop import EPOCHS, HIDDEN, LEARNING_RATES, SPACE, WARMUP, Digits, digits, mlp, train_epoch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

TRACKING_URI = "sqlite:///mlflow.db"
EXPERIMENT = "digits"
SIDE_BY_SIDE = 2


def fit(config: dict[str, float], data: Digits) -> None:
    """Train one trial, from its checkpoint where it has one, and report every epoch."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = mlp(HIDDEN)
    optimizer = torch.optim.Adam(network.parameters(), **config)
    start, best = 0, 0.0
    if checkpoint := tune.get_checkpoint():
        with checkpoint.as_directory() as folder:
            saved = torch.load(Path(folder) / "checkpoint.pt")
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        start, best = saved["epoch"], saved["best"]
    for epoch in range(start, EPOCHS):
        found = train_epoch(network, optimizer, data, every_metric=True)
        metrics = {name.replace("/", "_"): value for name, value in found.items()}
        if metrics["val_accuracy"] <= best:
            tune.report(metrics)
            continue
        best = metrics["val_accuracy"]
        with TemporaryDirectory() as folder:
            torch.save(
                {
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "epoch": epoch + 1,
                    "best": best,
                },
                Path(folder) / "checkpoint.pt",
            )
            tune.report(metrics, checkpoint=tune.Checkpoint.from_directory(folder))


class Clock(tune.Callback):
    """When the first trial began and the last one ended."""

    began: float | None = None
    ended = 0.0

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if self.began is None:
            self.began = time.perf_counter()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.ended = time.perf_counter()


class EpochBudget(tune.Stopper):
    """Ends the search when so many epochs have been reported by all trials together."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.left -= 1
        return self.stop_all()

    def stop_all(self) -> bool:
        return self.left <= 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, help="search with this budget")
    parser.add_argument("--mlflow", action="store_true")
    parser.add_argument("--new-actors", action="store_true", help="for every trial, Ray's default")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    ray.init(
        num_cpus=SIDE_BY_SIDE,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        _temp_dir=str(Path("ray").absolute()),
    )
    clock = Clock()
    callbacks: list[tune.Callback] = [clock]
    if options.mlflow:
        import mlflow
        from ray.air.integrations.mlflow import MLflowLoggerCallback

        mlflow.set_tracking_uri(TRACKING_URI)
        mlflow.set_experiment(EXPERIMENT)
        callbacks.append(MLflowLoggerCallback(TRACKING_URI, experiment_name=EXPERIMENT))
    run = tune.RunConfig(
        name=EXPERIMENT,
        storage_path=str(Path("results").absolute()),
        callbacks=callbacks,
        checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
        verbose=0,
    )
    how = tune.TuneConfig(
        metric="val_accuracy",
        mode="max",
        max_concurrent_trials=SIDE_BY_SIDE,
        reuse_actors=not options.new_actors,
    )
    space: dict[str, Any] = {"lr": tune.grid_search(LEARNING_RATES)}
    if options.epochs is not None:
        space = {name: tune.loguniform(*bounds) for name, bounds in SPACE.items()}
        how.search_alg = OptunaSearch(seed=options.seed)
        how.scheduler = ASHAScheduler(max_t=EPOCHS, grace_period=WARMUP + 1, reduction_factor=2)
        how.num_samples = -1
        run.stop = EpochBudget(options.epochs)
    training = tune.with_resources(tune.with_parameters(fit, data=digits()), {"cpu": 1})
    results = tune.Tuner(training, param_space=space, tune_config=how, run_config=run).fit()
    ray.shutdown()
    if results.errors or clock.began is None:
        raise SystemExit(f"{len(results.errors)} trials failed: {results.errors[:1]}")
    found = (result.metrics_dataframe for result in results)
    curves = [curve for curve in found if curve is not None and len(curve)]
    print(
        json.dumps(
            {
                "tuning_seconds": clock.ended - clock.began,
                "trials": len(curves),
                "epochs": sum(len(curve) for curve in curves),
                "best": max(float(curve["val_accuracy"].max()) for curve in curves),
            }
        )
    )


if __name__ == "__main__":
    main()
