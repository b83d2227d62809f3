"""What the libraries that quantize write: the names, shapes and types of the tensors of small checkpoints, and what their configs say.

Needs, besides the package, `pip install bitsandbytes compressed-tensors`; both work without a graphics card. The weights are random.
`python benchmarks/quantized_headers.py` writes benchmarks/results/quantized-headers.json, with which nbs/sizing/quantized.ipynb proves
that it reads such checkpoints. GPTQ and AWQ are not among them: their libraries do not install without a graphics card.
"""
import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch
from compressed_tensors.compressors import ModelCompressor
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config, preset_name_to_scheme
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

from slm_overview.files.weights import read_header, safetensors_files

RESULT = Path(__file__).parent / "results" / "quantized-headers.json"
CONFIG = dict(vocab_size=512, hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
BITS_AND_BYTES = {
    "bitsandbytes, 4 bits": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "bitsandbytes, 4 bits, double": {"load_in_4bit": True, "bnb_4bit_use_double_quant": True},
    "bitsandbytes, 4 bits in bfloat16": {"load_in_4bit": True, "bnb_4bit_quant_storage": torch.bfloat16},
    "bitsandbytes, 8 bits": {"load_in_8bit": True},
}
COMPRESSED = {"W4A16": "pack-quantized", "W8A8": "int-quantized", "FP8": "float-quantized", "NVFP4": "nvfp4-pack-quantized"}  # formats


def described(folder):
    "What a checkpoint says of itself"
    tensors = [tensor for file in safetensors_files(folder) for tensor in read_header(file).tensors]
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    return {"config": config, "tensors": {tensor.name: [tensor.dtype, list(tensor.shape)] for tensor in tensors}}


def bits_and_bytes(original, folder, options):
    "A checkpoint of bitsandbytes"
    settings = BitsAndBytesConfig(**options)
    AutoModelForCausalLM.from_pretrained(original, quantization_config=settings, device_map="cpu").save_pretrained(folder)
    return described(folder)


def compressed(original, folder, scheme, layout):
    "A checkpoint of compressed-tensors"
    model = LlamaForCausalLM.from_pretrained(original, dtype=torch.bfloat16)
    groups = {"group_0": preset_name_to_scheme(scheme, ["Linear"])}
    settings = QuantizationConfig(config_groups=groups, ignore=["lm_head"], format=layout, quantization_status="frozen")
    apply_quantization_config(model, settings)
    compressor = ModelCompressor.from_pretrained_model(model, quantization_format=layout)
    compressor.compress_model(model)
    model.save_pretrained(folder)
    compressor.update_config(folder)
    return described(folder)


def main():
    "Write all of them"
    found = {}
    with tempfile.TemporaryDirectory() as place:
        original = Path(place) / "original"
        LlamaForCausalLM(LlamaConfig(**CONFIG)).to(torch.bfloat16).save_pretrained(original)
        for number, (name, options) in enumerate(BITS_AND_BYTES.items()):
            found[name] = bits_and_bytes(original, Path(place) / f"b{number}", options)
        for scheme, layout in COMPRESSED.items():
            found[f"compressed-tensors, {scheme}"] = compressed(original, Path(place) / scheme, scheme, layout)
    versions = {name: version(name) for name in ("bitsandbytes", "compressed-tensors", "transformers", "torch")}
    RESULT.write_text(json.dumps({"versions": versions, "checkpoints": found}) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
