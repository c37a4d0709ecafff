"""Words of other tools (Optuna, W&B sweeps, Ray Tune, Keras Tuner, Hydra), in this file's words.

They are answered, not understood: a study file is written in one language.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

RANGE = "optimizer: {lr: {min: 1e-4, max: 1e-1, log: true}}"
SPACE = f"ranges stand at the place of the value that they are for, as in {RANGE}"
METHOD = "write search: {method: tpe}"
PRUNER = "write search: {pruner: hyperband}"
OBJECTIVE = "write objective: {{metric: {metric}, goal: {goal}}}"
COMMAND_LINE = 'write model: {command: [python, train.py, "{params}"]}'
OPTION = "give it to the command: fairtune run STUDY.yaml "
KEYS = {
    **dict.fromkeys(("parameters", "params", "hyperparameters", "space", "search_space",
                     "param_space", "config"), SPACE),
    **dict.fromkeys(("method", "sampler", "algorithm", "search_alg", "tuner"), METHOD),
    **dict.fromkeys(("pruner", "scheduler", "early_terminate"), PRUNER),
    **dict.fromkeys(("study_name", "name", "project"), "write study: NAME"),
    **dict.fromkeys(("program", "command"), COMMAND_LINE),
    **dict.fromkeys(("lr", "learning_rate"), "write " + RANGE),
    **dict.fromkeys(("n_jobs", "workers", "max_concurrent_trials"), OPTION + "--workers 4"),
    **dict.fromkeys(("storage", "home"), OPTION + "--home FOLDER"),
    "cwd": "write it beside the command: model: {command: [...], cwd: FOLDER}",
    "batch_size": "write data: {name: ..., batch_size: 64}",
    "directions": "a study has one objective, and one goal",
}  # fmt: skip
"""Keys of other tools at the top of a file, or in `search`, and what is written for them."""
NUMBERS = {
    **dict.fromkeys(("n_trials", "num_samples", "max_trials", "run_cap", "trials"),
                    "search.trials"),
    **dict.fromkeys(("epochs", "max_epochs", "max_t"), "trainer.epochs"),
    "seed": "search.seed", "timeout": "search.timeout", "repeats": "search.repeats",
}  # fmt: skip
"""The same for numbers, which keep their values."""
HALVES = ("fp16", "float16", "half")
TRAINING = {
    **dict.fromkeys(("accumulate_grad_batches", "gradient_accumulation_steps", "accumulation_steps",
                     "gradient_accumulation", "grad_accum", "accum_iter"), "accumulate"),
    **dict.fromkeys(("check_val_every_n_epoch", "eval_every", "val_interval", "validate_every"),
                    "val_every"),
    **dict.fromkeys(("limit_train_batches", "steps_per_epoch"), "max_steps"),
    "torch_compile": "compile",
    **dict.fromkeys((*HALVES, "bf16", "bfloat16", "amp", "mixed_precision", "use_amp", "autocast",
                     "dtype", "torch_dtype"), "precision"),
}  # fmt: skip
"""Keys of other tools for how a network is trained, with those of `trainer`."""
GOALS = ("metric", "direction", "goal", "mode")
METHODS = {
    **dict.fromkeys(("bayes", "bayesian", "bayesian_optimization", "bo", "bayesopt", "hyperopt",
                     "optuna", "optunasearch", "tpesampler", "automl"),
                    "write tpe, or gp, a Gaussian process"),
    **dict.fromkeys(("gaussian_process", "gpsampler", "skopt", "ax", "botorch"), "write gp"),
    **dict.fromkeys(("sobol", "qmcsampler", "quasi_random"), "write qmc, whose points are Sobol's"),
    "halton": "write {name: qmc, qmc_type: halton}",
    **dict.fromkeys(("cma", "cma_es", "cmaessampler", "nevergrad"), "write cmaes"),
    **dict.fromkeys(("gridsearch", "grid_search", "gridsampler", "brute_force"), "write grid"),
    **dict.fromkeys(("randomsearch", "random_search", "randomsampler", "uniform"), "write random"),
    **dict.fromkeys(("asha", "ashascheduler", "sha", "successive_halving", "async_hyperband"),
                    "it stops trials early, which is a pruner: write pruner: successive_halving "
                    "beside method: random"),
    **dict.fromkeys(("hyperband", "bohb", "median", "medianstoppingrule"),
                    "it stops trials early, which is a pruner: write pruner: hyperband (or median) "
                    "beside method: tpe"),
    **dict.fromkeys(("pbt", "population_based_training"),
                    "a trial keeps its configuration here: write tpe, and a schedule for values "
                    "that change"),
}  # fmt: skip
PRUNERS = {
    **dict.fromkeys(("asha", "ashascheduler", "sha", "successivehalvingpruner", "async_hyperband"),
                    "write successive_halving"),
    **dict.fromkeys(("hyperbandpruner", "bohb", "hyperbandforbohb"), "write hyperband"),
    **dict.fromkeys(("medianpruner", "median_stopping_rule", "medianstoppingrule"), "write median"),
    **dict.fromkeys(("percentilepruner",), "write percentile"),
    **dict.fromkeys(("early_stopping", "patientpruner"), "write patient"),
    **dict.fromkeys(("thresholdpruner",), "write threshold"),
    **dict.fromkeys(("noppruner", "nop", "fifo", "off", "no"), "write none"),
}  # fmt: skip
LOW = ("low", "lower", "min_value", "minimum")
HIGH = ("high", "upper", "max_value", "maximum")
LISTS = ("choices", "categories", "options", "grid", "choice", "grid_search")
KINDS = ("type", "distribution", "dist", "sampling", "scale")
STEPS = ("q", "quantum", "quantization")
LOGARITHMIC = ("log", "log_uniform", "loguniform", "log_uniform_values", "qloguniform",
               "q_log_uniform", "inv_log_uniform", "q_log_uniform_values")  # fmt: skip
NORMAL = ("normal", "log_normal", "lognormal", "q_normal", "randn", "q_log_normal", "gaussian")
FOREIGN = {*LOW, *HIGH, *LISTS, *KINDS, *STEPS, "mu", "sigma", "value", "base", "prior"}


def key_words(key: str, value: Any) -> str:
    """What is written for another tool's key with this value; empty where it is nobody's."""
    if key in NUMBERS:
        section, _, name = NUMBERS[key].partition(".")
        said = json.dumps(value) if _is_number(value) else "20"
        return f"write {section}: {{{name}: {said}}}"
    if key in GOALS:
        given = value if isinstance(value, Mapping) else {key: value}
        goal = "".join(str(given.get(each, "")) for each in ("goal", "direction", "mode"))
        metric = given.get("name", given.get("metric", "val/loss"))
        least = goal.lower().startswith("min") or (not goal and "loss" in str(metric))
        return OBJECTIVE.format(metric=metric, goal="minimize" if least else "maximize")
    return KEYS.get(key, "") or training_words(key, value)


def training_words(key: str, value: Any) -> str:
    """What is written for another tool's key of how a network is trained; empty where it is
    nobody's."""
    name = TRAINING.get(_key(str(key)))
    if name is None:
        return ""
    if name == "precision":
        return f"write trainer: {{precision: {_precision(str(key), value)}}}"
    if key == "limit_train_batches" and not (isinstance(value, int) and value > 1):
        return "write trainer: {max_steps: 100}, the steps of the optimizer in an epoch"
    said = json.dumps(value) if isinstance(value, int) else "true" if name == "compile" else "4"
    return f"write trainer: {{{name}: {said}}}"


def _precision(key: str, value: Any) -> str:
    said = (key if isinstance(value, bool) or value is None else str(value)).lower()
    if value is False or "32" in said:
        return "32"
    is_bfloat = "bf16" in said or "bfloat16" in said
    return "fp16" if not is_bfloat and any(word in said for word in (*HALVES, "16")) else "bf16"


def method_words(name: str) -> str:
    """What is written for another tool's search method; empty where it is nobody's."""
    return METHODS.get(_key(name), "")


def pruner_words(name: str) -> str:
    """What is written for another tool's pruner; empty where it is nobody's."""
    return PRUNERS.get(_key(name), "")


def is_foreign_range(node: Mapping[str, Any]) -> bool:
    """Whether a mapping is a range or a choice in another tool's words."""
    keys = set(map(str, node))
    if not keys <= FOREIGN | {"min", "max", "log", "step", "num", "values"}:
        return False
    both_ends = bool(keys & {*LOW, "min"}) and bool(keys & {*HIGH, "max"})
    a_list = any(isinstance(node.get(key), list) for key in LISTS)
    kind = any(isinstance(node.get(key), str) for key in ("distribution", "dist"))
    return bool(keys & FOREIGN) and (both_ends or a_list or kind or "values" in keys)


def range_words(node: Mapping[str, Any]) -> str:
    """A range or a choice in another tool's words, written in this file's."""
    kinds = {str(node[key]).lower() for key in KINDS if key in node}
    if kinds & set(NORMAL):
        return "there is no normal distribution; write the range that matters, {min: ..., max: ...}"
    listed = _first(node, ("values", *LISTS))
    if listed is not None:
        return f"write {{values: {json.dumps(listed)}}}"
    if "value" in node:
        return f"write the value itself: {json.dumps(node['value'])}"
    low, high = _first(node, (*LOW, "min")), _first(node, (*HIGH, "max"))
    logarithmic = node.get("log") is True or bool(kinds & set(LOGARITHMIC))
    if "log_uniform" in kinds and _is_number(low) and low <= 0 and _is_number(high):
        low, high = (float(f"{math.exp(end):.3g}") for end in (low, min(high, 700)))
    said = {"min": low, "max": high, "log": logarithmic or None}
    if not logarithmic:
        said["step"] = _first(node, (*STEPS, "step"))
    if "float" in kinds:
        said |= {"min": _as_float(low), "max": _as_float(high)}
    words = ", ".join(f"{key}: {json.dumps(v)}" for key, v in said.items() if v is not None)
    return f"write {{{words}}}"


def stand_in(node: Mapping[str, Any]) -> Any:
    """A value in place of a range in another tool's words, for the checks that follow."""
    listed = _first(node, ("values", *LISTS))
    if isinstance(listed, list) and listed:
        return listed[0]
    return _first(node, ("value", *LOW, "min", *HIGH, "max"))


def _first(node: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((node[key] for key in keys if key in node), None)


def _as_float(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")
