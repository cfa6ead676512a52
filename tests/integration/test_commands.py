"""The commands as a user runs them: real processes, the real worker, the bundled model."""

import json
import math
import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
from rich.text import Text

TEXT = 'def add(a, b):\n    """Return the sum of a and b."""\n    return a + b\n' * 4


@pytest.fixture(scope="module")
def demo_json() -> dict:
    command = [sys.executable, "-m", "faa_tui", "analyze", "demo", "--json", "--text", TEXT]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=240)
    return json.loads(done.stdout)


def test_json_has_the_public_shape(demo_json: dict) -> None:
    assert demo_json["model"] == "demo"
    assert {"revision", "device", "dtype", "versions", "tokens", "layers", "heads_per_layer"} <= demo_json.keys()
    assert demo_json["device"] == "cpu"
    assert demo_json["dtype"] == "float32"
    assert {"faa", "torch", "transformers", "numpy", "python"} <= demo_json["versions"].keys()
    assert len(demo_json["heads"]) == demo_json["layers"] * demo_json["heads_per_layer"] == 32
    assert [kind["pattern"] for kind in demo_json["attention_kinds"]] == ["causal"] * demo_json["layers"]
    assert {(head["layer"], head["head"]) for head in demo_json["heads"]} == {
        (i, j) for i in range(4) for j in range(8)
    }
    for head in demo_json["heads"]:
        assert head["kind"] == "decoder"
        assert isinstance(head["label"], str)
        assert {"value", "se", "null", "delta", "status", "sizes", "counts"} <= head["D0"].keys()
        assert len(head["D0"]["sizes"]) == len(head["D0"]["counts"])


def test_json_statistics_agree_with_each_other_and_with_their_definitions(demo_json: dict) -> None:
    n = len(demo_json["tokens"])
    for head in demo_json["heads"]:
        entropy = head["entropy"]
        assert entropy["null"] == pytest.approx(sum(math.log(i) for i in range(1, n + 1)) / n, abs=1e-6)
        assert entropy["excess"] == pytest.approx(entropy["value"] - entropy["null"])
        assert 0 <= entropy["value"] <= math.log(n)
        assert head["effective_keys"]["value"] == pytest.approx(math.exp(entropy["value"]), rel=1e-6)
        assert head["normalised_entropy"]["null"] == pytest.approx(1)
        flows = sum(head[name]["value"] for name in ("forward_flow", "backward_flow", "self_attention"))
        assert flows == pytest.approx(1, abs=1e-5)
        assert head["forward_flow"]["value"] == 0
        # A causal mask hides the key after the query's own: undefined, and it says so.
        assert head["next_token"]["value"] is None
        assert head["next_token"]["status"] == "no_rows"


def test_the_bundled_model_shows_its_circuits(demo_json: dict) -> None:
    assert max(head["previous_token"]["value"] for head in demo_json["heads"]) > 0.9
    assert {"previous token", "induction"} <= {head["label"] for head in demo_json["heads"]}


def test_json_goes_to_stdout_alone_and_a_table_is_printed_without_it(faa) -> None:
    table = faa("analyze", "demo", "--text", TEXT)
    assert table.returncode == 0
    assert "delta" in table.stdout
    assert "previous token" in table.stdout
    assert table.stderr == ""


def test_one_head_is_picked_by_layer_and_head(faa) -> None:
    done = faa("analyze", "demo", "--text", TEXT, "--layer", "-1", "--head", "2", "--json")
    heads = json.loads(done.stdout)["heads"]
    assert [(head["layer"], head["head"]) for head in heads] == [(3, 2)]


def test_text_comes_from_a_file_or_a_pipe_alike(faa, tmp_path) -> None:
    (tmp_path / "note.txt").write_text(TEXT)
    outputs = [
        json.loads(faa("analyze", "demo", "--json", "--layer", "0", *more, stdin=stdin).stdout)
        for more, stdin in (
            (("--file", tmp_path / "note.txt"), ""),
            (("--file", "-"), TEXT),
            ((), TEXT),
            (("--text", TEXT), "not this"),
        )
    ]
    assert all(output["heads"] == outputs[0]["heads"] for output in outputs)


def test_trained_and_untrained_are_told_apart(faa, demo_json: dict) -> None:
    untrained = json.loads(faa("analyze", "demo@init", "--json", "--text", TEXT).stdout)
    assert untrained["revision"] != demo_json["revision"]
    assert max(head["previous_token"]["value"] for head in untrained["heads"]) < 0.5


@pytest.mark.parametrize("text", ["def add(a, b):\n    return a + b\n", TEXT])
def test_show_prints_the_map_within_the_width(faa, text) -> None:
    done = faa("show", "demo", "--map", "1.0", "--text", text, env={"COLUMNS": "100"})
    assert done.returncode == 0
    assert "layer 1 head 0" in done.stdout
    # A short text has a line for each token; a long one has ticks, and says how many weights a cell stands for.
    assert ("return" if text != TEXT else "largest of") in done.stdout
    assert all(Text.from_ansi(line).cell_len <= 100 for line in done.stdout.splitlines())


def test_show_colours_for_a_terminal(faa) -> None:
    done = faa("show", "demo", "--map", "1.0", "--text", TEXT, env={"FORCE_COLOR": "1", "COLORTERM": "truecolor"})
    assert "\x1b[" in done.stdout


def test_attention_of_another_tool_is_analysed(faa, tmp_path) -> None:
    heads = np.tril(np.ones((2, 64, 64))) / np.arange(1, 65)[:, None]
    np.save(tmp_path / "even.npy", heads)
    done = faa("analyze", tmp_path / "even.npy", "--json")
    output = json.loads(done.stdout)
    assert [head["D0"]["status"] for head in output["heads"]] == ["empty", "empty"]
    for head in output["heads"]:
        assert head["normalised_entropy"]["value"] == pytest.approx(1)
        assert head["induction"]["status"] == "not_measured"


def test_doctor_finds_all_well(faa) -> None:
    done = faa("doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["checks"]
    assert all(check["passed"] for check in found["checks"])
    assert found["memory"]["host_total"] > 0


def test_help_and_version(faa) -> None:
    assert "analyze" in faa("--help").stdout
    assert faa("--version").stdout.startswith("faa ")
    for command in ("analyze", "show", "doctor"):
        assert faa(command, "--help").returncode == 0


def test_the_application_refuses_to_start_without_a_terminal(faa) -> None:
    done = faa()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    assert "faa analyze" in done.stderr


# --- what goes wrong -----------------------------------------------------------------------------------------------


def refused(done: subprocess.CompletedProcess, code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("faa: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) >= 2, "an error says what to do next"
    for word in words:
        assert word in done.stderr


def test_a_folder_that_does_not_exist(faa) -> None:
    refused(faa("analyze", "./nowhere", "--text", TEXT), 1, "nowhere")


def test_a_hub_model_without_network(faa) -> None:
    env = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}
    refused(faa("analyze", "nobody/nothing", "--text", TEXT, env=env), 3, "nobody/nothing")


def test_a_machine_that_cannot_be_reached(faa) -> None:
    refused(faa("analyze", "no-such-machine.invalid:gpt2", "--text", TEXT), 3, "no-such-machine.invalid")


def test_an_empty_text(faa) -> None:
    refused(faa("analyze", "demo", "--text", "  \n "), 2, "empty")


def test_no_text_at_all(faa, tmp_path) -> None:
    refused(faa("analyze", "nobody/nothing"), 2, "--text")


def test_a_text_file_that_is_not_there_or_not_text(faa, tmp_path) -> None:
    refused(faa("analyze", "demo", "--file", tmp_path / "none.txt"), 2, "none.txt")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    refused(faa("analyze", "demo", "--file", tmp_path / "image.png"), 2, "UTF-8")


def test_a_text_longer_than_the_context_is_never_cut_silently(faa) -> None:
    long = "value = compute(value)\n" * 2000
    done = faa("analyze", "demo", "--text", long)
    refused(done, 2, "tokens", "--truncate")
    cut = json.loads(faa("analyze", "demo", "--text", long, "--truncate", "--json", "--layer", "0").stdout)
    assert cut["truncated_from"] > len(cut["tokens"])


def test_one_token(faa) -> None:
    output = json.loads(faa("analyze", "demo", "--text", "a", "--json").stdout)
    assert {head["D0"]["status"] for head in output["heads"]} <= {"too_few_scales", "empty", "degenerate"}
    assert all(head["D0"]["value"] is None or head["D0"]["status"] == "degenerate" for head in output["heads"])


def test_hostile_text_is_shown_harmlessly(faa) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J[bold]x[/bold] [link=http://x]\u202eabc\u200b \x00\r\n" * 3
    for command in (("show", "demo", "--map", "0.0"), ("analyze", "demo")):
        done = faa(*command, "--file", "-", stdin=hostile)
        assert done.returncode == 0, done.stderr
        assert not any(c in done.stdout for c in "\x1b\x07\x00\u202e\u200b")
    output = json.loads(faa("analyze", "demo", "--file", "-", "--json", "--layer", "0", stdin=hostile).stdout)
    assert "".join(output["tokens"]).endswith(hostile[-5:])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("analyze", "demo", "--layer", "4"), "0 to 3"),
        (("analyze", "demo", "--layer", "-5"), "-4 to -1"),
        (("analyze", "demo", "--head", "8"), "0 to 7"),
        (("show", "demo", "--map", "9.0"), "0 to 3"),
        (("show", "demo", "--map", "0.9"), "0 to 7"),
        (("show", "demo", "--map", "x0.0"), "cross"),
        (("show", "demo", "--map", "zero"), "1.5"),
    ],
)
def test_a_layer_or_head_out_of_range(faa, arguments, words) -> None:
    refused(faa(*arguments, "--text", TEXT), 2, words)


def test_weights_that_are_not_numbers_are_said_to_be(faa, broken_demo) -> None:
    done = faa("analyze", broken_demo, "--text", TEXT, "--json")
    said = done.stderr + "".join(json.loads(done.stdout)["notes"] if done.stdout else "")
    assert "NaN" in said or "not finite" in said or "non-finite" in said
    if done.stdout:
        assert any(head["entropy"]["status"] == "non_finite" for head in json.loads(done.stdout)["heads"])


def test_a_model_too_large_for_the_machine(faa, giant_folder) -> None:
    refused(faa("analyze", f"{giant_folder}@init", "--text", TEXT), 3, "does not fit", "GiB", "free", "giant")


def test_a_broken_pipe_is_quiet(tmp_path) -> None:
    command = f"{sys.executable} -m faa_tui analyze demo --json --text x | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout == "{"
    assert done.stderr == ""


def test_interrupt_ends_the_command_and_its_worker(tmp_path) -> None:
    pipe = tmp_path / "text"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "faa_tui", "analyze", "demo", "--file", str(pipe), "--verbose"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    # The command reads its text first; it has no worker yet and must still end at once. It is there when this returns.
    with pipe.open("w"):
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode in {130, -signal.SIGINT}, said
    assert not [child for child in psutil.Process().children(recursive=True) if child.pid == process.pid]


def test_output_survives_a_terminal_without_unicode(faa) -> None:
    done = faa("analyze", "demo", "--text", TEXT, env={"PYTHONIOENCODING": "ascii:backslashreplace"})
    assert done.returncode == 0
