"""The existing code bases that are tried: where each is from, its study file, what is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import code_bases_data as data
from code_bases_programs import SCIKIT_LEARN, TRANSFORMERS


@dataclass(frozen=True)
class Change:
    """A line of a file, or several, and what stands there instead."""

    file: str
    before: str
    after: str
    loads_data: bool = False

    @property
    def lines(self) -> int:
        """Lines that are changed or added, outside of the loading of data."""
        kept = set(self.before.split("\n"))
        return 0 if self.loads_data else sum(line not in kept for line in self.after.split("\n"))


@dataclass(frozen=True)
class CodeBase:
    """A code base and the study file for it; paths are seen from the copy of its repository."""

    name: str
    repository: str
    """A folder of the sources, as `git clone` names it; empty where the script is our own."""
    study: str
    """Its study file in `code_bases_studies`."""
    data: tuple[tuple[Callable[[Path], None], str], ...] = ()
    changes: tuple[Change, ...] = ()
    prepared_by: tuple[str, ...] = ()
    """A command of the code base itself that prepares its data."""
    allow: str = ""
    scripts: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


MNIST = ((data.mnist, "data"),)
NO_SEED = "its seed is not told, so that a second training differs"
CIFAR = "FakeData(64, (3, 32, 32), 10,"
LOADER = "batch_size=int(os.environ['BATCH']), shuffle=True"
CODE_BASES = (
    CodeBase(
        "mnist",
        "examples",
        "mnist",
        MNIST,
    ),
    CodeBase(
        "mnist_rnn",
        "examples",
        "mnist_rnn",
        MNIST,
    ),
    CodeBase(
        "vae",
        "examples",
        "vae",
        MNIST,
        (
            Change(
                "vae/main.py",
                "args = parser.parse_args()",
                "parser.add_argument('--lr', type=float, default=1e-3)\nargs = parser.parse_args()",
            ),
            Change("vae/main.py", "lr=1e-3)\n\n\n# Recon", "lr=args.lr)\n\n\n# Recon"),
        ),
    ),
    CodeBase(
        "word_language_model (argparse, boolean flags)",
        "examples",
        "word_language_model",
        ((data.words, "word_language_model/data/wikitext-2"),),
    ),
    CodeBase(
        "pytorch-cifar (prints only)",
        "pytorch-cifar",
        "pytorch_cifar",
        (),
        (
            Change(
                "utils.py",
                "_, term_width = os.popen('stty size', 'r').read().split()",
                "term_width = 80",
            ),
            Change("main.py", "start_epoch+200)", "start_epoch+int(os.environ['EPOCHS']))"),
            *(
                Change("main.py", before, after, loads_data=True)
                for before, after in (
                    ("CIFAR10(\n    root='./data', train=True, download=True,", CIFAR),
                    ("CIFAR10(\n    root='./data', train=False, download=True,", CIFAR),
                    ("batch_size=128, shuffle=True, num_workers=2", LOADER),
                    ("shuffle=False, num_workers=2", "shuffle=False"),
                )
            ),
        ),
        note=NO_SEED,
    ),
    CodeBase(
        "Lightning: backbone_image_classifier",
        "pytorch-lightning",
        "image_classifier",
        ((data.arrays, "examples/pytorch/basics"),),
        allow="backbone_image_classifier",
    ),
    CodeBase(
        "Lightning: generative_adversarial_net",
        "pytorch-lightning",
        "adversarial",
        ((data.arrays, "examples/pytorch/domain_templates"),),
        allow="generative_adversarial_net",
    ),
    CodeBase(
        "Keras: demo_mnist_convnet",
        "keras",
        "keras",
        ((data.arrays, "examples"),),
        (
            Change(
                "examples/demo_mnist_convnet.py",
                "(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()",
                "rows = np.load('digits.npz')\nimages = rows['x'][:, 0] * 255\n"
                "x_train, y_train = images[:400], rows['y'][:400]\n"
                "x_test, y_test = images[400:], rows['y'][400:]",
                loads_data=True,
            ),
            Change(
                "examples/demo_mnist_convnet.py",
                "batch_size = 128",
                "import sys; batch_size, seed = map(int, sys.argv[1:])\n"
                "keras.utils.set_random_seed(seed)",
            ),
        ),
    ),
    CodeBase(
        "nanoGPT, characters",
        "nanoGPT",
        "nanogpt",
        ((data.text, "data/shakespeare_char"),),
        prepared_by=("data/shakespeare_char/prepare.py",),
    ),
    CodeBase(
        "makemore",
        "makemore",
        "makemore",
    ),
    CodeBase(
        "lightning-hydra-template (Hydra)",
        "lightning-hydra-template",
        "hydra",
        MNIST,
    ),
    CodeBase(
        "XGBoost: basic_walkthrough",
        "xgboost",
        "xgboost",
        ((data.mushrooms, "demo/data"),),
        (
            Change(
                "demo/guide-python/basic_walkthrough.py",
                'param = {"max_depth": 2, "eta": 1, "objective": "binary:logistic"}',
                "import sys\nparam = dict([word[2:].split('=') for word in sys.argv[1:]], "
                "objective='binary:logistic')",
            ),
        ),
        note="it trains two rounds, and has no random part",
    ),
    CodeBase(
        "transformers: a tiny random BERT",
        "",
        "transformers",
        changes=(
            Change(
                "train.py",
                "\ntrainer.train()",
                "\nfrom fairtune.callbacks import transformers_callback"
                "\ntrainer.add_callback(transformers_callback())\ntrainer.train()",
            ),
        ),
        scripts={"train.py": TRANSFORMERS},
    ),
    CodeBase(
        "scikit-learn: MLPClassifier",
        "",
        "scikit_learn",
        scripts={"train.py": SCIKIT_LEARN},
    ),
)
