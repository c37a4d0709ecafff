"""Runs as wandb and trackio have them: a configuration, and what is logged."""

import contextlib

from fairtune_stand_in import Anything, given, write


class Config(dict):
    """The values of a run, as keys and as attributes: those of the study over the script's own."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self.update({name: value})

    def __setitem__(self, name, value):
        self.update({name: value})

    def setdefaults(self, values=None, **named):
        """Values that are used where there are none."""
        self.update({**_values(values), **named, **self})

    def update(self, values=None, allow_val_change=None, **named):
        """More values; those that the study gives stay."""
        super().update({**_values(values), **named, **given()})

    def as_dict(self):
        """The values by themselves."""
        return dict(self)


class Run(Anything):
    """A run: everything but its values and numbers goes nowhere."""

    id = name = "trial"
    project = entity = group = job_type = notes = dir = path = url = ""
    step = 0
    resumed = disabled = offline = False

    def __init__(self):
        self.config, self.summary = Config(given()), Summary()
        self._waiting = {}

    def log(self, data=None, step=None, commit=None, *args, **named):
        """Log numbers, as one; with `commit=False` together with those of the next call."""
        self._waiting.update(data or named.get("metrics") or {})
        if commit is not False:
            waiting, self._waiting = self._waiting, {}
            write(waiting, step)

    def finish(self, *args, **named):
        """The end of the run."""
        waiting, self._waiting = self._waiting, {}
        write(waiting)


class Summary(Config):
    """The last or best numbers, which are logged as they come."""

    def update(self, values=None, **named):
        """Set numbers: only those of the test part are logged, others were already."""
        new = {**_values(values), **named}
        dict.update(self, new)
        write({name: new[name] for name in new if str(name).startswith(("test/", "test_"))})


def _values(values):
    """What a script gives as a configuration: a dictionary, or the arguments that were parsed."""
    with contextlib.suppress(TypeError):
        values = vars(values)
    return dict(values or {})


class Runs:
    """The run of a process, made when it is asked for."""

    def __init__(self):
        self.run = None

    def current(self):
        """The run; one is made where there is none."""
        if self.run is None:
            self.run = Run()
        return self.run

    def init(self, *args, config=None, **named):
        """Begin a run with a configuration of the script's own."""
        self.run = Run()
        self.run.config.update(config)
        return self.run

    def finish(self, *args, **named):
        """End the run."""
        if self.run is not None:
            self.run.finish()
        self.run = None
