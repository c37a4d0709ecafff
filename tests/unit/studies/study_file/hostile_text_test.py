"""Texts that are made to harm: each is refused in a line, whatever it holds."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.errors import UserError
from studies.cli import main
from studies.study_file import document, resolve
from studies.study_file.presets import FOLDER, preset_names

GOOD = "study: s\ndata: iris\nmodel: {name: mlp, hidden: [4]}\n"


def refusal(text: str) -> str:
    with pytest.raises(UserError) as caught:
        resolve(document.parse(text, "a.yaml"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("study: &a [*a]", "nested more than 50 deep, or holds itself"),
        ("study: &a {b: *a}", "nested more than 50 deep, or holds itself"),
        ("study: " + "[" * 10_000, "a.yaml:1: is nested more than 50 deep"),
        ("study: [" + "1," * 30_000 + "]", "holds more than 20,000 keys and values"),
        (
            "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
                f"{y}: &{y} [{', '.join([f'*{x}'] * 9)}]\n"
                for x, y in itertools.pairwise("abcdefgh")
            ),
            "holds more than 20,000 keys and values",
        ),
        ("a: &a " + "x" * 500_000 + "\nb: [" + "*a, " * 9 + "]", "longer than 1,000,000 char"),
        ("study: " + "1" * 5000, "study: is a number of 5,000 characters"),
        ("study: 0x" + "f" * 5000, "study: is a number of 5,002 characters"),
        ("study: !!int abc", "study: carries the tag !!int, and 'abc' is none"),
        ("study: !!int ''", "study: carries the tag !!int, and '' is none"),
        ("study: !!bool x", "study: carries the tag !!bool, and 'x' is none"),
        ("study: !foo:int 2", "study: carries a tag (!foo:int)"),
        ("study: !!binary aGk=", "study: carries a tag (tag:yaml.org,2002:binary)"),
        ("study: !!set {a}", "study: carries a tag (tag:yaml.org,2002:set)"),
        ("study: !!python/object:os.system [a]", "study: carries a tag"),
        ("study: !" + "a" * 2000 + " b", "a tag is longer than 1000 characters"),
        ('study: "\\ud800"', r"study: holds the character '\ud800'"),
        ('study: "a\\0b"', r"study: holds the character '\x00'"),
        ('study: "\\e[31m"', r"study: holds the character '\x1b'"),
        ('"\\e[31m": 1', r"the key holds the character '\x1b'"),
        ("study: a\0b", "is not YAML"),
        ('study: "\\UFFFFFFFF"', "is not YAML"),
        ("? [a, b]\n: 1", "a key must be a word"),
        ("a: 1\na: 2", "stands twice, in lines 1 and 2"),
        ("<<: {study: a}", "is no key of a study file"),
        ("--- {}\n--- {}", "found another document"),
        ("\tstudy: a", "is not YAML"),
        ("%YAML 9.9\n---\nstudy: a", "is not YAML"),
        ("", "is empty"),
    ],
)  # fmt: skip
def test_it_is_said_in_a_line(text: str, said: str) -> None:
    assert said in refusal(text)


def test_an_escape_sequence_in_a_message_is_spelled_out() -> None:
    assert "\x1b" not in refusal('"\\e[31m": 1')
    assert r"\x1b[31m" in refusal('"\\e[31m": 1')


def test_a_long_value_is_cut_in_messages() -> None:
    said = refusal(GOOD + "search: " + "x" * 100_000)
    assert "…" in said
    assert len(said) < 600


def test_a_long_key_is_cut_in_messages() -> None:
    said = refusal(GOOD + f'? "{"k" * 100_000}"\n: 1')
    assert "…" in said
    assert len(said) < 1000


def test_fifty_problems_are_listed_and_the_others_counted() -> None:
    lines = refusal(GOOD + "".join(f"key{at}: 1\n" for at in range(60))).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "a.yaml: and 10 more problems"


@pytest.mark.parametrize(
    "assignment",
    [
        "model.hidden.0.x=1", "model.hidden.²=1", "model.hidden." + "9" * 5000 + "=1", "0=1",
        "a=&a [*a]", "search.trials=" + "1" * 5000, "\udcff=1", "study=\udcff",
        ".".join("a" * 1000) + "=1",
        "study=!!int abc", "model.name.x.y=\udc97", "=", "." * 1000 + "=1", "study.x.y=1", "a\0b=1",
    ],
)  # fmt: skip
def test_a_hostile_override_is_refused(assignment: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve(document.parse(GOOD, "a.yaml"), [assignment])
    assert len(str(caught.value)) < 1500
    assert all(line.isprintable() for line in str(caught.value).splitlines())


def test_a_dictionary_that_holds_itself_is_refused() -> None:
    tree: dict[str, object] = {"study": "s"}
    tree["data"] = tree
    with pytest.raises(UserError, match="holds itself"):
        document.from_tree(tree)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({(1, 2): 3}, "has a key that is a tuple"),
        ({1: 2, "1": 3}, "1: stands twice"),
        ({"study": 10**5000}, "study: is an integer of more than 100 digits"),
        ({"study": "a\x1b"}, r"study: holds the character '\x1b'"),
        ({"study": {1, 2}}, "study: is a set, which a study cannot hold"),
    ],
)
def test_what_a_dictionary_may_not_hold_is_named(tree: dict[object, object], said: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve(document.from_tree(tree))  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_numbers_of_numpy_become_numbers_of_python() -> None:
    tree = document.from_tree({"a": np.float64(0.5), "b": np.str_("x")}).tree
    assert [type(value) for value in tree.values()] == [float, str]


@pytest.mark.parametrize("name", ["/dev/zero", "x" * 300, "a/" * 3000, "a\x1b[31m.yaml", "\udcff"])
def test_what_is_no_file_is_refused_by_the_command(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", name, "--home", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said and len(said.splitlines()) == 1


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(UserError, match="is a device or a pipe"):
        document.read(tmp_path / "a.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert resolve(document.read(tmp_path / "a.yaml")).study == "s"


PRESETS = [(FOLDER / f"{name}.yaml").read_bytes() for name in preset_names()]
PIECES = [
    b"&a ", b"*a", b"!!int ", b"!x ", b"[", b"]", b"{", b"}", b": ", b"- ", b"? ", b"|\n", b"'",
    b'"', b"<<: ", b"---\n", b"%YAML 1.1\n", b".inf", b".nan", b"0o7", b"1:30", b"1e999", b"\t",
    b"\\ud800", b"\0", b"\x1b", b"\xef\xbb\xbf", b"\xff", b"null", b"true", b"-1", b"9" * 20, b"\n",
    b"min: 1", b"max: 2", b"num: 3", b"values: ", b"~", b"''", b"{values: []}", b"#",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A preset with pieces of it replaced, left out, or written twice."""
    text = draw(st.sampled_from(PRESETS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        new = draw(st.sampled_from([*PIECES, text[start:end] * 2]) | st.binary(max_size=8))
        text = text[:start] + new + text[end:]
    return text


@settings(max_examples=60, deadline=None, derandomize=True)
@given(content=mutated() | st.binary(max_size=200))
def test_no_bytes_give_anything_but_a_study_or_a_refusal(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    file.write_bytes(content)
    try:
        resolve(document.read(file))
    except UserError as error:
        assert str(error)
        assert all(line.isprintable() for line in str(error).splitlines())
