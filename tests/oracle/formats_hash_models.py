#!/usr/bin/env python3
"""SHA-256 of every tensor of the models in SHARED/models, as float32 row-major bytes, read by PyTorch and safetensors.

    python tests/oracle/formats_hash_models.py SHARED

writes tests/golden/formats/models.json.
"""

import hashlib
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "formats" / "models.json"


def main():
    result = {}
    for folder in sorted((pathlib.Path(sys.argv[1]) / "models").iterdir()):
        if not (folder / "config.json").is_file():
            continue
        if (folder / "model.safetensors").is_file():
            state = load_file(folder / "model.safetensors")
        else:
            state = torch.load(folder / "pytorch_model.bin", weights_only=True)
        result[folder.name] = {
            name: {"shape": list(t.shape),
                   "sha256": hashlib.sha256(t.float().contiguous().numpy().tobytes()).hexdigest()}
            for name, t in sorted(state.items())
        }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
