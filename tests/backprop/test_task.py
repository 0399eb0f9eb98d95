"""What was asked for on the command line of `python -m ablate.backprop`."""

from __future__ import annotations

from ablate.backprop.delta_rule import Regularizer
from ablate.backprop.task import draw_masks, random_network, read


def test_masks_are_drawn_from_the_seed_anew_for_each_update():
    network = random_network([2, 200, 1], 0)
    ((first,), (again,), (other,)) = (draw_masks(network, 0.2, 3, number) for number in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
    assert set(first.tolist()) == {0, 1.25} and 0.1 < (first == 0).mean() < 0.3


def test_the_same_seed_gives_the_same_and_options_leave_each_others_numbers_alone():
    plain, again, biased = (read(["--network", "2-3-2", "--seed", "1", *more]) for more in ([], [], ["--bias"]))
    other = read(["--network", "2-3-2", "--seed", "2"])
    for task in (again, biased):
        assert all((a == b).all() for a, b in zip(plain.network.weights, task.network.weights, strict=True))
        assert (plain.pattern.x == task.pattern.x).all() and (plain.pattern.target == task.pattern.target).all()
    assert (plain.network.weights[0] != other.network.weights[0]).any()


def test_cross_entropy_goes_with_softmax_or_with_sigmoid():
    for arguments, output, total in (
        (["--network", "2-3-3"], "softmax", 1),
        (["--network", "2-3-1"], "sigmoid", None),
        (["--network", "2-3-3", "--output", "sigmoid"], "sigmoid", None),
    ):
        task = read([*arguments, "--loss", "cross_entropy"])
        assert task.network.output == output and task.network.activation == "sigmoid"
        assert set(task.pattern.target) <= {0, 1} and total in (None, task.pattern.target.sum())


def test_regularizers_are_those_of_the_config_in_any_order():
    task = read(["regularizer.l1=0.5", "--steps", "2", "regularizer=dropout", "regularizer.layers=hidden"])
    assert task.regularizer == Regularizer(0.5, 0.0, 0.2, "hidden") and task.steps == 2
    assert read(["--input", "-1,-.5"]).pattern.x.tolist() == [-1, -0.5]
