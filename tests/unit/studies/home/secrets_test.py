"""No password or token is shown, whatever it is called and however it is spelled."""

import json
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from studies.cli import main
from studies.home import redact, without_secrets
from studies.home.secrets import passwords
from studies.records import Outcome, TrialEnd

SECRET = "canary'\\ö 31&=4"
LONG = 125_000
"""Letters of a text whose reading would take minutes if it took the square of their number."""


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.blob.core/c?sv=1&sig=abc%3D&se=2", "https://x.blob.core/c?sv=1&sig=***&se=2"),
        ("https://h/?X-Amz-Signature=a&X-Amz-Security-Token=b&user=c@d",
         "https://h/?X-Amz-Signature=***&X-Amz-Security-Token=***&user=c@d"),
        ("https://h/?api_key=a;access_token=b", "https://h/?api_key=***;access_token=***"),
        ("mysql://h/x?pass%77ord=q&b=1", "mysql://h/x?pass%77ord=***&b=1"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dabc", "mssql+pyodbc:///?odbc_connect=***"),
        ("https://h/cb#access_token=abc", "https://h/cb#access_token=***"),
        ("https://ghp_abc@github.com/x", "https://***@github.com/x"),
        ("postgresql://me:p@ss@[::1]:5/x", "postgresql://me:***@[::1]:5/x"),
        ("postgresql://me:pa/ss@h:5/x", "postgresql://me:***@h:5/x"),
        ("http://host:80/a@b", "http://host:80/a@b"),
        ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("sqlite:////home/a@b/optuna.db", "sqlite:////home/a@b/optuna.db"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_its_passwords_tokens_and_signatures(url: str, shown: str) -> None:
    assert redact(url) == shown
    assert redact(shown) == shown
    assert without_secrets(f"at {url} it failed") == f"at {shown} it failed"


def test_the_passwords_of_a_url_are_known_as_they_are_written_and_as_they_are() -> None:
    found = passwords("https://h/?token=a%2Fb&x=1")
    assert found == {"a%2Fb", "a/b"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('connection to "host=h password=abc user=x" failed',
         'connection to "host=h password=*** user=x" failed'),
        (r"password='a b\'c' port=1", "password=*** port=1"),
        ("PGPASSWORD=abc psql", "PGPASSWORD=*** psql"),
        ("AWS_SECRET_ACCESS_KEY=/bc/d+e", "AWS_SECRET_ACCESS_KEY=***"),
        ("AccountKey=abc==;EndpointSuffix=x", "AccountKey=***;EndpointSuffix=x"),
        ("> Authorization: Basic Zm9vOmJhcg==", "> Authorization: ***"),
        ("{'Authorization': 'Bearer abcd.efg', 'Host': 'h'}",
         "{'Authorization': '***', 'Host': 'h'}"),
        ('{"password": "a\\"b", "x": 1}', '{"password": "***", "x": 1}'),
        ("got: Bearer abcdefgh.ijk", "got: Bearer ***"),
        ("DB_PASS=abc REDIS_AUTH=def x", "DB_PASS=*** REDIS_AUTH=*** x"),
        ("{&quot;db_password&quot;: &quot;a b&quot;, 1}",
         "{&quot;db_password&quot;: &quot;***&quot;, 1}"),
        ("&#39;token&#39;: &#39;a&quot;b&#39; x", "&#39;token&#39;: &#39;***&#39; x"),
        ("password=&quot;a b&quot; x", "password=*** x"),
        ("psql --password abc -h x", "psql --password *** -h x"),
        ("x --db-passwd 'a b' c", "x --db-passwd *** c"),
        ("db_password: abc\nhost: h", "db_password: ***\nhost: h"),
        ("Password : \"a b\" c", "Password : *** c"),
    ],
)  # fmt: skip
def test_what_has_the_form_of_a_password_is_taken_out_of_a_text(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "token = tokenizer.encode(x)", "max_tokens=128, tokenizer=bert", "the key: 3",
        "study.yaml:3: data.tokens: must be > 0", "author=ada", "a basic understanding of it",
        "val/loss is nan after epoch 3", "keys=[1, 2]", "PWD=/home/ada", "two_pass=1, bypass=2",
        "&quot;loss&quot;: &quot;mse&quot;", "--pass 3",
    ],
)  # fmt: skip
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "part",
    [
        "a_", "a-", "a.", "a+", "a", "http", "://", "a://", "://a:b@", "a:b@c", "@", ":@", "?a",
        "a=", "password=", "password='", 'password="', "password='\\\n", 'password":',
        "password\":'", "password\":'\\", "&quot;password&quot;:&quot;", "password ", "--password ",
        "password: ", "secret_access_", "authorization", "authorization: ", "bearer ",
        "authorization: basic ", "'", "\\",
    ],
)  # fmt: skip
def test_a_text_of_any_kind_is_read_to_its_end(part: str) -> None:
    once = LONG // len(part)
    for text in (part * once, part * 100 + " " * LONG, part + "a" * LONG):
        assert without_secrets(text)


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "PGPASSWORD", "HF_TOKEN", "MY_SECRET", "OPENAI_API_KEY", "APIKEY2",
     "aws_secret_access_key", "SMTP_PASSWD", "SSH_PASSPHRASE", "TOKEN", "CREDENTIALS"],
)  # fmt: skip
def test_the_value_of_a_variable_that_looks_like_a_secret_is_taken_out(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "canary")
    assert without_secrets("a canary, canaries die") == "a ***, canaries die"


@pytest.mark.parametrize(
    ("name", "value"),
    [("DB_PASSWORD", "short"), ("KEYBOARD", "canary"), ("TOKENIZERS_PARALLELISM", "canary")],
)
def test_short_values_and_other_variables_are_none(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert without_secrets("short canary") == "short canary"


def test_folders_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_KEY", str(tmp_path))
    monkeypatch.setenv("PWD", str(tmp_path.parent))
    assert without_secrets(f"see {tmp_path}/x") == f"see {tmp_path}/x"


def test_a_secret_is_known_however_a_program_spells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    for spelled in (SECRET, repr(SECRET), json.dumps(SECRET), quote(SECRET), quote(SECRET, "")):
        shown = without_secrets(f"<{spelled}>")
        assert "31" not in shown and "***" in shown, spelled
    monkeypatch.setenv("MY_KEY", "canary-31")  # letters of one byte, as UTF-16
    assert "31" not in without_secrets("canary-31".encode("utf-16-le").decode("utf-8"))


def test_the_lines_of_a_long_secret_are_taken_out_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRIVATE_KEY", "--begin--\nabcdefgh\nijklmnop\n--end--")
    assert without_secrets("a log that begins late: ijklmnop\n--end--") == (
        "a log that begins late: ***\n***"
    )


def test_bytes_that_are_no_text_are_known_too(monkeypatch: pytest.MonkeyPatch) -> None:
    value = b"can\xe4ry31"
    monkeypatch.setenv("MY_TOKEN", value.decode("utf-8", "surrogateescape"))
    assert without_secrets(value.decode("utf-8", "replace")) == "***"


def test_no_end_of_a_trial_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says it: a worker, a program, a function, or the driver of one that crashed."""
    monkeypatch.setenv("MY_TOKEN", "canary31")
    end = TrialEnd(Outcome.error, "no canary31", traceback="Traceback canary31")
    assert (end.reason, end.traceback) == ("no ***", "Traceback ***")


def test_an_error_is_printed_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MY_TOKEN", "canary31")
    assert main(["check", str(tmp_path / "canary31.yaml"), "--home", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "***" in said.err and "canary31" not in said.out + said.err


def test_an_error_that_nobody_expected_is_printed_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from studies import cli

    def fails() -> int:
        raise RuntimeError("no canary31")

    monkeypatch.setenv("MY_TOKEN", "canary31")
    monkeypatch.setattr(cli, "main", fails)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(RuntimeError) as raised:
        cli.entry()
    sys.excepthook(raised.type, raised.value, raised.tb)
    assert "RuntimeError: no ***\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "text", "shown"),
    [
        ("DB_PASS", "hunter22", "is hunter22.", "is ***."),
        ("REDIS_AUTH", "hunter22", "is hunter22.", "is ***."),
        ("DATABASE_URL", "mysql://me:hunter22@h/x", "is hunter22.", "is ***."),
        ("MIRROR", "https://h/?access_token=hunter22", "is hunter22.", "is ***."),
        ("A_TOKEN", '<a"b\'c&>', "&lt;a&quot;b&#x27;c&amp;&gt;", "***"),
        ("A_TOKEN", '<a"b\'c&>', "&lt;a&#34;b&#39;c&amp;&gt;", "***"),
        ("A_TOKEN", '<a"b\'c&>', '&lt;a"b\'c&amp;&gt;', "***"),
        ("A_TOKEN", "123456", "123456, a-123456_b 123456.", "***, a-***_b ***."),
        ("A_TOKEN", "123456", "0.123456 1234567 123456.5 91234560", None),
        ("A_TOKEN", "12345678901", "3.12345678901 123456789012 x12345678901",
         "3.12345678901 123456789012 x***"),
        ("A_TOKEN", "sesame", "Xsesame sesames sesame2", None),
        ("A_TOKEN", "sesame", "sesame %3Dsesame \\nsesame \x1b[31msesame\x1b[0m (sesame)",
         "*** %3D*** \\n*** \x1b[31m***\x1b[0m (***)"),
        ("A_TOKEN", "sesamesesame", "xsesamesesames", "x***s"),
        ("A_TOKEN", "sesame1", "xsesame1s", "x***s"),
    ],
)  # fmt: skip
def test_values_of_variables_are_taken_out_where_they_stand_for_themselves(
    name: str, value: str, text: str, shown: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert without_secrets(text) == (text if shown is None else shown)
