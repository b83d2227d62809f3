"""How near `slm_overview.size` comes to what engines really take, and how long sizing takes.

Run with `python benchmarks/size_accuracy.py`, or with the names of parts; with `--save` the result goes to
benchmarks/results/size_accuracy.json, where parts that were not run now stay as they are. `--quick` takes small models and few rounds.
The parts:
time       the whole catalogue, sized with nothing computed before and again, and the import of the module
resident   what the operating system gives a fresh process that loads a model with transformers and reads a text
allocator  what PyTorch hands out while a few blocks of each architecture read one text and four
llama.cpp  what llama.cpp allocates for the models that it can convert: files with real headers and holes in place of the weights
"""
import argparse
import datetime
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import psutil
import torch
import transformers
from tqdm import tqdm

from slm_overview.arithmetic.activations import ATTENTION, activation_bytes, cache_bytes
from slm_overview.arithmetic.architecture import count_parameters
from slm_overview.arithmetic.flops import language_model
from slm_overview.arithmetic.gguf_types import gguf_tensors
from slm_overview.arithmetic.kv_cache import layer_states
from slm_overview.catalog.models import Catalog
from slm_overview.errors import EngineError, SlmError
from slm_overview.files.packaged import PACKAGED_MODELS, packaged_path
from slm_overview.sizing.machine import BUSY_LOAD, Conditions, busy_reasons, machine, memory
from slm_overview.sizing.size import PARTS as SIZE_PARTS, size
from slm_overview.testing.checkpoints import empty_gguf
from slm_overview.testing.truth import llama_cpp_buffers, peak_bytes, resident_bytes

RESULTS = Path(__file__).parent / "results"
RESOLUTION = 10_486  # bytes: llama.cpp prints hundredths of a MiB, so that smaller differences mean nothing
SMALL = 200_000_000  # parameters: larger models are left out of a quick run
CONTEXTS = (512, 2048, 8192)  # tokens; in llama.cpp
EAGER_CONTEXT = 2048  # tokens; where llama.cpp is asked without flash attention too
F16_LARGEST = 1_500_000_000  # parameters: larger models are opened as Q4_K_M only
TOKENS = 384  # of each text that a few blocks read
LARGEST = 1_500_000_000  # bytes: a few blocks with more weights, or more than a sixth of the memory, are scaled down
TIMED_DTYPES, TIMED_CONTEXTS, TIMED_GGUF = ("float32", "bfloat16", "int8", "int4"), (512, 2048, 4096, 8192), "Q4_K_M"


# Comparisons: a row has what was compared, `ours` and `theirs`, bytes by figure

def error_of(ours, theirs):
    "How far a prediction is off, as a share of the truth; none where there is nothing, and 1 where only the prediction has something"
    if not ours and not theirs: return None
    if abs(ours - theirs) <= RESOLUTION: return 0.0
    return ours / theirs - 1 if theirs else 1.0


def name_of(row):
    "What was compared, in words"
    said = {key: value for key, value in row.items() if key not in ("ours", "theirs", "widths")}
    return " ".join(f"{value} {key}" if key in ("texts", "tokens") else str(value) for key, value in said.items())


def errors_of(row):
    "The error of each figure of a row, without those of which there is nothing"
    errors = {figure: error_of(ours, row["theirs"][figure]) for figure, ours in row["ours"].items()}
    return {figure: error for figure, error in errors.items() if error is not None}


def summary_of(rows):
    "Of each figure: the number of comparisons, the median error, the largest one, and where it is"
    errors = [(figure, error, name_of(row)) for row in rows for figure, error in errors_of(row).items()]
    found = {}
    for figure in dict.fromkeys(figure for figure, *_ in errors):
        mine = [(error, name) for other, error, name in errors if other == figure]
        largest, worst = max(mine, key=lambda pair: abs(pair[0]))
        median = statistics.median(abs(error) for error, _ in mine)
        over = sum(abs(error) > 0.05 for error, _ in mine)
        found[figure] = {
            "comparisons": len(mine), "median_error": round(median, 5), "largest_error": round(largest, 5), "worst": worst,
            "over_5_percent": over,
        }
    return found


def show(row):
    "One line of the table: what it is, what was predicted and what is true in MiB, and the error of each figure"
    ours, theirs = row["ours"]["total"] / 2**20, row["theirs"]["total"] / 2**20
    errors = ", ".join(f"{figure} {error:+.2%}" for figure, error in errors_of(row).items())
    tqdm.write(f"{name_of(row):52}{ours:10,.1f} predicted {theirs:10,.1f} MiB taken: {errors}")
    return row


def comparison(rows, skipped):
    "What a part that compares gives back"
    return {"summary": summary_of(rows), "skipped": skipped, "rows": rows}


# llama.cpp

def stored(name):
    "A result of another benchmark"
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def write_holes(folder, model, dtype, header):
    "A GGUF file of a model with its header and without its weights, which llama.cpp opens"
    tensors = gguf_tensors(model.config, dtype)
    rows = {name: tensors[name].shape[0] for name in ("token_embd.weight", "token_types.weight") if name in tensors}
    added = {
        "tokenizer.ggml.model": "none", "tokenizer.ggml.token_type_count": rows.get("token_types.weight", 1),
        f"{header['general.architecture']}.vocab_size": rows["token_embd.weight"],
    }
    return empty_gguf(Path(folder) / f"{model.slug}-{dtype}.gguf", {**header, **added}, tensors.values())


def asked_of(model, quick):
    "The contexts and kinds of attention that a model is opened with"
    contexts = sorted({min(context, model.context_length) for context in CONTEXTS[: 1 if quick else None]})
    return [*((context, "fused") for context in contexts), (min(EAGER_CONTEXT, contexts[-1]), "eager")]


def ask(path, context, attention, embedding, tries=3):
    "What llama.cpp says; now and then a process ends before its log is written, and is started again"
    for left in reversed(range(tries)):
        try: return llama_cpp_buffers(path, context, attention=attention, embedding=embedding, seconds=120)
        except EngineError as error:
            if not left or "said nothing" not in str(error): raise
    return None


def opened(path, model, dtype, context, attention):
    "One comparison with llama.cpp; raises `EngineError` where it cannot open the file or memory is short"
    ours = size(model, dtype=dtype, context=context, attention=attention)
    need, free = ours.total - ours.weights, memory().available - 1_000_000_000  # the weights are mapped
    if need > free: raise EngineError(f"needs {need / 1e9:.1f} GB beside its weights, and {max(free, 0) / 1e9:.1f} GB are available")
    buffers = ask(path, context, attention, not layer_states(model.config))
    theirs = {
        "weights": buffers["weights"], "repacked": buffers["repacked"], "kv_cache": buffers["cache"] + buffers["states"],
        "activations": buffers["compute"] + buffers["output"], "total": sum(buffers.values()),
    }
    found = {part: getattr(ours, part) for part in SIZE_PARTS if part != "vocabulary"}  # of which llama.cpp says nothing
    of_file = size(path, context=context, attention=attention)  # known by its header alone
    found |= {"total": ours.total - ours.vocabulary, "total_of_file": of_file.total - of_file.vocabulary}
    theirs["total_of_file"] = theirs["total"]
    return {
        "model": model.slug, "dtype": dtype, "context": context, "attention": attention, "ours": found,
        "theirs": {figure: round(taken) for figure, taken in theirs.items()},
    }


def llama_cpp(quick):
    "The buffers of llama.cpp, for every model that it can convert"
    headers, skipped = stored("gguf_headers.json")["headers"], {**stored("gguf_types.json")["refused"]}
    models = [model for model in Catalog.load() if model.slug in headers and (not quick or model.parameters < SMALL)]
    files = [(model, dtype) for model in models for dtype in ("Q4_K_M", "F16") if dtype != "F16" or model.parameters < F16_LARGEST]
    rows = []
    for model, dtype in tqdm(files, desc="llama.cpp"):
        with tempfile.TemporaryDirectory() as folder:
            path = write_holes(folder, model, dtype, headers[model.slug])
            for context, attention in asked_of(model, quick):
                try: rows.append(show(opened(path, model, dtype, context, attention)))
                except EngineError as error: skipped[f"{model.slug} {dtype} {context} {attention}"] = str(error)
    return comparison(rows, skipped)


# PyTorch's allocator

BLOCKS = ("num_hidden_layers", "n_layers", "num_layers", "num_decoder_layers")  # keys of configs that count blocks
WIDTHS = (
    "hidden_size", "d_model", "dim", "word_embed_proj_dim", "intermediate_size", "hidden_dim", "ffn_dim", "d_ff", "block_ff_dim",
    "shared_intermediate_size", "num_attention_heads", "n_heads", "num_heads", "num_key_value_heads", "num_kv_heads", "mamba_n_heads",
)  # keys that are divided when a model is scaled down; heads stay as wide as they are


def shortened(config):
    "The values of a config with two or three blocks and a small vocabulary"
    c = {**(config.get("text_config") or config)}
    kinds = c.get("layer_types") or []
    if kinds: c["layer_types"] = [kinds[0], *([kind for kind in sorted(set(kinds)) if kind != kinds[0]] or kinds[:1]), kinds[-1]][:3]
    c.update({key: 3 for key in BLOCKS if isinstance(c.get(key), int)})
    c.update({key: 500 for key in ("vocab_size", "vocab_size_per_layer_input") if key in c})
    if c.get("num_kv_shared_layers"): c["num_kv_shared_layers"] = 1
    for side in ("encoder", "decoder"):
        if isinstance(c.get(side), dict):
            c[side] = {**c[side], "num_hidden_layers": 2, "layer_types": c[side]["layer_types"][:2], "vocab_size": 500}
    return {**c, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}


def scaled(config):
    "The values of a config with narrower blocks"
    heads = next(config[key] for key in ("num_attention_heads", "n_heads", "num_heads") if key in config)
    factor = next(factor for factor in (4, 2, 3, 5, 7, 1) if heads % factor == 0)
    narrower = {key: max(1, config[key] // factor) for key in WIDTHS if isinstance(config.get(key), int)}
    return {**config, **narrower}


def as_transformers(config):
    "The config as transformers has it"
    plain = {key: value for key, value in config.items() if key not in ("model_type", "full_attn_idxs")}
    made = transformers.CONFIG_MAPPING[config["model_type"]](**plain)
    if made.model_type == "t5gemma": made.vocab_size = 500
    return made


def few_blocks(config, largest):
    "A small model of an architecture as a config of transformers, and whether its widths are its own"
    short = shortened(config)
    made = as_transformers(short)
    if 4 * count_parameters(json.loads(made.to_json_string())).total <= largest: return made, "own"
    return as_transformers(scaled(short)), "scaled down"


def handed_out(config, attention, texts):
    "Bytes that PyTorch hands out at most while a model reads texts, padded if there are several"
    decodes = bool(layer_states(json.loads(config.to_json_string())))
    kind = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM" if decodes else "AutoModel"
    name = "sdpa" if attention == "fused" else "eager"
    model = getattr(transformers, kind).from_config(config, dtype=torch.float32, attn_implementation=name).eval()
    inputs = {"input_ids": torch.randint(5, 200, (texts, TOKENS))}
    if texts > 1: inputs["attention_mask"] = (torch.arange(TOKENS) < TOKENS - torch.arange(texts)[:, None]).long()
    def read():
        "Read the texts, and write one token if the model writes"
        with torch.inference_mode():
            return model.generate(**inputs, max_new_tokens=1, do_sample=False) if decodes else model(**inputs)

    read()
    return peak_bytes(read)


def blocks_row(model, config, widths, attention, texts):
    "One comparison with PyTorch's allocator; raises `ValueError` where transformers has no such attention"
    plain = json.loads(config.to_json_string())
    theirs = handed_out(config, attention, texts)
    ours = activation_bytes(plain, TOKENS, batch_size=texts, attention=attention)
    if not config.is_encoder_decoder: ours += cache_bytes(plain, TOKENS, batch_size=texts, dtype="float32")
    return {
        "model": model.slug, "architecture": config.model_type, "texts": texts, "attention": attention, "widths": widths,
        "ours": {"total": ours}, "theirs": {"total": theirs},
    }


def smallest(quick):
    "The smallest model of each architecture of the catalogue"
    found = {}
    for model in sorted(Catalog.load(), key=lambda model: model.parameters):
        if not quick or model.parameters < SMALL: found.setdefault(language_model(model.config)["model_type"], model)
    return found


def allocator(quick):
    "The highest memory that PyTorch hands out, for every architecture"
    rows, skipped, largest = [], {}, min(LARGEST, memory().available // 6)
    torch.manual_seed(0)
    transformers.utils.logging.set_verbosity_error()
    for name, model in tqdm(smallest(quick).items(), desc="allocator"):
        config, widths = few_blocks(model.config, largest)
        for attention in ATTENTION:
            for texts in (1, 4):
                try: rows.append(show(blocks_row(model, config, widths, attention, texts)))
                except (ValueError, ImportError) as error:
                    skipped[f"{model.slug} {name} {texts} texts {attention}"] = str(error).split(". ")[0]
    return {"tokens": TOKENS, "several_texts": "padded", **comparison(rows, skipped)}


# Resident memory

STEPS = """
import torch, transformers
def make(folder, kind, **options):
    config = transformers.AutoConfig.from_pretrained(folder, **options)
    for key in ("num_hidden_layers", "num_layers", "num_decoder_layers"):
        if hasattr(config, key): setattr(config, key, 1)
    if getattr(config, "layer_types", None): config.layer_types = config.layer_types[:1]
    config.vocab_size = 500
    return getattr(transformers, kind).from_config(config, dtype=torch.float32).eval()
def load(folder, kind, **options):
    model = getattr(transformers, kind).from_pretrained(folder, dtype=torch.float32, **options).eval()
    for parameter in model.parameters(): parameter.sum()
    settle()
    return model
def read(model, kind, context, batch):
    texts = torch.randint(5, 400, (batch, context))
    new = context if kind == "AutoModelForSeq2SeqLM" else 1
    with torch.inference_mode():
        if kind == "AutoModel": return model(texts)
        return model.generate(texts, max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=0)
"""  # a model with one layer reads a text first, so that the libraries have their own buffers; then the weights are loaded and touched
SHAPES = {
    "T5 shape": ("flan-t5-small", "AutoModelForSeq2SeqLM", 256, 4, {"tie_word_embeddings": True}),
    "ALBERT shape": ("albert-base", "AutoModel", 256, 16, {}),
    "sliding window": ("gemma-3-270m", "AutoModelForCausalLM", 2048, 1, {"vocab_size": 30_000}),
}  # random weights in the shape of a model of the catalogue: class, tokens, texts, what is changed


def packaged_cases():
    "The packaged models: what is loaded, as which class, tokens, texts, further options"
    decoder, encoder = (Path(packaged_path(PACKAGED_MODELS[name])) for name in ("smollm2-135m", "all-minilm-l6-v2"))
    yield "packaged decoder", decoder.parent, "AutoModelForCausalLM", 2048, 1, {"gguf_file": decoder.name}
    yield "packaged encoder", encoder, "AutoModel", 256, 16, {}


def shaped_cases(folder):
    "Checkpoints with random weights, saved when their turn comes"
    for name, (slug, kind, context, batch, changes) in SHAPES.items():
        known = {**Catalog.load()[slug].config, **changes}
        config = transformers.CONFIG_MAPPING[known["model_type"]](**{key: value for key, value in known.items() if key != "model_type"})
        getattr(transformers, kind).from_config(config).save_pretrained(Path(folder) / name)
        yield name, Path(folder) / name, kind, context, batch, {}


def loaded(name, place, kind, context, batch, options):
    "One comparison with the operating system, in a fresh process"
    ours = size("smollm2-135m" if options else place, dtype="float32", context=context, batch=batch)
    given = ", ".join([repr(str(place)), repr(kind), *(f"{key}={value!r}" for key, value in options.items())])
    prepare = f"{STEPS}\nread(make({given}), {kind!r}, {context}, 1)"
    noted = resident_bytes(prepare, f"read(load({given}), {kind!r}, {context}, {batch})")
    theirs = noted["highest"] - noted["before"]
    return {"load": name, "texts": batch, "tokens": context, "ours": {"total": ours.total - ours.vocabulary}, "theirs": {"total": theirs}}


def resident(quick):
    "What processes grow by when they load a model and read"
    transformers.utils.logging.disable_progress_bar()
    rows, skipped = [], {}
    try: rows += [show(loaded(*case)) for case in tqdm(packaged_cases(), total=2, desc="resident: packaged")]
    except SlmError as error: skipped["packaged models"] = str(error)
    if quick: return comparison(rows, {**skipped, **dict.fromkeys(SHAPES, "a quick run")})
    with tempfile.TemporaryDirectory() as folder:
        rows += [show(loaded(*case)) for case in tqdm(shaped_cases(folder), total=len(SHAPES), desc="resident: shapes")]
    return comparison(rows, skipped)


# Time

def milliseconds(call):
    "How long a call takes"
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def size_all(model, dtypes):
    "Size a model in several precisions, for several contexts within its limit"
    for dtype in dtypes:
        for context in TIMED_CONTEXTS: size(model, dtype=dtype, context=min(context, model.context_length))


def convertible(model):
    "Whether a model can be sized as a GGUF file"
    try: size_all(model, [TIMED_GGUF])
    except SlmError: return False
    return True


def time_models(dtypes, rounds):
    "Milliseconds of each model in each round: with nothing computed before, and again"
    slugs = [model.slug for model in Catalog.load() if dtypes != [TIMED_GGUF] or convertible(model)]
    times = {slug: {"first": [], "again": []} for slug in slugs}
    for _ in tqdm(range(rounds), desc=f"time: {', '.join(dtypes)}"):
        catalog = Catalog.load()
        for kind in ("first", "again"):
            for slug in slugs:
                model = catalog[slug]
                times[slug][kind].append(milliseconds(lambda model=model: size_all(model, dtypes)))
    return times


def spread_of(times):
    "Median and quartiles, in milliseconds"
    return {"median_ms": round(statistics.median(times), 2), "quartiles_ms": [round(cut, 2) for cut in statistics.quantiles(times, n=4)]}


def totals(times, kind):
    "Milliseconds of all models together, in each round"
    return [sum(taken) for taken in zip(*(of_model[kind] for of_model in times.values()), strict=True)]


def in_short(times, dtypes):
    "All models together, and the slowest"
    slowest = max(times, key=lambda slug: statistics.median(times[slug]["first"]))
    return {
        "sizes": len(times) * len(dtypes) * len(TIMED_CONTEXTS), "models": len(times),
        **{kind: spread_of(totals(times, kind)) for kind in ("first", "again")},
        "slowest": {"model": slowest, **{kind: spread_of(times[slowest][kind]) for kind in ("first", "again")}},
    }


def time_import(rounds):
    "How long a process takes that imports the module, beside one that does nothing"
    programs, times = {"bare interpreter": "pass", "import slm_overview.sizing.size": "import slm_overview.sizing.size"}, {}
    for program in programs.values(): subprocess.run([sys.executable, "-c", program], check=True)  # fills the cache of the file system
    for _ in tqdm(range(rounds), desc="time: import"):
        for name, program in programs.items():
            command = [sys.executable, "-c", program]
            times.setdefault(name, []).append(milliseconds(lambda command=command: subprocess.run(command, check=True)))
    bare, mine = times.values()
    over = statistics.median(taken - base for taken, base in zip(mine, bare, strict=True))
    return {**{name: spread_of(taken) for name, taken in times.items()}, "over_bare_ms": round(over, 1)}


def wait_until_quiet(seconds=60):
    "Wait until little else runs on the machine, but not for ever"
    end = time.monotonic() + seconds
    while psutil.getloadavg()[0] / (psutil.cpu_count() or 1) > BUSY_LOAD / 2 and time.monotonic() < end: time.sleep(5)


def timing(quick):
    "How long it takes to size the whole catalogue"
    rounds = 3 if quick else 30
    imports = time_import(rounds)
    sets = {"precisions": list(TIMED_DTYPES), TIMED_GGUF: [TIMED_GGUF]}
    for dtypes in sets.values(): time_models(dtypes, 1)  # imports what is imported on demand
    gc.collect()
    gc.freeze()  # torch and transformers are here for other parts: searching them for garbage is no part of sizing
    taken = {name: time_models(dtypes, rounds) for name, dtypes in sets.items()}
    summary = {name: in_short(taken[name], dtypes) for name, dtypes in sets.items()}
    tenths = [statistics.quantiles(totals(times, "first"), n=10, method="inclusive") for times in taken.values()]
    rows = [
        {"model": slug, "sizes": name, **{f"{kind}_ms": round(statistics.median(found[kind]), 3) for kind in ("first", "again")}}
        for name, times in taken.items()
        for slug, found in times.items()
    ]
    return {
        "rounds": rounds, "dtypes": TIMED_DTYPES, "contexts": TIMED_CONTEXTS, "summary": {**summary, "import": imports}, "rows": rows,
        "spread": round(max((cuts[-1] - cuts[0]) / cuts[4] for cuts in tenths), 3),
    }


# All parts

PARTS = {"time": timing, "resident": resident, "allocator": allocator, "llama.cpp": llama_cpp}


def about():
    "The machine and the versions"
    here = machine()
    seen = {
        "processor": here.processor, "architecture": here.architecture, "system": here.system, "cores": here.cores,
        "memory_bytes": here.memory.total, "instructions": " ".join(here.instructions),
        "accelerators": [str(accelerator) for accelerator in here.accelerators],
    }
    versions = {name: metadata.version(name) for name in ("slm_overview", "torch", "transformers", "xllamacpp")}
    return {"machine": seen, "versions": {"python": platform.python_version(), **versions}}


def run(part, quick):
    "Run a part, and note when, where, and how busy the machine was"
    if part == "time" and not quick: wait_until_quiet()
    before, started = psutil.getloadavg(), time.monotonic()
    psutil.cpu_times_percent()  # the next call tells what has passed since
    found = PARTS[part](quick)
    steal = getattr(psutil.cpu_times_percent(), "steal", 0) / 100
    conditions = Conditions(round(before[0], 2), psutil.cpu_count() or 1, round(steal, 4), found.pop("spread", 0))
    noted = {
        "load_average_before": [round(load, 2) for load in before], "load_average_after": [round(load, 2) for load in psutil.getloadavg()],
        "steal": conditions.steal, "spread": conditions.spread, "busy": busy_reasons(conditions),
        "seconds": round(time.monotonic() - started),
    }
    today = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"date": today, **about(), "conditions": noted, **found}


def report(part, found):
    "Print the summary of a part"
    print(f"\n{part}: {len(found['rows'])} rows in {found['conditions']['seconds']} s")
    for reason in found["conditions"]["busy"]: print(f"  the machine was busy: {reason}")
    for name, reason in found.get("skipped", {}).items(): print(f"  skipped {name}: {reason}")
    for name, values in found["summary"].items(): print(f"  {name:26}" + ", ".join(f"{key} {value}" for key, value in values.items()))


def in_lines(value, depth):
    "JSON with a line for each entry, down to some depth"
    if depth == 0 or not value or not isinstance(value, dict | list | tuple): return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict): entries = [f"{json.dumps(key)}: {in_lines(inner, depth - 1)}" for key, inner in value.items()]
    else: entries = [in_lines(inner, depth - 1) for inner in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(entries) + f"\n{closing}"


def save(part, found):
    "Put a part into the stored result, whole or not at all"
    target = RESULTS / "size_accuracy.json"
    before = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    parts = {name: found if name == part else before.get(name) for name in PARTS if name == part or name in before}
    unfinished = target.with_suffix(".part")
    with open(unfinished, "w", encoding="utf-8") as file:
        file.write(in_lines(parts, 3) + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(target)


def main():
    "Run the parts that are asked for, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all if none is named")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    parser.add_argument("--quick", action="store_true", help="small models and few rounds; is never stored")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown: parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.save and options.quick: parser.error("a quick run is not stored: leave out --quick or --save")
    for part in [name for name in PARTS if name in options.parts or not options.parts]:
        found = run(part, options.quick)
        report(part, found)
        if options.save: save(part, found)


if __name__ == "__main__": main()
