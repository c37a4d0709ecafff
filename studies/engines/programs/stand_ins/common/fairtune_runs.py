"""Runs as wandb and trackio have them: a configuration, and what is logged."""

import atexit

from fairtune_stand_in import Anything, given, tell_read, write


class Config(dict):
    """The values of a run, as keys and as attributes: those of the study over the script's own.

    The study is told which of its values are read.
    """

    def __getitem__(self, name):
        _read(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        """A value, or the default."""
        _read(name)
        return super().get(name, default)

    def __iter__(self):
        _read(*super().keys())
        return super().__iter__()

    def keys(self):
        """The names of all values, which are read by that."""
        _read(*super().keys())
        return super().keys()

    def values(self):
        """All values."""
        _read(*super().keys())
        return super().values()

    def items(self):
        """All values with their names."""
        _read(*super().keys())
        return super().items()

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
        for name, value in {**_values(values), **named}.items():
            self.setdefault(name, value)

    def update(self, values=None, allow_val_change=None, **named):
        """More values; those that the study gives stay."""
        super().update({**_values(values), **named, **given()["values"]})

    def as_dict(self):
        """The values by themselves."""
        return dict(self)


class Run(Anything):
    """A run: everything but its values and numbers goes nowhere."""

    id = name = "trial"
    project = entity = group = job_type = notes = path = url = ""
    step = 0
    resumed = disabled = offline = False

    def __init__(self):
        self.config, self.summary = Config(given()["values"]), Summary()
        self.dir = given()["folder"]
        self._waiting = {}
        atexit.register(self.finish)  # a script need not say that it ends

    def log(self, data=None, step=None, commit=None, *args, **named):
        """Log numbers, as one; with `commit=False` together with those of the next call."""
        self._waiting.update(data or named.get("metrics") or {})
        if commit is not False:
            waiting, self._waiting = self._waiting, {}
            write(waiting, step)

    def __exit__(self, *raised):
        self.finish()

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


_told = set()


def _read(*names):
    """Say of which of the study's values these are the names, once."""
    paths = given()["paths"]
    found = {paths[name] for name in names if name in paths} - _told
    if found:
        _told.update(found)
        tell_read(found)


def _values(values):
    """What a script gives as a configuration: a dictionary, or the arguments that were parsed."""
    if hasattr(values, "keys"):
        return {name: values[name] for name in list(values)}
    return dict(vars(values)) if hasattr(values, "__dict__") else {}


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

    def agent(self, sweep_id=None, function=None, *args, **named):
        """What a sweep's agent does for one trial: the study has chosen its values."""
        if function is not None:
            self.run = Run()
            function()

    def finish(self, *args, **named):
        """End the run."""
        if self.run is not None:
            self.run.finish()
        self.run = None
