"""How much memory a vocabulary takes in llama.cpp and in transformers, beside the weights, and how near `slm_overview.size` comes with it.

Run with `python benchmarks/vocabulary.py [FILE.gguf ...]`; with `--save` the result goes to benchmarks/results/vocabulary.json. The
packaged models are measured always; of each GGUF file that is named, its vocabulary and a whole load in llama.cpp. With a file whose
vocabulary has scores, 32,000 of its pieces serve as a Unigram vocabulary too. What a process grows by is asked of the operating system:
tokenizers   a tokenizer is loaded after a small one, whose second load takes nothing but what every load does and is taken off; in
             llama.cpp there is a model of one narrow layer around it, whose weights are taken off as well
loads        a model is opened, with its tokenizer, and reads a text of the whole context
With `--merges`, the vocabulary of SmolLM2 alone is opened by llama.cpp with more and more merges, of all that two of its entries allow;
with `--save` that goes to benchmarks/results/vocabulary-merges.json. With `--python`, tokenizers that transformers has in Python alone are
loaded, with vocabularies that are written here for each; that needs sentencepiece and protobuf, and goes to vocabulary-python.json.
"""
import argparse
import datetime
import json
import math
import statistics
import tempfile
from importlib import metadata
from pathlib import Path

import gguf
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers.convert_slow_tokenizer import generate_merges

from slm_overview.arithmetic.gguf_types import gguf_tensors
from slm_overview.catalog.models import Catalog
from slm_overview.files.packaged import PACKAGED_MODELS, packaged_path
from slm_overview.sizing.machine import machine
from slm_overview.sizing.size import size
from slm_overview.testing.checkpoints import empty_gguf
from slm_overview.testing.truth import resident_bytes

RESULTS = Path(__file__).parent / "results" / "vocabulary.json"
OF_MERGES, IN_PYTHON = RESULTS.with_name("vocabulary-merges.json"), RESULTS.with_name("vocabulary-python.json")
FEW = 600  # entries of the vocabulary that is loaded first
PIECES = 32_000  # entries of a Unigram vocabulary that is made of a larger one
CONTEXT = 2048  # tokens, of loads
OPEN = """
import xllamacpp
def opened(path, context):
    p = xllamacpp.CommonParams()
    p.model.path = path
    p.n_ctx, p.n_parallel, p.n_batch, p.n_ubatch = context, 1, context, min(context, 512)
    p.kv_unified, p.warmup, p.fit_params, p.verbosity, p.cache_ram_mib = True, False, False, -1, 0
    return xllamacpp.Server(p)
"""
LOAD = """
import torch, transformers
def load(folder, kind, tokenizer, **options):
    text = transformers.AutoTokenizer.from_pretrained(tokenizer, **options)
    model = getattr(transformers, kind).from_pretrained(folder, dtype=torch.float32, **options).eval()
    for parameter in model.parameters(): parameter.sum()
    return text, model
def read(loaded, context, batch):
    text, model = loaded
    text("some text to read")
    texts = torch.randint(5, 400, (batch, context))
    with torch.inference_mode():
        if not model.can_generate(): return model(texts)
        return model.generate(texts, max_new_tokens=1, min_new_tokens=1, do_sample=False, pad_token_id=0)
"""


# Vocabularies

def in_file(path):
    "What a GGUF file says of its tokenizer"
    return {key: field.contents() for key, field in gguf.GGUFReader(path).fields.items() if key.startswith("tokenizer.ggml.")}


def of_wordpiece(folder):
    "The vocabulary of a WordPiece tokenizer as llama.cpp's converter writes it: beginnings of words are marked, and not their insides"
    words = json.loads((Path(folder) / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    tokens = sorted(words, key=words.get)
    special = [len(token) > 1 and token[0] == "[" and token[-1] == "]" for token in tokens]
    named = {"bos": "[CLS]", "eos": "[SEP]", "seperator": "[SEP]", "unknown": "[UNK]", "padding": "[PAD]"}
    marked = [
        token if alone else token.removeprefix("##") if token.startswith("##") else f"\u2581{token}"
        for token, alone in zip(tokens, special, strict=True)
    ]
    ids = {f"tokenizer.ggml.{name}_token_id": words[token] for name, token in named.items()}
    kinds = [3 if alone else 1 for alone in special]
    said = {"model": "bert", "pre": "jina-v2-en", "tokens": marked, "token_type": kinds}
    return {f"tokenizer.ggml.{key}": value for key, value in said.items()} | ids


def shortened(said, count, model=None):
    "The first entries of a vocabulary, and the merges among them"
    cut = {key: value[:count] if isinstance(value, list) else value for key, value in said.items()}
    kept = set(cut["tokenizer.ggml.tokens"])
    if "tokenizer.ggml.merges" in said:
        cut["tokenizer.ggml.merges"] = [merge for merge in said["tokenizer.ggml.merges"] if merge.replace(" ", "") in kept]
    return cut | ({"tokenizer.ggml.model": model} if model else {})


def as_tokenizer(said):
    "The tokenizer that transformers has for such a vocabulary"
    tokens, scores, model = (said.get(f"tokenizer.ggml.{key}") for key in ("tokens", "scores", "model"))
    ids = {token: number for number, token in enumerate(tokens)}
    if model == "t5": made = Tokenizer(models.Unigram(list(zip(tokens, map(float, scores), strict=True)), unk_id=3, byte_fallback=True))
    elif model == "llama":
        merges = generate_merges(ids, dict(zip(tokens, scores, strict=True)))
        made = Tokenizer(models.BPE(vocab=ids, merges=merges, byte_fallback=True, fuse_unk=True))
    else:
        made = Tokenizer(models.BPE(vocab=ids, merges=[tuple(merge.split(" ")) for merge in said["tokenizer.ggml.merges"]]))
        made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made)


def around(said, path):
    "A GGUF file of one narrow layer with such a vocabulary, and the bytes of its weights"
    count = len(said["tokenizer.ggml.tokens"])
    config = {
        "model_type": "llama", "vocab_size": count, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 1, "num_key_value_heads": 1, "max_position_embeddings": 512, "tie_word_embeddings": True,
        "rms_norm_eps": 1e-5,
    }
    keys = {
        "context_length": 512, "embedding_length": 32, "block_count": 1, "feed_forward_length": 64, "attention.head_count": 1,
        "attention.head_count_kv": 1, "attention.layer_norm_rms_epsilon": 1e-5, "rope.dimension_count": 32, "vocab_size": count,
    }
    tensors = list(gguf_tensors(config, "F16").values())
    empty_gguf(path, {"general.architecture": "llama", **{f"llama.{key}": value for key, value in keys.items()}, **said}, tensors)
    return sum(tensor.nbytes for tensor in tensors)


# What they take

def grown(prepare, run, figure, times=1):
    "By how much a fresh process grows, in bytes: the median of so many"
    noted = [resident_bytes(prepare, run) for _ in range(times)]
    return round(statistics.median(one[figure] - one["before"] for one in noted))


def taken(said, folder, place):
    "By how much processes grow in each engine when they load a vocabulary after a small one, without the weights around it"
    small, file, few = Path(folder) / "few.gguf", Path(folder) / "vocabulary.gguf", str(Path(folder) / "few")
    weights = around(said, file)
    opened = grown(f"{OPEN}\nfirst = opened({str(small)!r}, 256)", f"server = opened({str(file)!r}, 256)", "after", times=2)
    load = "transformers.AutoTokenizer.from_pretrained({!r})"
    prepare = f"import torch, transformers\n{load.format(few)}('a b c')"
    loaded = grown(prepare, f"text = {load.format(str(place))}; text('some text')", "after", times=2)
    return {"llama.cpp": opened - weights, "transformers": loaded}


def tokenizer_row(name, kind, said, folder, idle, place=None):
    "What a vocabulary takes in each engine, beyond one with few entries"
    place = place or Path(folder) / name
    if not Path(place).exists(): as_tokenizer(said).save_pretrained(place)
    found = {engine: size - idle[engine] for engine, size in taken(said, folder, place).items()}
    row = {"vocabulary": name, "kind": kind, "entries": len(said["tokenizer.ggml.tokens"]), **found}
    print(row, flush=True)
    return row


def load_row(name, engine, ours, prepare, run):
    "What a whole load takes at most, beside what is predicted"
    row = {"load": name, "engine": engine, "predicted": ours.total, "vocabulary": ours.vocabulary, "taken": grown(prepare, run, "highest")}
    print(row, f"{row['predicted'] / row['taken'] - 1:+.1%}", flush=True)
    return row


def in_llama_cpp(name, path, folder):
    "A file is opened, and reads a text that fills most of its context"
    text = "the cat sat on a mat and looked at the dog in the house " * (CONTEXT // 16)
    run = f"server = opened({str(path)!r}, {CONTEXT})\nserver.handle_completions({{'prompt': {text!r}, 'n_predict': 4}})"
    prepare = f"{OPEN}\nfirst = opened({str(Path(folder) / 'few.gguf')!r}, 512)"
    return load_row(name, "llama.cpp", size(path, context=CONTEXT), prepare, run)


def in_transformers(name, place, tokenizer, kind, config, context, batch, folder):
    "A checkpoint is loaded with its tokenizer and reads; libraries have warmed up with a small one"
    few = str(Path(folder) / "few")
    prepare = f"{LOAD}\nread(load({few!r}, 'AutoModelForCausalLM', {few!r}), {context}, 1)"
    run = f"read(load({str(place)!r}, {kind!r}, {str(tokenizer)!r}), {context}, {batch})"
    return load_row(name, "transformers", size(config, dtype="float32", context=context, batch=batch), prepare, run)


def measured(files):
    "All of it"
    decoder, encoder = (packaged_path(PACKAGED_MODELS[name]) for name in ("smollm2-135m", "all-minilm-l6-v2"))
    kinds = {"gpt2": "BPE", "llama": "SentencePiece"}
    rows, loads, config = [], [], Catalog.load()["smollm2-135m"].config
    with tempfile.TemporaryDirectory() as folder:
        few = shortened(in_file(decoder), FEW)
        around(few, Path(folder) / "few.gguf")
        as_tokenizer(few).save_pretrained(Path(folder) / "few")
        narrow = transformers.LlamaConfig(**{**config, "num_hidden_layers": 1, "vocab_size": 500})
        transformers.AutoModelForCausalLM.from_config(narrow).save_pretrained(Path(folder) / "few")
        idle = taken(few, folder, Path(folder) / "few")
        print(idle, flush=True)
        rows.append(tokenizer_row("all-minilm-l6-v2", "WordPiece", of_wordpiece(encoder), folder, idle, encoder))
        for file in (decoder, *files):
            said, name = in_file(file), Path(file).name.split(".Q")[0]
            rows.append(tokenizer_row(name, kinds[said["tokenizer.ggml.model"]], said, folder, idle))
            loads.append(in_llama_cpp(name, file, folder))
            if said["tokenizer.ggml.model"] == "llama":
                rows.append(tokenizer_row("pieces", "Unigram", shortened(said, PIECES, "t5"), folder, idle))
        loads.append(in_transformers("all-minilm-l6-v2", encoder, encoder, "AutoModel", encoder, 256, 16, folder))
        for name in [name for name in ("SmolLM2-135M-Instruct", "gemma-3-270m") if (Path(folder) / name).exists()]:
            known = Catalog.load()["smollm2-135m" if name.startswith("Smol") else name].config
            made = transformers.CONFIG_MAPPING[known["model_type"]](**{key: value for key, value in known.items() if key != "model_type"})
            transformers.AutoModelForCausalLM.from_config(made).save_pretrained(Path(folder) / f"{name}-shape")
            shape = Path(folder) / f"{name}-shape"
            loads.append(in_transformers(name, shape, Path(folder) / name, "AutoModelForCausalLM", known, 512, 1, folder))
    return {"tokenizers": rows, "loads": loads}


def with_merges():
    "What llama.cpp takes for a vocabulary of byte pairs, with merges for none of its entries, for one in each, and with more of them"
    said, rows = in_file(packaged_path(PACKAGED_MODELS["smollm2-135m"])), []
    tokens, own = said["tokenizer.ggml.tokens"], said["tokenizer.ggml.merges"]
    known = set(tokens)
    pairs = [f"{one[:cut]} {one[cut:]}" for one in tokens for cut in range(1, len(one)) if one[:cut] in known and one[cut:] in known]
    every = list(dict.fromkeys([*own, *pairs]))
    with tempfile.TemporaryDirectory() as folder:
        small, file = Path(folder) / "few.gguf", Path(folder) / "vocabulary.gguf"
        around(shortened(said, FEW), small)
        for merges in (own[:FEW], own, every[: (len(own) + len(every)) // 2], every):
            weights = around({**said, "tokenizer.ggml.merges": merges}, file)
            opened = grown(f"{OPEN}\nfirst = opened({str(small)!r}, 256)", f"server = opened({str(file)!r}, 256)", "after", times=3)
            rows.append({"entries": len(tokens), "merges": len(merges), "llama.cpp": opened - weights})
            print(rows[-1], flush=True)
    return {"merges": rows}


def pieces_file(path, pieces):
    "Write a model of SentencePiece with such pieces"
    from sentencepiece import sentencepiece_model_pb2
    model = sentencepiece_model_pb2.ModelProto()
    model.trainer_spec.model_type, model.trainer_spec.vocab_size = 1, len(pieces) + 3
    model.normalizer_spec.name, model.normalizer_spec.add_dummy_prefix = "identity", True
    for number, piece in enumerate(["<unk>", "<s>", "</s>", *pieces]):
        kind = {0: 2, 1: 3, 2: 3}.get(number, 1)
        model.pieces.add(piece=piece, score=-math.log(number + 1), type=kind)
    Path(path).write_bytes(model.SerializeToString())


def numbered(path, words):
    "Write words with their numbers"
    Path(path).write_text(json.dumps({word: number for number, word in enumerate(words)}), encoding="utf-8")


def written_for(name, count, folder, said, words):
    "The folder of a tokenizer in Python with so many entries, from those of a byte-level vocabulary and of a WordPiece one"
    tokens = said["tokenizer.ggml.tokens"]
    pieces = list(dict.fromkeys([*(token.replace("Ġ", "▁") for token in tokens), *(f"▁{word}" for word in words)]))
    folder.mkdir()
    if name == "ProphetNetTokenizer": (folder / "prophetnet.tokenizer").write_text("\n".join(words[:count]), encoding="utf-8")
    if name == "BertGenerationTokenizer": pieces_file(folder / "spiece.model", pieces[: count - 3])
    if name == "CTRLTokenizer":
        numbered(folder / "vocab.json", tokens[:count])
        (folder / "merges.txt").write_text("\n".join(["#version", *said["tokenizer.ggml.merges"][:count], ""]), encoding="utf-8")
    if name == "MarianTokenizer":
        numbered(folder / "vocab.json", ["</s>", "<unk>", *pieces[: count - 3], "<pad>"])
        for side, start in (("source", 0), ("target", count // 2)): pieces_file(folder / f"{side}.spm", pieces[start : start + count // 2])
    if name == "M2M100Tokenizer":
        numbered(folder / "vocab.json", ["<s>", "<pad>", "</s>", "<unk>", *pieces[: count - 4]])
        pieces_file(folder / "sentencepiece.bpe.model", pieces[: count - 3])
    return folder


def in_python():
    "What tokenizers take that transformers has in Python, after one of the same class with few entries"
    said = in_file(packaged_path(PACKAGED_MODELS["smollm2-135m"]))
    stated = json.loads((Path(packaged_path(PACKAGED_MODELS["all-minilm-l6-v2"])) / "tokenizer.json").read_text(encoding="utf-8"))
    numbers, rows = stated["model"]["vocab"], []
    words = sorted(numbers, key=numbers.get)
    classes = {
        "ProphetNetTokenizer": ("Python", 30_000), "M2M100Tokenizer": ("Python", 58_000), "MarianTokenizer": ("Python", 58_000),
        "CTRLTokenizer": ("Python BPE", 48_000), "BertGenerationTokenizer": ("SentencePiece library", 50_000),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, (kind, count) in classes.items():
            load = f"transformers.{name}.from_pretrained({{!r}})"
            few, many = (str(written_for(name, size, Path(folder) / f"{name}-{size}", said, words)) for size in (FEW, count))
            prepare = f"import torch, transformers\n{load.format(few)}.tokenize('a b c')"
            bytes_more = grown(prepare, f"text = {load.format(many)}; text.tokenize('some text')", "after", times=3)
            rows.append({"tokenizer": name, "kind": kind, "entries": count, "transformers": bytes_more})
            print(rows[-1], round(bytes_more / count), flush=True)
    return {"tokenizers": rows}


def main():
    "Measure, and perhaps save"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE.gguf", help="of decoders, called by the name of the model and its type")
    parser.add_argument("--save", action="store_true", help="keep the result")
    parser.add_argument("--merges", action="store_true", help="measure what merges take, and nothing else")
    parser.add_argument("--python", action="store_true", help="measure tokenizers in Python, and nothing else")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    found = with_merges() if options.merges else in_python() if options.python else measured(options.files)
    libraries = ("torch", "transformers", "tokenizers", *(["sentencepiece"] if options.python else ["xllamacpp"]))
    here = machine()
    result = {
        "date": datetime.date.today().isoformat(), "system": here.system, "processor": here.processor,
        "libraries": {name: metadata.version(name) for name in libraries}, **found,
    }
    path = OF_MERGES if options.merges else IN_PYTHON if options.python else RESULTS
    if options.save: path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
