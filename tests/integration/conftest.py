from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file


def _demo_folder() -> Path:
    return Path(str(files("faa_core").joinpath("models", "demo")))


@pytest.fixture
def broken_demo(tmp_path: Path) -> Path:
    """The bundled model with one weight that is not a number."""
    folder = Path(shutil.copytree(_demo_folder(), tmp_path / "broken"))
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("layers.1.self_attn.q_proj.weight"))
    weights[name].view(-1)[0] = torch.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture
def giant_folder(tmp_path: Path) -> Path:
    """The bundled tokenizer and a configuration whose weights no machine holds."""
    folder = Path(shutil.copytree(_demo_folder(), tmp_path / "giant", ignore=shutil.ignore_patterns("*.safetensors")))
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_size": 1 << 20, "intermediate_size": 1 << 22, "vocab_size": 1 << 24}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
