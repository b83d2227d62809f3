"""What models of the catalogue's shapes cost on this machine, with weights that mean nothing: speed does not ask for values.

Run with `python benchmarks/shapes.py`; with `--save` each report goes to benchmarks/results/measured as soon as it is there, if nothing
disturbed the machine, and what is there is not measured again. A calibration is made of these reports; see `slm_overview.calibrate`.

In transformers a model is built from its config with random weights. For llama.cpp a file is written with the header that the model has
in GGUF, and holes in place of the weights, which read as zeros. Either way the tokenizer is that of a packaged model, with entries that no
text has until there are as many as the model has rows.
"""
import argparse
import json
import tempfile
from pathlib import Path

import gguf
import torch
import transformers
from measured import RESULTS
from msgspec import structs
from tqdm import tqdm

from slm_overview import Catalog, measure, save_report
from slm_overview.arithmetic.gguf_types import gguf_tensors
from slm_overview.core import load_small_model
from slm_overview.errors import SlmError
from slm_overview.files.packaged import PACKAGED_MODELS, packaged_path
from slm_overview.testing.checkpoints import empty_gguf

DECODERS = ("smollm2-135m", "opt-125m", "gemma-3-270m", "qwen2.5-0.5b", "qwen3-0.6b", "gemma-3-1b", "tinyllama")  # in transformers
FILES = (
    "smollm2-135m", "gemma-3-270m", "qwen2.5-0.5b", "qwen3-0.6b", "gemma-3-1b", "tinyllama", "llama-3.2-1b", "qwen2.5-coder-1.5b",
)  # in llama.cpp, as Q4_K_M
ENCODERS = ("bert-tiny", "all-minilm-l6-v2", "bge-small-en-v1.5", "distilbert", "albert-base", "modernbert-base", "deberta-v3-small")
BOTH = ("flan-t5-small",)  # with an encoder and a decoder
WAYS = [
    *((name, "Q4_K_M", "text-generation") for name in FILES),
    *((name, "bfloat16", "text-generation") for name in DECODERS),
    *((name, "float32", "feature-extraction") for name in ENCODERS),
    *((name, "float32", "text-generation") for name in (*BOTH, *DECODERS)),
    *((name, "bfloat16", "feature-extraction") for name in ENCODERS),
]  # what is measured: a model of the catalogue, a precision, a task
LENGTHS, NEW_TOKENS, MOST_SPREAD = (16, 64), 16, 0.1  # tokens, and how well a median is to be known


def borrowed(rows):
    "The tokenizer of a packaged model that has no more entries than a model has rows"
    decoder = rows >= 49_152
    tokenizer, _ = load_small_model("smollm2-135m" if decoder else "all-minilm-l6-v2", engine="transformers", device="cpu")
    return tokenizer


def padded(tokenizer, rows, folder):
    "Save a tokenizer with entries that no text has, until there are as many as a model has rows"
    tokenizer.save_pretrained(folder)
    path = Path(folder) / "tokenizer.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = stated["model"]["vocab"]
    for number in range(len(vocabulary), rows): vocabulary[f"<no text has {number}>"] = number
    path.write_text(json.dumps(stated), encoding="utf-8")


def config_of(model):
    "The config of a model of the catalogue, as transformers has it"
    plain = {key: value for key, value in model.config.items() if key != "model_type"}
    return transformers.CONFIG_MAPPING[model.config["model_type"]](**plain)


def random_checkpoint(model, task, folder):
    "A folder with a model of random weights, and a tokenizer"
    config = config_of(model)
    tokenizer = borrowed(config.vocab_size)
    config.update({"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None})
    if config.is_encoder_decoder: config.update({"decoder_start_token_id": 0, "tie_word_embeddings": model.config["tie_word_embeddings"]})
    kind = "Model" if task == "feature-extraction" else "ModelForSeq2SeqLM" if config.is_encoder_decoder else "ModelForCausalLM"
    made = getattr(transformers, f"Auto{kind}").from_config(config, dtype=torch.bfloat16)
    if config.is_encoder_decoder:  # one table of tokens for both, as their checkpoints have it, whether or not the output shares it too
        for part in (made.encoder, made.decoder): part.set_input_embeddings(made.shared)
    made.save_pretrained(folder)
    padded(tokenizer, config.vocab_size, folder)
    return Path(folder)


def vocabulary_of(rows):
    "The entries of the packaged file's tokenizer, cut or filled up to a number of rows; no entry has a name by which llama.cpp ends"
    fields = gguf.GGUFReader(packaged_path(PACKAGED_MODELS["smollm2-135m"])).fields
    tokens, merges = (fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "merges"))
    kinds = list(fields["tokenizer.ggml.token_type"].contents())
    tokens = [f"<mark {number}>" if kinds[number] != 1 else token for number, token in enumerate(tokens)][:rows]
    kept = set(tokens)
    merges = [pair for pair in merges if {*pair.split(" "), pair.replace(" ", "")} <= kept]
    tokens += [f"<no text has {number}>" for number in range(len(tokens), rows)]
    return {
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.token_type": (kinds + [1] * rows)[:rows], "tokenizer.ggml.eos_token_id": rows - 1,
        "tokenizer.ggml.bos_token_id": rows - 1, "tokenizer.ggml.add_bos_token": False,
    }


def file_of_holes(model, dtype, folder):
    "A GGUF file with the header of a model, a borrowed tokenizer, and holes in place of the weights"
    header = json.loads((RESULTS.parent / "gguf_headers.json").read_text(encoding="utf-8"))["headers"][model.slug]
    tensors = gguf_tensors(model.config, dtype)
    rows = tensors["token_embd.weight"].shape[0]
    kind = {"general.file_type": int(gguf.LlamaFileType[f"MOSTLY_{dtype}"])}
    return empty_gguf(Path(folder) / f"{model.slug}.gguf", {**header, **kind, **vocabulary_of(rows)}, tensors.values())


def measured(model, dtype, task, seconds):
    "The report of one model in one precision, which names the model of the catalogue and not the folder"
    with tempfile.TemporaryDirectory() as folder:
        if dtype == "Q4_K_M": place, how = file_of_holes(model, dtype, folder), {}
        else: place, how = random_checkpoint(model, task, folder), {"dtype": dtype, "task": task, "engine": "transformers"}
        lengths = {} if task == "feature-extraction" else {"lengths": LENGTHS, "new_tokens": NEW_TOKENS}
        report = measure(place, **how, **lengths, seconds=seconds, most_spread=MOST_SPREAD)
    about = {key: value for key, value in report.model.items() if key != "place"}
    about |= {"origin": "random weights"}
    command = f"python benchmarks/shapes.py --only {model.slug} --dtype {dtype} --seconds {seconds:g}"
    return structs.replace(report, model=about, command=command, sha256=None, asked=structs.replace(report.asked, model=model.slug))


def main():
    "Measure one after the other, print, and save each if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="the name of a model")
    parser.add_argument("--dtype", help="one precision")
    parser.add_argument("--seconds", type=float, default=24.0, help="for the series of each model")
    parser.add_argument("--save", action="store_true", help="keep reports of a quiet machine")
    options = parser.parse_args()
    catalog = {model.slug: model for model in Catalog.load()}
    for name, dtype, task in tqdm(WAYS, desc="shapes"):
        if (options.only or name, options.dtype or dtype) != (name, dtype): continue
        path = RESULTS / f"{name}-{dtype}-random.json"
        if options.save and path.exists(): continue
        try:
            report = measured(catalog[name], dtype, task, options.seconds)
            tqdm.write(f"{report}\n")
            if options.save: save_report(report, path)
        except SlmError as error: tqdm.write(f"{name} {dtype}: {error}\n")


if __name__ == "__main__": main()
