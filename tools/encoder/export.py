"""Writing a trained encoder as the bot or the knowledge base reads it: `python export.py FILE.pt`."""

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
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[2]
FOR_BOT, FOR_KNOWLEDGE = ROOT / "bot" / "encoder", ROOT / "knowledge" / "encoder"


class Vectors(torch.nn.Module):
    """The vectors alone, each of length 1."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`ids`, `mask`: (texts, tokens). Returns a row a text."""
        return functional.normalize(self.network(ids, mask)[0], dim=1)


def main() -> None:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    trained = torch.load(parser.parse_args().trained, weights_only=True)
    base = load_base()
    kept = chinese_pieces(base)
    # What knows no intents is the knowledge base's (retrieval.py); its heads were never used.
    intents, natures = trained.get("intents", [""]), trained.get("natures", [""])
    network = Network(base, kept, len(intents), len(natures))
    network.load_state_dict(trained["network"])
    network.eval()
    folder = FOR_BOT if "intents" in trained else FOR_KNOWLEDGE
    folder.mkdir(exist_ok=True)
    tokenizer_of(base, kept).save(str(folder / "tokenizer.json"), pretty=False)
    if folder == FOR_KNOWLEDGE:
        write_model(Vectors(network), ["vectors"], folder / "model.onnx")
        return
    write_model(network, ["vectors", "intents", "natures"], folder / "model.onnx")
    labels = {"intents": intents, "natures": natures, "padding": PADDING}
    (folder / "labels.json").write_text(json.dumps(labels, ensure_ascii=False, indent=1) + "\n", "utf-8")


def write_model(network: torch.nn.Module, outputs: list[str], path: Path) -> None:
    """The network as ONNX with 8-bit weights."""
    example = (torch.zeros(2, 16, dtype=torch.long), torch.ones(2, 16, dtype=torch.bool))
    names = {"input_names": ["ids", "mask"], "output_names": outputs}
    free = {name: {0: "texts", 1: "tokens"} for name in ("ids", "mask")}
    free |= {name: {0: "texts"} for name in outputs}
    path = path.absolute()
    # The preparation leaves files in the working folder.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        whole, prepared = Path(folder) / "whole.onnx", Path(folder) / "prepared.onnx"
        torch.onnx.export(network, example, str(whole), dynamic_axes=free, opset_version=17, dynamo=False, **names)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(str(prepared), str(path), per_channel=True, weight_type=QuantType.QInt8)


if __name__ == "__main__":
    main()
