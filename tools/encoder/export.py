"""Writing the trained encoder as the bot reads it: `python export.py FILE.pt`."""

import argparse
import contextlib
import json
import tempfile
from pathlib import Path

import torch
from base import PADDING, chinese_pieces, load_base, tokenizer_of
from network import Network
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

FOLDER = Path(__file__).resolve().parents[2] / "bot" / "encoder"


def main() -> None:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    trained = torch.load(arguments.trained, weights_only=True)
    base = load_base()
    kept = chinese_pieces(base)
    network = Network(base, kept, len(trained["intents"]), len(trained["natures"]))
    network.load_state_dict(trained["network"])
    network.eval()
    arguments.folder.mkdir(exist_ok=True)
    write_model(network, arguments.folder / "model.onnx")
    tokenizer_of(base, kept).save(str(arguments.folder / "tokenizer.json"), pretty=False)
    labels = {"intents": trained["intents"], "natures": trained["natures"], "padding": PADDING}
    (arguments.folder / "labels.json").write_text(json.dumps(labels, ensure_ascii=False, indent=1) + "\n", "utf-8")


def write_model(network: Network, path: Path) -> None:
    """The network as ONNX with 8-bit weights."""
    example = (torch.zeros(2, 16, dtype=torch.long), torch.ones(2, 16, dtype=torch.bool))
    names = {"input_names": ["ids", "mask"], "output_names": ["vectors", "intents", "natures"]}
    free = {name: {0: "texts", 1: "tokens"} for name in ("ids", "mask")}
    free |= {name: {0: "texts"} for name in ("vectors", "intents", "natures")}
    path = path.absolute()
    # The preparation leaves files in the working folder.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        whole, prepared = Path(folder) / "whole.onnx", Path(folder) / "prepared.onnx"
        torch.onnx.export(network, example, str(whole), dynamic_axes=free, opset_version=17, dynamo=False, **names)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(str(prepared), str(path), per_channel=True, weight_type=QuantType.QInt8)


if __name__ == "__main__":
    main()
