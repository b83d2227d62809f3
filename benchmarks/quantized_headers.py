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
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BitsAndBytesConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    RobertaConfig,
)

from slm_overview.files.weights import read_header, safetensors_files

RESULT = Path(__file__).parent / "results" / "quantized-headers.json"
CONFIG = dict(vocab_size=512, hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
OTHERS = {
    "gpt2": GPT2Config(vocab_size=512, n_embd=256, n_layer=2, n_head=4, n_positions=128),
    "gpt_neox": GPTNeoXConfig(vocab_size=512, hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4),
    "mixtral": MixtralConfig(**CONFIG, num_local_experts=4),
    "roberta": RobertaConfig(vocab_size=512, hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4),
}  # types that the formulas of the package do not know, so that transformers is asked for them
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


def bits_and_bytes(original, folder, options, kind=AutoModelForCausalLM):
    "A checkpoint of bitsandbytes"
    settings = BitsAndBytesConfig(**options)
    kind.from_pretrained(original, quantization_config=settings, device_map="cpu").save_pretrained(folder)
    return described(folder)


def compressed(original, folder, scheme, layout, kind=AutoModelForCausalLM):
    "A checkpoint of compressed-tensors"
    model = kind.from_pretrained(original, dtype=torch.bfloat16)
    groups, head = {"group_0": preset_name_to_scheme(scheme, ["Linear"])}, model.get_output_embeddings()
    heads = [name for name, module in model.named_modules() if module is head]
    settings = QuantizationConfig(config_groups=groups, ignore=heads, format=layout, quantization_status="frozen")
    apply_quantization_config(model, settings)
    compressor = ModelCompressor.from_pretrained_model(model, quantization_format=layout)
    compressor.compress_model(model)
    model.save_pretrained(folder)
    compressor.update_config(folder)
    return described(folder)


def of_others(place):
    "Checkpoints of other types, by the type and the method"
    found = {}
    for name, config in OTHERS.items():
        kind, original = AutoModelForMaskedLM if name == "roberta" else AutoModelForCausalLM, place / name
        kind.from_config(config).to(torch.bfloat16).save_pretrained(original)
        AutoModel.from_config(config).to(torch.bfloat16).save_pretrained(place / f"{name}-bare")
        ways = {what: (bits_and_bytes, options) for what, options in BITS_AND_BYTES.items()}
        ways |= {f"compressed-tensors, {scheme}": (compressed, scheme, layout) for scheme, layout in COMPRESSED.items()}
        for number, (what, (make, *options)) in enumerate(ways.items()):
            said = make(original, place / f"{name}-{number}", *options, kind=kind)
            if "quantization_config" in said["config"]: found[f"{name}, {what}"] = said  # it does not know the layers of GPT-2
        found[f"{name} without a head, bitsandbytes, 4 bits"] = bits_and_bytes(
            place / f"{name}-bare", place / f"{name}-bare-4", BITS_AND_BYTES["bitsandbytes, 4 bits"], AutoModel
        )
    return found


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
        others = of_others(Path(place))
    versions = {name: version(name) for name in ("bitsandbytes", "compressed-tensors", "transformers", "torch")}
    RESULT.write_text(json.dumps({"versions": versions, "checkpoints": found, "others": others}) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
