"""torchvision's networks: what is frozen does not learn, weights of a file are taken as said."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights

from lightning_modules.errors import UserError
from lightning_modules.networks import NETWORKS
from lightning_modules.networks.pretrained.checks import check
from lightning_modules.networks.pretrained.torchvision_networks import Pretrained, PretrainedNetwork
from lightning_modules.networks.pretrained.weights import ARCHITECTURES, IMAGENET, weights_path
from lightning_modules.optimization import REGULARIZATION, SCHEDULES

SMALL = "squeezenet1_1"
LAYERS = ARCHITECTURES[SMALL].layers


def network(name: str = SMALL, outputs: int = 3, **parameters: Any) -> PretrainedNetwork:
    return PretrainedNetwork(name, (1, 8, 8), outputs, **{"image_size": 32, **parameters})


def learning(net: PretrainedNetwork) -> set[str]:
    """The layers that have a gradient."""
    names = (*LAYERS, ARCHITECTURES[SMALL].head)
    return {
        name
        for name in names
        if any(weight.requires_grad for weight in net.body.get_submodule(name).parameters())
    }


def seeded(path: Path, name: str = SMALL, **changes: Tensor) -> Path:
    """A state dict as torchvision lays it out, with the head of ImageNet's 1,000 classes."""
    given = {"init_weights": False} if name == "inception_v3" else {}
    with torch.device("meta"):
        layout = get_model(name, weights=None, **given).state_dict()
    weights = {
        key: torch.full((), number, dtype=value.dtype).expand(value.shape)  # one number in the file
        for number, (key, value) in enumerate(layout.items())
    }
    torch.save({**weights, **changes}, path)
    return path


# The table


def test_the_table_names_torchvisions_files_and_every_layer_that_has_weights() -> None:
    assert [name for name in NETWORKS if name in ARCHITECTURES] == list(ARCHITECTURES)
    for name, row in ARCHITECTURES.items():
        assert get_model_weights(name).DEFAULT.url.rpartition("/")[2] == row.file
        with torch.device("meta"):
            body = get_model(name, weights=None, init_weights=False) if "incep" in name else (
                get_model(name, weights=None)
            )  # fmt: skip
        order = [key for key, _ in body.named_parameters() if not key.startswith("AuxLogits.")]
        told = (*row.layers, row.head)
        found = [next(layer for layer in told if key.startswith(layer + ".")) for key in order]
        assert tuple(dict.fromkeys(found)) == told, name
        dropouts = {layer.p for layer in body.modules() if isinstance(layer, nn.Dropout)}
        assert dropouts == (set() if row.dropout is None else {row.dropout})
        assert NETWORKS[name].parameters["image_size"].default == row.size


# Images


def test_images_are_resized_and_one_channel_becomes_three_equal_ones() -> None:
    made = network(image_size=40).prepare(torch.rand(2, 1, 8, 8))
    assert made.shape == (2, 3, 40, 40)
    assert torch.equal(made[:, 0], made[:, 1]) and torch.equal(made[:, 0], made[:, 2])


def test_images_of_the_right_size_and_channels_stay_as_they_are() -> None:
    images = torch.rand(2, 3, 32, 32)
    net = PretrainedNetwork(SMALL, (3, 32, 32), 2, image_size=32)
    assert torch.equal(net.prepare(images), images)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        (SMALL, 0.485, [0.0, (0.485 - 0.456) / 0.224, (0.485 - 0.406) / 0.225]),
        ("inception_v3", 0.75, [0.5, 0.5, 0.5]),
    ],
)
def test_normalizing_gives_the_moments_that_the_weights_of_imagenet_expect(
    name: str, value: float, wanted: list[float]
) -> None:
    net = network(name, normalize="imagenet", image_size=75)
    made = net.prepare(torch.full((1, 1, 8, 8), value))
    assert made[0, :, 0, 0].tolist() == pytest.approx(wanted, abs=1e-6)


def test_many_images_are_evaluated_in_parts_with_the_same_answers() -> None:
    net = network().eval()
    images = torch.randn(70, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(net(images), net.body(net.prepare(images)))


def test_answers_may_be_negative() -> None:
    """torchvision's SqueezeNet rectifies them, which no regression could learn from."""
    torch.manual_seed(0)
    assert (network().eval()(torch.randn(20, 1, 8, 8)) < 0).any()


def test_images_of_two_channels_are_refused() -> None:
    with pytest.raises(UserError, match="squeezenet1_1 reads images of 1 or 3 channels, got 2"):
        PretrainedNetwork(SMALL, (2, 8, 8), 3)


# Freezing


def test_nothing_is_frozen_unless_asked_for() -> None:
    assert learning(network()) == {*LAYERS, "classifier.1"}


def test_a_frozen_backbone_leaves_the_head_to_learn() -> None:
    net = network(freeze="backbone")
    assert learning(net) == {"classifier.1"}
    [head] = net.parameter_groups(0.1)
    assert sum(weight.numel() for weight in head["params"]) == 512 * 3 + 3


def test_until_includes_the_layer_that_it_names() -> None:
    assert learning(network(freeze="until:features.9")) == {
        "features.10", "features.11", "features.12", "classifier.1",
    }  # fmt: skip


def test_layers_thaw_one_by_one_from_the_last_and_never_all_at_once() -> None:
    net = network(freeze="backbone", unfreeze_every=2)
    counts = []
    for epoch in range(22):
        net.unfreeze(epoch)
        counts.append(len(learning(net)) - 1)
    assert counts == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 9, 9]
    net.unfreeze(2)
    assert learning(net) == {"features.12", "classifier.1"}


def test_batch_normalization_keeps_its_moments_where_it_is_frozen() -> None:
    torch.manual_seed(0)
    net = network("resnet18", freeze="until:layer3")
    net.train()  # as a trainer does after every validation
    before = {key: value.clone() for key, value in net.state_dict().items()}
    net(torch.randn(4, 1, 8, 8))
    changed = {
        key for key, value in net.state_dict().items() if not torch.equal(value, before[key])
    }
    assert changed and all(key.startswith("body.layer4.") for key in changed)
    norms = [layer for layer in net.body.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert [layer.training for layer in norms] == [False] * 15 + [True] * 5


# Learning rates


def groups(**parameters: Any) -> list[dict[str, Any]]:
    return network(**parameters).parameter_groups(0.1)


def test_the_backbone_learns_at_its_share_of_the_rate() -> None:
    head, backbone = groups(backbone_lr=0.05, freeze="until:features.10")
    assert (head["lr"], backbone["lr"]) == (0.1, pytest.approx(0.005))
    fires = sum(
        weight.numel()
        for name in ("features.11", "features.12")
        for weight in network().body.get_submodule(name).parameters()
    )
    assert sum(weight.numel() for weight in backbone["params"]) == fires


def test_layers_that_thaw_later_are_in_the_optimizer_from_the_start() -> None:
    _, backbone = groups(freeze="backbone", unfreeze_every=1)
    total = sum(weight.numel() for weight in network().parameters())
    assert sum(weight.numel() for weight in backbone["params"]) == total - (512 * 3 + 3)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 1.5])
def test_every_schedule_keeps_the_ratio_of_the_rates(name: str, warmup: float) -> None:
    weights = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.SGD(
        [{"params": [w], "lr": lr} for w, lr in zip(weights, (1, 0.1), strict=True)]
    )
    floor = {"eta_min": 0.05} if "cosine" in name else {"min_lr": 0.05} if name == "plateau" else {}
    row = SCHEDULES[name]
    schedule = row.build(
        optimizer,
        epochs=6,
        steps_per_epoch=2,
        goal="minimize",
        **{**row.defaults(), **floor, "warmup": warmup},
    )
    rates = []
    for _ in range(6):
        for _ in range(2):
            first, second = (group["lr"] for group in optimizer.param_groups)
            assert second == pytest.approx(first * 0.1, abs=1e-15)
            rates.append(first)
            optimizer.step()
            schedule.step()
        schedule.epoch_end(1.0)
    assert name in ("constant", "plateau", "step") or len(set(rates)) > 2


def test_weight_decay_leaves_frozen_weights_alone() -> None:
    frozen, free = nn.Parameter(torch.ones(1), requires_grad=False), nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([frozen, free], lr=0.5)
    REGULARIZATION["weight_decay"].build(strength=0.1)(optimizer)
    assert (frozen.item(), free.item()) == (1.0, pytest.approx(0.95))


def test_penalties_leave_frozen_weights_alone() -> None:
    seen: list[int] = []
    module = Pretrained(
        SMALL, (1, 8, 8), 3, image_size=32, freeze="backbone", regularization={"l2": 0.1}
    )
    penalty = module.penalties[0]
    module.penalties = [lambda weights: penalty([seen.append(w.numel()) or w for w in weights])]
    module.training_step((torch.zeros(2, 1, 8, 8), torch.tensor([0, 1])), 0)
    assert seen == [512 * 3]


# Weights of a file


@pytest.mark.parametrize("name", [SMALL, "vgg11", "inception_v3", "mobilenet_v3_small"])
def test_a_file_of_torchvisions_layout_fills_all_but_the_head(name: str, tmp_path: Path) -> None:
    path = seeded(tmp_path / "some.pth", name)
    content = torch.load(path)
    head = ARCHITECTURES[name].head + "."
    check(name, weights=str(path))
    for key, value in network(name, image_size=75, weights=str(path)).body.state_dict().items():
        assert torch.equal(value, content[key]) != key.startswith(head), key


def test_weights_of_imagenet_come_from_the_local_cache_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    path = tmp_path / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    with pytest.raises(UserError) as told:
        check(SMALL, weights=IMAGENET)
    assert str(told.value).startswith(f"model.weights: {path} is missing; nothing is fetched")
    assert "get_model('squeezenet1_1', weights='DEFAULT')" in str(told.value)
    path.parent.mkdir()
    seeded(path)
    check(SMALL, weights=IMAGENET)
    assert weights_path(SMALL, IMAGENET) == path
    first = network(weights=IMAGENET).body.state_dict()["features.0.weight"]
    assert torch.equal(first, torch.load(path)["features.0.weight"])


def test_what_fits_not_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"

    def told(name: str = SMALL) -> str:
        with pytest.raises(UserError) as caught:
            check(name, weights=str(path))
        return str(caught.value).removeprefix(f"{path}: ")

    seeded(path)
    assert told("resnet18") == "fits no resnet18: it has no conv1.weight"
    seeded(path, **{"features.3.squeeze.bias": torch.zeros(4)})
    assert told() == "fits no squeezenet1_1: features.3.squeeze.bias is (4,), and must be (16,)"
    seeded(path, more=torch.zeros(1))
    assert told() == "fits no squeezenet1_1, which has no more"
    torch.save({"state": {"a": torch.zeros(1)}}, path)
    assert told() == "is no state dict: state is dict, no tensor"
    torch.save([1, 2], path)
    assert told() == "is no state dict, but a list"
    path.write_bytes(b"no weights")
    assert told().startswith("cannot be read as weights: ")
    path.write_bytes(pickle.dumps(Path("gadget")))
    assert told().startswith("cannot be read as weights: ")


def test_a_file_that_is_not_there_and_a_run_without_a_home_are_said() -> None:
    with pytest.raises(UserError, match=r"model\.weights: there is no file nowhere\.pth"):
        check(SMALL, weights="nowhere.pth")
    with pytest.raises(UserError, match="runs:/abc can be read by a study only; name the"):
        network(weights="runs:/abc")


def test_an_unknown_network_is_a_user_error() -> None:
    with pytest.raises(UserError, match="there is no network 'resnet19'; did you mean resnet18"):
        network("resnet19")


# What a study file may say


@pytest.mark.parametrize(
    ("parameter", "value", "complaint"),
    [
        ("weights", "https://some.where/w.pth", "'https://some.where/w.pth' is a URL; weights are "
         "never fetched: name a file"),
        ("weights", "runs:/a/b", "must be none, imagenet, a file, or runs:/ and the id of an "
         "MLflow run of this home, got 'runs:/a/b'"),
        ("weights", 3, "must be none, imagenet, a file, or runs:/ and the id of an MLflow run of "
         "this home, got 3"),
        ("freeze", "until:layer5", "has no layer 'layer5'; did you mean layer4?; known are conv1, "
         "bn1, layer1, layer2, layer3, layer4"),
        ("freeze", "all", "must be none, backbone or until:LAYER, a layer being one of conv1, bn1, "
         "layer1, layer2, layer3, layer4, got 'all'"),
        ("freeze", "until:layer1", None),
        ("weights", "runs:/0123abcd", None),
        ("weights", "weights/my resnet.pth", None),
    ],
)  # fmt: skip
def test_a_parameter_says_what_it_takes(parameter: str, value: Any, complaint: str | None) -> None:
    assert NETWORKS["resnet18"].parameters[parameter].validation_error(value) == complaint
