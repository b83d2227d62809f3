"""What llama.cpp puts into GGUF files: the type of each tensor, for every model of the catalogue and for altered, smaller ones.

Run with `python benchmarks/gguf_types.py --llama-cpp TREE`, where TREE is the source of llama.cpp with build/bin/llama-quantize
built in it; with `--save` the result goes to benchmarks/results/gguf_types.json. The catalogue's models are converted from
checkpoints without weights (files of zeros that take no room) and quantized with `--dry-run`; the altered ones are quantized in full.
With `--headers`, what the converter writes into the headers of the catalogue's models is kept in benchmarks/results/gguf_headers.json,
and nothing else is done.
"""
import argparse
import collections
import datetime
import hashlib
import json
import logging
import math
import re
import subprocess
import sys
import tempfile
from copy import deepcopy
from pathlib import Path

from tqdm import tqdm

CONVERTED = ("F32", "F16", "BF16")  # made by the converter; the others by llama-quantize, from F16
QUANTIZED = (
    "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "IQ4_NL",
    "IQ4_XS",
)
LINE = re.compile(r"\[ *\d+/ *\d+\] (\S+) +- \[([\d, ]+)\], type = +(\w+), size = +[\d.]+ MiB(?: -> +[\d.]+ MiB \((\w+)\))?")
HUB_NAMES = {"MptForCausalLM": "MPTForCausalLM"}  # classes that checkpoints name otherwise than transformers does
FALCON = {
    "model_type": "falcon", "vocab_size": 320, "hidden_size": 256, "num_hidden_layers": 17, "num_attention_heads": 4,
    "num_kv_heads": 1, "multi_query": True, "new_decoder_architecture": False, "parallel_attn": True, "alibi": False, "bias": False,
    "tie_word_embeddings": False,
}
LLAMA_3_ROPE = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192,
}
# altered models: name -> (slug of the catalogue or a config, what is changed); `text_config.` reaches into the part
ALTERED = {
    "bert, 8 layers": ("bge-small-en-v1.5", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 1024, "num_attention_heads": 4,
    }),
    "bert, width 96": ("bert-tiny", {"num_hidden_layers": 9, "vocab_size": 300, "hidden_size": 96, "intermediate_size": 384}),
    "bert, width 72": ("bert-tiny", {"num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 72, "intermediate_size": 256}),
    "distilbert, 9 layers": ("distilbert", {"n_layers": 9, "vocab_size": 300, "dim": 192, "hidden_dim": 768}),
    "modernbert, 10 layers": ("modernbert-base", {
        "num_hidden_layers": 10, "vocab_size": 300, "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 320,
    }),
    "llama, 8 layers": ("tinyllama", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 512, "intermediate_size": 768, "num_attention_heads": 8,
        "num_key_value_heads": 2,
    }),
    "llama, width 288": ("smollm2-135m", {
        "num_hidden_layers": 11, "vocab_size": 300, "hidden_size": 288, "intermediate_size": 512, "num_attention_heads": 9,
        "num_key_value_heads": 3,
    }),
    "llama, width 200": ("smollm2-135m", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 200, "intermediate_size": 544, "num_attention_heads": 5,
        "num_key_value_heads": 1,
    }),
    "llama, biases": ("tinyllama", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4,
        "num_key_value_heads": 4, "attention_bias": True, "mlp_bias": True,
    }),
    "llama, 80 layers": ("tinyllama", {
        "num_hidden_layers": 80, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 256, "num_attention_heads": 8,
        "num_key_value_heads": 2,
    }),
    "llama, 80 layers, heads not shared": ("tinyllama", {
        "num_hidden_layers": 80, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 256, "num_attention_heads": 8,
        "num_key_value_heads": 8,
    }),
    "llama 3, 16 layers": ("llama-3.2-1b", {
        "num_hidden_layers": 16, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4,
        "num_key_value_heads": 1,
    }),
    "llama 3, rope_parameters": ("llama-3.2-3b", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4,
        "num_key_value_heads": 1, "head_dim": 48, "rope_scaling": None, "rope_parameters": LLAMA_3_ROPE,
    }),
    "mistral, 80 layers": ("mistral-7b", {
        "num_hidden_layers": 80, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 256, "num_attention_heads": 8,
        "num_key_value_heads": 4,
    }),
    "mistral, 9 layers": ("mistral-7b", {
        "num_hidden_layers": 9, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 480, "num_attention_heads": 4,
        "num_key_value_heads": 1,
    }),
    "smollm3, 12 layers": ("smollm3-3b", {
        "num_hidden_layers": 12, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4,
        "num_key_value_heads": 1,
    }),
    "qwen2, 80 layers": ("qwen2.5-0.5b", {
        "num_hidden_layers": 80, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 288, "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }),
    "qwen2, output of its own": ("qwen2.5-0.5b", {
        "num_hidden_layers": 10, "vocab_size": 300, "hidden_size": 224, "intermediate_size": 512, "num_attention_heads": 7,
        "num_key_value_heads": 1, "tie_word_embeddings": False,
    }),
    "qwen3, 8 layers": ("qwen3-0.6b", {"num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 320}),
    "gemma, 8 layers": ("gemma-2b", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 2,
    }),
    "gemma, output of its own": ("gemma-2b", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 224, "intermediate_size": 512, "num_attention_heads": 2,
        "tie_word_embeddings": False,
    }),
    "gemma 3, 13 layers": ("gemma-3-270m", {
        "num_hidden_layers": 13, "vocab_size": 300, "hidden_size": 320, "intermediate_size": 512, "num_attention_heads": 2,
        "head_dim": 128,
    }),
    "embeddinggemma, 8 layers": ("embeddinggemma-300m", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 384, "num_attention_heads": 2,
    }),
    "olmo 2, 8 layers": ("olmo-2-1b", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 480, "num_attention_heads": 4,
        "num_key_value_heads": 4,
    }),
    "stablelm, 8 layers": ("stablelm-3b", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 320, "intermediate_size": 512, "num_attention_heads": 4,
        "num_key_value_heads": 4,
    }),
    "phi 2, 8 layers": ("phi-2", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 320, "intermediate_size": 1280, "num_attention_heads": 4,
        "num_key_value_heads": 4,
    }),
    "phi 2, heads shared": ("phi-2", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 1024, "num_attention_heads": 8,
        "num_key_value_heads": 2,
    }),
    "phi 3, 9 layers": ("phi-3.5-mini", {
        "num_hidden_layers": 9, "vocab_size": 300, "hidden_size": 288, "intermediate_size": 512, "num_attention_heads": 3,
        "num_key_value_heads": 3, "pad_token_id": 0,
    }),
    "phi 4, 8 layers": ("phi-4-mini", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 512, "intermediate_size": 768, "num_attention_heads": 4,
        "num_key_value_heads": 2, "pad_token_id": 0, "eos_token_id": 0, "bos_token_id": 0,
    }),
    "mpt, 8 layers": ("mpt-7b", {"n_layers": 8, "vocab_size": 300, "d_model": 256, "n_heads": 4}),
    "falcon, 17 layers": (FALCON, {}),
    "falcon, output shared": (FALCON, {"tie_word_embeddings": True, "hidden_size": 288, "num_hidden_layers": 9}),
    "t5, 12 layers": ("flan-t5-small", {
        "num_layers": 12, "num_decoder_layers": 12, "vocab_size": 300, "d_model": 256, "d_ff": 512, "d_kv": 64, "num_heads": 4,
    }),
    "t5, shared output, 9 and 8 layers": ("flan-t5-small", {
        "num_layers": 9, "num_decoder_layers": 8, "vocab_size": 300, "d_model": 160, "d_ff": 512, "d_kv": 64, "num_heads": 6,
        "feed_forward_proj": "relu", "tie_word_embeddings": True,
    }),
    "lfm2, 16 layers": ("lfm2-1.2b", {
        "vocab_size": 300, "hidden_size": 256, "intermediate_size": 512, "block_ff_dim": 512, "block_multiple_of": 64,
        "num_attention_heads": 4, "num_key_value_heads": 1,
    }),
    "granite 4, 64 experts": ("granite-4.0-h-tiny", {
        "vocab_size": 300, "hidden_size": 256, "intermediate_size": 64, "shared_intermediate_size": 128, "num_attention_heads": 4,
        "num_key_value_heads": 1, "mamba_n_heads": 16, "mamba_d_head": 32, "mamba_d_state": 32,
    }),
    "granite 4, 8 experts": ("granite-4.0-h-tiny", {
        "vocab_size": 300, "hidden_size": 256, "intermediate_size": 256, "shared_intermediate_size": 512, "num_attention_heads": 4,
        "num_key_value_heads": 4, "mamba_n_heads": 16, "mamba_d_head": 32, "mamba_d_state": 32, "mamba_n_groups": 2,
        "num_local_experts": 8,
    }),
    "granite 4, no experts": ("granite-4.0-h-tiny", {
        "vocab_size": 300, "hidden_size": 256, "intermediate_size": 256, "shared_intermediate_size": 512, "num_attention_heads": 4,
        "num_key_value_heads": 1, "mamba_n_heads": 16, "mamba_d_head": 32, "mamba_d_state": 32, "num_local_experts": 0,
        "num_experts_per_tok": 0,
    }),
    "qwen3.5, 12 layers": ("qwen3.5-0.8b", {
        "text_config.num_hidden_layers": 12, "text_config.layer_types": None, "text_config.vocab_size": 300,
        "text_config.hidden_size": 256, "text_config.intermediate_size": 480, "text_config.num_attention_heads": 4,
        "text_config.num_key_value_heads": 1, "text_config.head_dim": 64, "text_config.linear_num_key_heads": 4,
        "text_config.linear_num_value_heads": 8, "text_config.linear_key_head_dim": 32, "text_config.linear_value_head_dim": 32,
    }),
    "qwen3.5, text only": ("qwen3.5-0.8b/text_config", {
        "num_hidden_layers": 9, "layer_types": None, "vocab_size": 300, "hidden_size": 320, "intermediate_size": 512,
        "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 64, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
        "linear_key_head_dim": 32, "linear_value_head_dim": 32, "tie_word_embeddings": False,
    }),
    "gemma 4, 10 layers": ("gemma-4-e2b", {
        "text_config.num_hidden_layers": 10, "text_config.num_kv_shared_layers": 4, "text_config.vocab_size": 300,
        "text_config.vocab_size_per_layer_input": 300, "text_config.hidden_size": 288, "text_config.hidden_size_per_layer_input": 64,
        "text_config.intermediate_size": 512, "text_config.num_attention_heads": 4,
    }),
    "gemma 4, text only": ("gemma-4-e2b/text_config", {
        "num_hidden_layers": 15, "num_kv_shared_layers": 5, "vocab_size": 300, "vocab_size_per_layer_input": 300, "hidden_size": 256,
        "hidden_size_per_layer_input": 32, "intermediate_size": 480, "num_attention_heads": 4,
    }),
    "ministral 3, text only": ("ministral-3-3b/text_config", {
        "num_hidden_layers": 8, "vocab_size": 300, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4,
        "num_key_value_heads": 2, "tie_word_embeddings": False,
    }),
    "ministral 3, 9 layers": ("ministral-3-3b", {
        "text_config.num_hidden_layers": 9, "text_config.vocab_size": 300, "text_config.hidden_size": 256,
        "text_config.intermediate_size": 480, "text_config.num_attention_heads": 4, "text_config.num_key_value_heads": 1,
    }),
}


def altered(name, catalog):
    "The config of an altered model"
    base, changes = ALTERED[name]
    if isinstance(base, str):
        slug, _, part = base.partition("/")
        base = catalog[slug].config
        if part: base = base[part]
    config = deepcopy(base)
    for key, value in changes.items():
        place = config
        *folders, last = key.split(".")
        for folder in folders: place = place[folder]
        if value is None: place.pop(last, None)
        else: place[last] = value
    return trimmed(config)


def trimmed(config):
    "A config in which what is listed for each layer or each frequency fits the changed number of layers and width of a head"
    text = config.get("text_config", config)
    text["pad_token_id"] = 0
    layers = text.get("num_hidden_layers")
    if text.get("layer_types") and layers: text["layer_types"] = text["layer_types"][:layers]
    scaling = text.get("rope_scaling") or {}
    if "long_factor" in scaling:
        rotated = int(text.get("partial_rotary_factor", 1) * (text["hidden_size"] // text["num_attention_heads"])) // 2
        for key in ("long_factor", "short_factor"): scaling[key] = scaling[key][:rotated]
    return config


def checkpoint(config, kind):
    "The class of a model, and the names and shapes that transformers writes for it"
    import torch
    from transformers import CONFIG_MAPPING, AutoModel, AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForSeq2SeqLM
    from transformers.core_model_loading import revert_weight_conversion

    built = CONFIG_MAPPING[config["model_type"]](**{key: value for key, value in config.items() if key != "model_type"})
    auto = {"encoder-only": AutoModel, "encoder-decoder": AutoModelForSeq2SeqLM}.get(kind, AutoModelForCausalLM)
    if "vision_config" in config: auto = AutoModelForImageTextToText
    with torch.device("meta"): model = auto.from_config(built)
    model.tie_weights()
    shared = {name for name, _ in model.named_parameters(remove_duplicate=False)} - {name for name, _ in model.named_parameters()}
    state = {name: tensor for name, tensor in model.state_dict().items() if name not in shared}
    state = revert_weight_conversion(model, state)
    if config["model_type"] == "t5" and config.get("tie_word_embeddings") is False:  # transformers 5 shares it whatever the config says
        state["lm_head.weight"] = state["shared.weight"]
    return HUB_NAMES.get(type(model).__name__, type(model).__name__), built, {name: tuple(tensor.shape) for name, tensor in state.items()}


def write_checkpoint(folder, config, kind):
    "A checkpoint of zeros, as a file that takes no room on the disk"
    architecture, built, shapes = checkpoint(config, kind)
    entries, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * math.prod(shape)
        entries[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [start, end]}
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + end)
    plain = {**built.to_dict(), **config, "architectures": [architecture]}
    if config["model_type"] == "modernbert": plain.setdefault("layer_norm_eps", plain["norm_eps"])  # published configs have both
    (folder / "config.json").write_text(json.dumps(plain))
    vocabulary = {str(number): number for number in range(config.get("text_config", config)["vocab_size"])}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}, "added_tokens": []}))
    return architecture


def convert(folder, architecture, file_type, target, whole):
    "Convert a checkpoint as convert_hf_to_gguf.py does, but without a vocabulary, and without data unless `whole`"
    import gguf
    import torch
    from conversion import ModelType, get_model_architecture, get_model_class
    from conversion.base import ModelBase

    hparams = ModelBase.load_hparams(folder, False)
    kind = get_model_class(get_model_architecture(hparams, ModelType.TEXT))
    kind.set_vocab = lambda self: None
    if kind.supports_mtp_export: kind.no_mtp = True
    value = {"F32": "ALL_F32", "F16": "MOSTLY_F16", "BF16": "MOSTLY_BF16"}[file_type]
    with torch.inference_mode():
        model = kind(folder, gguf.LlamaFileType[value], target)
        model = getattr(model, "impl", model)
        type(model).set_vocab = lambda self: None
        if whole: model.write()
        else: write_empty(model, target)


def write_empty(model, target):
    "The header of a converted file, and as much empty room as its data would take"
    model.prepare_tensors()
    model.prepare_metadata(vocab_only=False)
    writer = model.gguf_writer
    writer.write_header_to_file(path=target)
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    padded = sum(-(-info.nbytes // 32) * 32 for part in writer.tensors for info in part.values())
    size = target.stat().st_size
    with open(target, "r+b") as file: file.truncate(-(-size // 32) * 32 + padded)


def in_file(path):
    "The tensors of a GGUF file: name -> (type, shape, bytes); outer dimensions of 1 are dropped, as llama-quantize does"
    from slm_overview.arithmetic.gguf_types import inner_shape
    from slm_overview.files.weights import read_header
    return {tensor.name: (tensor.dtype, inner_shape(tensor.shape), tensor.nbytes) for tensor in read_header(path).tensors}


def planned(quantize, path, file_type):
    "The tensors that llama-quantize plans, told by `--dry-run`"
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
    done = subprocess.run([quantize, "--dry-run", str(path), file_type], capture_output=True, text=True, check=True)
    before, found = in_file(path), {}
    for name, _, old, new in LINE.findall(done.stdout + done.stderr):
        kind, shape = (new or old).upper(), before[name][1]
        block, size = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
        found[name] = (kind, shape, math.prod(shape) // block * size)
    if found.keys() != before.keys(): raise ValueError(f"llama-quantize told of {len(found)} tensors, and there are {len(before)}")
    return found


def quantized(quantize, path, file_type):
    "The tensors of a file that llama-quantize really writes"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "quantized.gguf"
        subprocess.run([quantize, str(path), str(target), file_type], capture_output=True, text=True, check=True)
        return in_file(target)


def digest(found):
    "Sixteen letters that stand for all names, types, shapes and bytes"
    lines = sorted(f"{name} {kind} {'x'.join(map(str, shape))} {size}" for name, (kind, shape, size) in found.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def summary(found):
    "What is stored of a file: the digest, and the bytes"
    return [digest(found), sum(size for _, _, size in found.values())]


def in_short(found):
    "The types and shapes of a file, for people: name with # for the layer -> the layers that have each type and shape"
    short = collections.defaultdict(lambda: collections.defaultdict(list))
    for name, (kind, shape, _) in found.items():
        layer = re.search(r"blk\.(\d+)", name)
        short[re.sub(r"blk\.\d+", "blk.#", name)][f"{kind} {'x'.join(map(str, shape))}"].append(int(layer[1]) if layer else -1)
    return {
        name: {what: ",".join(str(layer) for layer in sorted(layers) if layer >= 0) for what, layers in kinds.items()}
        for name, kinds in short.items()
    }


def observe(quantize, config, kind, whole):
    "All file types of one model; `whole` quantizes real files instead of asking for the plan"
    with tempfile.TemporaryDirectory() as name:
        folder, files = Path(name), {}
        architecture = write_checkpoint(folder, config, kind)
        for file_type in CONVERTED:
            convert(folder, architecture, file_type, folder / f"{file_type}.gguf", whole)
            files[file_type] = in_file(folder / f"{file_type}.gguf")
        for file_type in QUANTIZED: files[file_type] = (quantized if whole else planned)(quantize, folder / "F16.gguf", file_type)
        for source in ("F32", "BF16") if whole else ():
            files[f"Q4_K_M from {source}"] = quantized(quantize, folder / f"{source}.gguf", "Q4_K_M")
    stored = {kind: summary(found) for kind, found in files.items()}
    return {"class": architecture, **({"Q4_K_M": in_short(files["Q4_K_M"])} if whole else {}), "files": stored}


def observe_all(quantize, words):
    "Every case, and what cannot be converted with the reason"
    from slm_overview.catalog.models import Catalog
    catalog, cases, refused = Catalog.load(), {}, {}
    todo = [(model.slug, model.config, model.kind, False) for model in catalog]
    for name in ALTERED:
        base = ALTERED[name][0]
        todo.append((name, altered(name, catalog), catalog[base.partition("/")[0]].kind if isinstance(base, str) else "decoder-only", True))
    for name, config, kind, whole in tqdm([one for one in todo if not words or any(word in one[0] for word in words)]):
        try: found = observe(quantize, config, kind, whole)
        except (NotImplementedError, ValueError, KeyError) as error: refused[name] = f"{type(error).__name__}: {error}"[:200]
        except subprocess.CalledProcessError as error: refused[name] = str(error.stderr).strip().splitlines()[-1][:200]
        else: cases[name] = {**({"config": config} if whole else {}), **found}
    return cases, refused


def header_of(config, kind):
    "What the converter says of a model in the header of its file, without what it says of the vocabulary"
    from slm_overview.files.weights import read_header
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        convert(folder, write_checkpoint(folder, config, kind), "F16", folder / "F16.gguf", whole=False)
        metadata = read_header(folder / "F16.gguf").metadata
    own = metadata["general.architecture"]
    return {key: value for key, value in metadata.items() if key == "general.architecture" or key.startswith(f"{own}.")}


def all_headers():
    "The headers of the catalogue's models by slug, without those that cannot be converted"
    from slm_overview.catalog.models import Catalog
    found = {}
    for model in tqdm(Catalog.load()):
        try: found[model.slug] = header_of(model.config, model.kind)
        except (NotImplementedError, ValueError, KeyError) as error: print(f"{model.slug}: {type(error).__name__}: {error}"[:200])
    return found


def source_version(tree):
    "The version that the build file of llama.cpp states"
    text = (tree / "CMakeLists.txt").read_text(encoding="utf-8")
    return ".".join(re.search(rf"LLAMA_VERSION_{part}\s+(\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))


def save_headers(tree):
    "Store the headers, a line for each model"
    head = json.dumps({"llama.cpp": source_version(tree), "date": str(datetime.datetime.now(datetime.UTC).date())})
    lines = ",\n".join(f"{json.dumps(slug)}: {json.dumps(header)}" for slug, header in all_headers().items())
    target = Path(__file__).parent / "results" / "gguf_headers.json"
    target.write_text(f'{head[:-1]}, "headers": {{\n{lines}\n}}}}\n', encoding="utf-8")


def version(quantize):
    "The version that llama-quantize tells when it is asked to quantize, here a file that is not there"
    done = subprocess.run([quantize, "--dry-run", "no such file.gguf", "Q4_0"], capture_output=True, text=True, check=False)
    return next(line.partition(": ")[2] for line in (done.stdout + done.stderr).splitlines() if line.startswith("version: "))


def lines_of(result):
    "JSON with a line for each model"
    cases = ",\n".join(f" {json.dumps(name)}: {json.dumps(case)}" for name, case in result["cases"].items())
    head = json.dumps({key: value for key, value in result.items() if key != "cases"}, indent=1)
    return f'{head[:-2]},\n "cases": {{\n{cases}\n}}}}\n'


def published(path, slug, file_type, source):
    "A file that somebody else has made of a model of the catalogue"
    found = in_file(path)
    return {"slug": slug, "type": file_type, "source": source, "file": summary(found), "tensors": in_short(found)}


def main():
    "Observe, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only the cases with one of these in the name")
    parser.add_argument("--llama-cpp", required=True, type=Path, help="the source of llama.cpp, with build/bin/llama-quantize")
    parser.add_argument(
        "--published", nargs=4, action="append", default=[], metavar=("FILE", "SLUG", "TYPE", "SOURCE"),
        help="a GGUF file of a model of the catalogue, made by somebody else, whose header is stored too",
    )
    parser.add_argument("--headers", action="store_true", help="store what the converter writes into headers, and do nothing else")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    options = parser.parse_args()
    sys.path[:0] = [str(options.llama_cpp / "gguf-py"), str(options.llama_cpp)]
    logging.disable(logging.WARNING)
    if options.headers:
        save_headers(options.llama_cpp)
        return
    others = [published(*file) for file in options.published]
    quantize = options.llama_cpp / "build/bin/llama-quantize"
    cases, refused = observe_all(quantize, options.words)
    today = str(datetime.datetime.now(datetime.UTC).date())
    result = {"llama.cpp": version(quantize), "date": today, "refused": refused, "published": others, "cases": cases}
    for name, reason in refused.items(): print(f"{name}: {reason}")
    print(f"{len(cases)} models, {sum(len(case['files']) for case in cases.values())} files")
    target = Path(__file__).parent / "results" / "gguf_types.json"
    if options.save: target.write_text(lines_of(result), encoding="utf-8")


if __name__ == "__main__": main()
