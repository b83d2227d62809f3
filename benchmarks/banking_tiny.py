"""Trains `banking-tiny`, the classifier that comes with the package, and measures it beside its teacher.

Run with `python benchmarks/banking_tiny.py FOLDER`; it needs the packaged all-minilm-l6-v2 and scikit-learn, and takes minutes. With
`--save` the result goes to benchmarks/results/banking_tiny.json. With `--speed` nothing is trained: the model in FOLDER is measured. With
`--figures` the model in FOLDER stays as it is, its figures are computed again, for which the student that does not see a fifth of the
questions is trained again, and its card is written anew. With `--loading` only the time to load it is measured, in fresh processes.

The teacher is a logistic regression on the vectors of MiniLM. The student is a table of vectors of word pieces, their mean, one layer and
a head: a BERT without layers, which is saved and read as any classifier of sentences. It learns the labels, the probabilities that the
teacher gives, and the vectors of MiniLM. Settings were chosen on a fifth of the training questions, and the temperature is; the test
questions are read at the end.
"""
import argparse
import importlib.metadata
import json
import random
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import psutil
import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from torch.nn import functional
from tqdm import tqdm
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from slm_overview import load_small_model, predict
from slm_overview.labelling.pooling import Behind, Dense
from slm_overview.labelling.sentence_classifier import SentenceForSequenceClassification, save_sentence_classifier
from slm_overview.sizing.machine import machine
from slm_overview.tuning.calibration import WHENCE, figures_of, temperature_of
from slm_overview.tuning.head import features, fit_head
from slm_overview.tuning.table import banking77, parts

RESULT = Path(__file__).parent / "results" / "banking_tiny.json"
SEED, STRENGTH = 0, 10.0  # of what is drawn at random; of the teacher's regression
PIECES, WIDTH, HIDDEN, LONGEST = 3000, 192, 256, 256  # word pieces at most, width of their vectors and of the layer, tokens read of a text
EPOCHS, BATCH, RATES = 30, 256, (2e-2, 4e-3)  # the learning rates of the table and of the rest at their highest
LEFT_OUT, SPLIT, HIDDEN_OUT, SMOOTHED, SOFT, VECTORS = 0.15, 0.2, 0.2, 0.05, 0.8, 5.0
PAD, UNKNOWN, FIRST = range(3)  # tokens
QUICK, SLOW, ROUNDS = 3000, 300, 5  # texts of a round of the student and of MiniLM


def word_pieces(texts):
    "A tokenizer of words and their parts, trained on texts"
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))  # noqa: S106
    marks, ends = Regex(r"[^\w']+"), Regex(r"^\s+(?=\S)|(?<=\S)\s+$")  # a text of marks only keeps a blank, so that it is not empty
    words = [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(marks, " "), normalizers.Replace(ends, "")]
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Sequence(words), pre_tokenizers.Metaspace()
    special = ["[PAD]", "[UNK]", "[CLS]"]
    trainer = trainers.BpeTrainer(vocab_size=PIECES, special_tokens=special, min_frequency=2, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", FIRST)])
    return tokenizer


def halves(tokenizer):
    "The pairs of tokens that each token can be cut into"
    known = tokenizer.get_vocab()
    whole = [(token, number) for token, number in known.items() if number > FIRST]
    cuts = {number: [(token[:place], token[place:]) for place in range(1, len(token))] for token, number in whole}
    both = {number: [pair for pair in pairs if set(pair) <= known.keys()] for number, pairs in cuts.items()}
    return {number: [(known[one], known[other]) for one, other in pairs] for number, pairs in both.items()}


def cut_up(tokens, pairs):
    "The tokens of a text, of which some, drawn at random, are cut into two, so that the parts of words are learned too"
    found = []
    for token in tokens:
        cut = random.random() < SPLIT and pairs.get(token)  # noqa: S311
        found += random.choice(cut) if cut else [token]  # noqa: S311
    return torch.tensor(found)


class Student(nn.Module):
    "The mean of vectors of tokens, a layer, the scores of labels, and the vectors of the teacher"

    def __init__(self, tokens, labels, width):
        super().__init__()
        self.table, self.norm = nn.Embedding(tokens, WIDTH), nn.LayerNorm(WIDTH, eps=1e-12)
        self.layer, self.head, self.vectors = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, labels), nn.Linear(HIDDEN, width)
        nn.init.normal_(self.table.weight, 0, 0.3)
        with torch.no_grad(): self.layer.weight.mul_(3)

    def forward(self, rows):
        "Scores and vectors of texts, each given by its tokens"
        tokens, texts = torch.cat(rows), torch.repeat_interleave(torch.arange(len(rows)), torch.tensor([len(row) for row in rows]))
        kept = (torch.rand(len(tokens)) > LEFT_OUT) | (tokens == FIRST) if self.training else torch.ones_like(tokens, dtype=torch.bool)
        counts = torch.bincount(texts[kept], minlength=len(rows))
        means = functional.embedding_bag(tokens[kept], self.norm(self.table.weight), counts.cumsum(0) - counts, mode="mean")
        hidden = functional.dropout(torch.tanh(self.layer(means)), HIDDEN_OUT, self.training)
        return self.head(hidden), self.vectors(hidden)


def loss_of(scores, vectors, targets, teacher, taught):
    "How far a student is from the labels, and from the probabilities and the vectors of its teacher"
    labels = functional.cross_entropy(scores, targets, label_smoothing=SMOOTHED)
    soft = functional.cross_entropy(scores, teacher.softmax(-1))
    return (1 - SOFT) * labels + SOFT * soft + VECTORS * (1 - functional.cosine_similarity(vectors, taught)).mean()


def optimizer_of(student, steps):
    "What changes the weights, and how fast"
    rest = [weight for name, weight in student.named_parameters() if not name.startswith("table")]
    groups = [{"params": student.table.parameters(), "weight_decay": 0.0}, {"params": rest, "weight_decay": 0.01}]
    optimizer = torch.optim.AdamW(groups)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, list(RATES), total_steps=steps, pct_start=0.1)


def train(texts, targets, vectors):
    "Tokenizer and student of some texts, whose teacher sees no others"
    torch.manual_seed(SEED)
    random.seed(SEED)
    teacher = fit_head(vectors, targets, STRENGTH).scores(vectors)
    tokenizer = word_pieces(texts)
    student = Student(tokenizer.get_vocab_size(), int(targets.max()) + 1, vectors.shape[1])
    optimizer, schedule = optimizer_of(student, EPOCHS * -(-len(texts) // BATCH))
    encoded, pairs = tokenizer.encode_batch(texts), halves(tokenizer)
    for _ in tqdm(range(EPOCHS), unit="epoch"):
        rows = [cut_up(row.ids, pairs) for row in encoded]
        for places in torch.randperm(len(texts)).split(BATCH):
            loss = loss_of(*student([rows[place] for place in places.tolist()]), targets[places], teacher[places], vectors[places])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return tokenizer, student.eval()


def classifier_of(tokenizer, student, names, temperature=1.0):
    "Tokenizer and model of a student, as `predict` takes them"
    config = BertConfig(
        vocab_size=len(student.table.weight), hidden_size=WIDTH, num_hidden_layers=0, num_attention_heads=1, intermediate_size=1,
        max_position_embeddings=LONGEST, type_vocab_size=1, pad_token_id=PAD, layer_norm_eps=student.norm.eps,
    )
    encoder, layer = BertModel(config), Dense(WIDTH, HIDDEN, True, nn.Tanh(), False)
    unused = encoder.embeddings.position_embeddings, encoder.embeddings.token_type_embeddings, encoder.pooler
    for weight in (weight for module in unused for weight in module.parameters()): nn.init.zeros_(weight)
    encoder.embeddings.word_embeddings.load_state_dict(student.table.state_dict())
    encoder.embeddings.LayerNorm.load_state_dict(student.norm.state_dict())
    layer.linear.load_state_dict(student.layer.state_dict())
    encoder.behind = Behind(on_texts=nn.Sequential(layer), max_length=LONGEST)
    model = SentenceForSequenceClassification(encoder, names, normalize=False, temperature=temperature)
    model.classifier.load_state_dict(student.head.state_dict())
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=LONGEST, **special), model.eval()


def scores_of(texts, tokenizer, model):
    "The scores of a classifier, but for a number that is the same for all labels of a text"
    return predict(list(texts), tokenizer, model).double().clamp_min(1e-30).log() * model.temperature


def targets_of(table, names): return torch.tensor([names.index(label) for label in table.labels])


CARD = """---
pipeline_tag: text-classification
license: apache-2.0
base_model: sentence-transformers/all-MiniLM-L6-v2
datasets: [PolyAI/banking77]
language: en
---
# banking-tiny

It gives a question of a bank's customer one of 77 intents. It is small and quick: a vector for each of {pieces:,} word pieces, their mean,
one layer, and a head. It does not read the order of words.

## Data

BANKING77 by Casanueva and others, 2020, https://arxiv.org/abs/2003.04807, licence CC-BY-4.0: 10,003 questions to train with and 3,080 to
test with, as its authors divided them. A fifth of the training questions was kept apart to choose the temperature and the settings on; then
the model was trained with all of them.

## Figures

In brackets the 95 % interval, {whence}.

| figure | test questions | training questions kept apart, from a model that did not see them |
|---|---|---|
{rows}

Scores are divided by {temperature:.3f} before they become probabilities.

## How it was made

Distilled from a logistic regression on the vectors of the frozen all-minilm-l6-v2 (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0): it
learned the labels, the probabilities that the regression gives, and the vectors. `benchmarks/banking_tiny.py` of the project's repository
makes it again. Its own licence is Apache-2.0.

## Limits

- English questions to a bank. Every text gets one of the 77 labels, also one that fits none.
- Words that are not in the training questions are read in pieces that say little.
- Texts with the same words in another order get the same answer; after {longest} tokens a text is cut.
- Some questions of BANKING77 are known to have wrong labels, and the figures count them as they are.
"""
ROWS = {
    "accuracy": "accuracy", "macro_f1": "F1, averaged over the labels",
    "calibration_error_before": "expected calibration error before", "calibration_error_after": "expected calibration error, calibrated",
}


def card(held, tested, temperature, pieces):
    "What is known of the model"
    rows = [f"| {name} | {getattr(tested, key)} | {getattr(held, key)} |" for key, name in ROWS.items()]
    return CARD.format(pieces=pieces, rows="\n".join(rows), temperature=temperature, longest=LONGEST, whence=WHENCE)


def taught():
    "The training questions, the places of their labels, and the vectors that MiniLM gives them"
    table, encoder = banking77("train"), load_small_model("all-minilm-l6-v2", task="feature-extraction", device="cpu")
    return table, targets_of(table, table.names), features(table.texts, *encoder)


def kept_apart(table, targets, vectors):
    "The scores of a fifth of the questions from a student that did not see them, and the places of their labels"
    held = torch.tensor(parts(table, 5, SEED)) == 0
    learned, apart = ([text for text, out in zip(table.texts, held.tolist(), strict=True) if out == side] for side in (False, True))
    return scores_of(apart, *classifier_of(*train(learned, targets[~held], vectors[~held]), table.names)), targets[held]


def tested(tokenizer, model, names):
    "The figures of a model for the test questions"
    test = banking77("test")
    return figures_of(scores_of(test.texts, tokenizer, model), targets_of(test, names), temperature=model.temperature)


def make(folder):
    "Train the student twice, without a fifth of the questions and with all, save the second one, and give the figures"
    table, targets, vectors = taught()
    scores, wanted = kept_apart(table, targets, vectors)
    temperature = temperature_of(scores, wanted)
    tokenizer, model = classifier_of(*train(list(table.texts), targets, vectors), table.names, temperature)
    figures = figures_of(scores, wanted, temperature=temperature), tested(tokenizer, model, table.names)
    save_sentence_classifier(folder, tokenizer, model, README_md=card(*figures, temperature, len(tokenizer)))
    return {**about(), "seed": SEED, "temperature": temperature, "held_out": asdict(figures[0]), "test": asdict(figures[1])}


def figures_again(folder):
    "What is known of the model in a folder, computed again beside when and where it was trained; its card is written anew"
    (tokenizer, model), told = load_small_model(folder, device="cpu"), json.loads(RESULT.read_text(encoding="utf-8"))["training"]
    table, targets, vectors = taught()
    figures = figures_of(*kept_apart(table, targets, vectors), temperature=model.temperature), tested(tokenizer, model, table.names)
    (folder / "README.md").write_text(card(*figures, model.temperature, len(tokenizer)), encoding="utf-8")
    return {**told, "held_out": asdict(figures[0]), "test": asdict(figures[1]), "figures_computed": about()}


def word_regression(table, steps=1000):
    "Weights of words and pairs of words (TF-IDF), and a regression on them, which numbers the labels, learned from the texts of a table"
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    regression = LogisticRegression(C=30.0, max_iter=steps)
    return words, regression.fit(words.fit_transform(table.texts), targets_of(table, table.names).numpy())


def rivals():
    "The figures of the teacher, and of a regression on words and pairs of words, for the test questions"
    table, test = banking77("train"), banking77("test")
    targets, wanted = targets_of(table, table.names), targets_of(test, table.names)
    encoder = load_small_model("all-minilm-l6-v2", task="feature-extraction", device="cpu")
    teacher = fit_head(features(table.texts, *encoder), targets, STRENGTH).scores(features(test.texts, *encoder))
    words, regression = word_regression(table)
    scores = torch.from_numpy(regression.decision_function(words.transform(test.texts)))
    found = {"all-minilm-l6-v2 and regression": teacher, "TF-IDF and regression": scores}
    return {name: asdict(figures_of(given, wanted)) for name, given in found.items()}


def about():
    "The machine, and how busy it is"
    here, names = machine(), ("torch", "transformers", "tokenizers", "scikit-learn")
    return {
        "processor": here.processor, "cores": here.cores, "threads": torch.get_num_threads(),
        "load_average": [round(load, 2) for load in psutil.getloadavg()],
        "versions": {name: importlib.metadata.version(name) for name in names},
    }


def speed(folder):
    "Texts in a second of the student and of MiniLM with a head of the same labels, in float32, in turn"
    texts, student = list(banking77("test").texts), load_small_model(folder, device="cpu")
    tokenizer, encoder = load_small_model("all-minilm-l6-v2", task="feature-extraction", device="cpu", dtype="float32")
    teacher = SentenceForSequenceClassification(encoder, banking77().names).eval()
    pairs = {"banking-tiny": (*student, QUICK), "all-minilm-l6-v2": (tokenizer, teacher, SLOW)}
    found = {name: [] for name in pairs}
    for number in tqdm(range(ROUNDS + 1), unit="round"):
        for name, (tokenizer, model, count) in pairs.items():
            chosen = random.Random(number).sample(texts, count)  # noqa: S311
            started = time.perf_counter()
            predict(chosen, tokenizer, model)
            if number: found[name].append(count / (time.perf_counter() - started))
    ratios = [quick / slow for quick, slow in zip(*found.values(), strict=True)]
    times = {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
    return {**about(), "texts_per_second": found, "times_as_many": times}


def loading(folder):
    "Seconds to load the model in a process that has imported PyTorch and the package, for the first time and once more"
    code = """import json, sys, time
import torch
from slm_overview import load_small_model
times = [time.perf_counter()]
for _ in range(2):
    load_small_model(sys.argv[1], device="cpu")
    times.append(time.perf_counter())
print(json.dumps([after - before for before, after in zip(times, times[1:])]))"""
    command = [sys.executable, "-c", code, str(folder)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(ROUNDS)]
    return {**about(), "first_seconds": [first for first, _ in runs], "again_seconds": [again for _, again in runs]}


def main():
    "Train and measure, or measure only"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the model is saved; replaced if it is there")
    parser.add_argument("--speed", action="store_true", help="train nothing, and measure the model in the folder")
    parser.add_argument("--loading", action="store_true", help="measure how long the model in the folder takes to load, and no more")
    parser.add_argument("--figures", action="store_true", help="keep the model in the folder, and compute its figures again")
    parser.add_argument("--save", action="store_true", help=f"keep the result in {RESULT.name}")
    chosen = parser.parse_args()
    found, all_of_it = {}, not (chosen.speed or chosen.loading or chosen.figures)
    if all_of_it or chosen.figures: found = {"training": (make if all_of_it else figures_again)(chosen.folder), "rivals": rivals()}
    if all_of_it or chosen.speed: found["speed"] = speed(chosen.folder)
    if all_of_it or chosen.loading: found["loading"] = loading(chosen.folder)
    print(json.dumps(found, indent=1))
    if not chosen.save: return
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    RESULT.write_text(json.dumps({**kept, **found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
