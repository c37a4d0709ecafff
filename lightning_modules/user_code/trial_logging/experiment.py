"""What stands for TensorBoard's writer, W&B's run and others, as `self.logger.experiment`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightning_modules.rights import make_folder
from lightning_modules.user_code.trial_logging.logged import Logged


class Experiment:
    """Takes the calls by which trainings log; those that say nothing for a trial do nothing."""

    def __init__(self, logged: Logged) -> None:
        self._taken = logged

    @property
    def log_dir(self) -> str:
        """The folder of the trial's files."""
        make_folder(self._taken.files.folder)
        return str(self._taken.files.folder)

    # TensorBoard

    def add_scalar(self, tag: str, scalar_value: Any, *_: Any, **__: Any) -> None:
        self._taken.scalar(tag, scalar_value)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: Mapping[str, Any], *_: Any, **__: Any
    ) -> None:
        for name, value in tag_scalar_dict.items():
            self._taken.scalar(f"{main_tag}/{name}", value)

    def add_figure(
        self, tag: str, figure: Any, global_step: int | None = None, *_: Any, **__: Any
    ) -> None:
        figures = figure if isinstance(figure, list | tuple) else [figure]
        self._taken.images(tag, figures, global_step)

    def add_image(
        self, tag: str, img_tensor: Any, global_step: int | None = None, *_: Any, **__: Any
    ) -> None:
        self._taken.files.image(tag, img_tensor, global_step)

    def add_images(
        self, tag: str, img_tensor: Any, global_step: int | None = None, *_: Any, **__: Any
    ) -> None:
        self._taken.images(tag, img_tensor, global_step)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, *_: Any, **__: Any
    ) -> None:
        self._taken.files.text(tag, text_string, global_step)

    # W&B, Comet, Neptune

    def log(self, data: Mapping[str, Any], step: int | None = None, *_: Any, **__: Any) -> None:
        for name, value in data.items():
            self._logged(str(name), value, step)

    def log_image(self, *args: Any, **kwargs: Any) -> None:
        self._named_file(*args, **kwargs)

    # MLflow's client and fluent interface, Comet

    def log_metric(self, *args: Any, **kwargs: Any) -> None:
        given = [*args, *(kwargs[name] for name in ("name", "key", "value") if name in kwargs)]
        names = [each for each in given[:2] if isinstance(each, str)]  # a run's id may come first
        if names and len(given) > len(names):
            self._taken.scalar(names[-1], given[len(names)])

    def log_metrics(self, *args: Any, **kwargs: Any) -> None:
        for each in (*args, *kwargs.values()):
            if isinstance(each, Mapping):
                for name, value in each.items():
                    self._taken.scalar(str(name), value)

    def log_figure(self, *args: Any, **kwargs: Any) -> None:
        self._named_file(*args, **kwargs)

    def log_text(self, *args: Any, **kwargs: Any) -> None:
        texts = [each for each in (*args, *kwargs.values()) if isinstance(each, str)]
        if texts:  # a run's id, the text, and the name of its file
            self._taken.files.text(texts[-1] if len(texts) > 1 else "text", texts[-2:][0])

    def _named_file(self, *args: Any, **kwargs: Any) -> None:
        """A figure or an image among arguments, called by the text after it, else before it."""
        given = [*args, *kwargs.values()]
        pictures = [index for index, each in enumerate(given) if _is_picture(each)]
        if pictures:
            index = pictures[0]
            after = [each for each in given[index + 1 :] if isinstance(each, str)]
            before = [each for each in given[:index] if isinstance(each, str)]
            name = (after or before[::-1] or ["figure"])[0]
            self._taken.files.figure(name, given[index])

    def _logged(self, name: str, value: Any, step: int | None) -> None:
        if isinstance(value, Mapping):
            for key, each in value.items():
                self._logged(f"{name}/{key}", each, step)
        elif isinstance(value, str):
            self._taken.files.text(name, value, step)
        elif isinstance(value, Sequence) and value and all(_is_picture(each) for each in value):
            self._taken.images(name, value, step)
        elif _is_picture(value):
            self._taken.files.figure(name, value, step)
        elif hasattr(value, "columns") and hasattr(value, "data"):
            self._taken.table(name, value.columns, value.data, step=step)
        else:
            self._taken.scalar(name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return NOTHING

    def __getitem__(self, name: str) -> Any:
        return _Series(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        self._logged(name, value, None)


class _Series:
    """`experiment["val/acc"].append(0.9)`, as Neptune's."""

    def __init__(self, experiment: Experiment, name: str) -> None:
        self._experiment, self._name = experiment, name

    def append(self, value: Any, *_: Any, **__: Any) -> None:
        self._experiment.log({self._name: value})

    log = append
    upload = append


class _Nothing:
    """Takes any use of it."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, name: Any) -> Any:
        return self

    def __setitem__(self, name: Any, value: Any) -> None:
        pass


NOTHING = _Nothing()


def _is_picture(value: Any) -> bool:
    """Whether it is a figure, an image, or an array that may be one."""
    return (
        hasattr(value, "savefig")
        or (hasattr(value, "save") and hasattr(value, "size"))
        or (hasattr(value, "ndim") and value.ndim in (2, 3))
    )
