"""Small encoders that begin with random weights, or with a part of a larger encoder, and learn labels, or the larger one's vectors.

They are used by `size_against_task.py`. A shape is a number of layers and a width. Without layers an encoder is a table of vectors of
word pieces, their mean, and one matrix; with layers it is a BERT. The word pieces are made of the texts that are learned from. What is
cut from a larger encoder keeps all its layers and word pieces, and has fewer numbers for each token. Nothing here is chosen on texts to
test on: batch, rates and epochs are the same for all tasks.
"""
import copy
import math
import random

import torch
from banking_tiny import FIRST, LEFT_OUT, PAD, SMOOTHED, cut_up, halves, word_pieces
from torch import nn
from torch.nn import functional
from tqdm import tqdm
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from slm_overview.labelling.pooling import Behind, Dense
from slm_overview.labelling.sentence_classifier import SentenceForSequenceClassification
from slm_overview.tuning.full import CrossEntropy, Training, train

SHAPES = {"no layers, width 192": (0, 192), "1 layer, width 128": (1, 128)}
LONGEST, HEAD_WIDTH = 128, 32  # tokens that are read of a text; width of a head of attention
WIDTHS = (192, 96)  # of what is cut from a larger encoder
AGAIN = Training(epochs=10, learning_rate=1e-3)  # how what was cut learns the vectors of the whole one
EPOCHS, STEPS, BATCH, RATES = 30, 300, 32, (5e-3, 1e-3)  # how often all texts are read, steps at least, rates of the table and of the rest


def model_of(texts, shape, width, names, activation=None):
    "Tokenizer and classifier with random weights, of texts like some texts, whose head reads vectors of a width"
    layers, inner = shape
    words = word_pieces(texts)
    config = BertConfig(
        vocab_size=words.get_vocab_size(), hidden_size=inner, num_hidden_layers=layers, num_attention_heads=inner // HEAD_WIDTH,
        intermediate_size=4 * inner, max_position_embeddings=LONGEST, type_vocab_size=1, pad_token_id=PAD,
    )
    encoder = BertModel(config, add_pooling_layer=False)
    nn.init.normal_(encoder.embeddings.word_embeddings.weight, 0, 0.3)
    if not layers:  # the order of words is not read
        nn.init.zeros_(encoder.embeddings.position_embeddings.weight)
        encoder.embeddings.position_embeddings.requires_grad_(False)
    encoder.behind = Behind(on_texts=nn.Sequential(Dense(inner, width, True, activation or nn.Identity(), False)), max_length=LONGEST)
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=LONGEST, **special)
    return tokenizer, SentenceForSequenceClassification(encoder, names, normalize=False).eval()


def batch_of(rows):
    "Tokens of texts side by side; some of them, drawn at random, are left out, but not the first of a text"
    kept = [row[(torch.rand(len(row)) > LEFT_OUT) | (row == FIRST)][:LONGEST] for row in rows]
    tokens = nn.utils.rnn.pad_sequence(kept, batch_first=True, padding_value=PAD)
    return {"input_ids": tokens, "attention_mask": (tokens != PAD).long()}


def learn(tokenizer, model, texts, loss_of):
    "Change the weights of a classifier until a loss that is told places of texts, and what the head reads of them, is small"
    table = model.encoder.embeddings.word_embeddings.weight
    rest = [weight for weight in model.parameters() if weight.requires_grad and weight is not table]
    optimizer = torch.optim.AdamW([{"params": [table], "weight_decay": 0.0}, {"params": rest}])
    steps = math.ceil(len(texts) / BATCH)
    epochs = max(EPOCHS, math.ceil(STEPS / steps))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, list(RATES), total_steps=epochs * steps, pct_start=0.1)
    words = tokenizer.backend_tokenizer
    encoded, pairs = words.encode_batch(texts), halves(words)
    model.train()
    for _ in tqdm(range(epochs), unit="epoch", leave=False):
        rows = [cut_up(row.ids, pairs) for row in encoded]
        for places in torch.randperm(len(texts)).split(BATCH):
            loss = loss_of(places, model.vectors(**batch_of([rows[place] for place in places.tolist()])))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(rest, 1.0)
            optimizer.step()
            schedule.step()
    model.eval()


def seeded(seed):
    "Begin with the same random numbers for the same seed"
    torch.manual_seed(seed)
    random.seed(seed)


def distilled(texts, taught, shape, seed=0, trained=True):
    "Tokenizer and encoder that learned the vectors of texts, without their labels"
    seeded(seed)
    tokenizer, model = model_of(texts, shape, taught.shape[1], ["none"])
    if trained: learn(tokenizer, model, texts, lambda places, found: (1 - functional.cosine_similarity(found, taught[places])).mean())
    return tokenizer, model.encoder


def from_scratch(table, shape, seed=0, trained=True):
    "Tokenizer and classifier that learned the labels of texts, and nothing else"
    seeded(seed)
    texts, targets = list(table.texts), torch.tensor([table.names.index(label) for label in table.labels])
    tokenizer, model = model_of(texts, shape, shape[1], table.names, nn.Tanh())
    def loss_of(places, found): return functional.cross_entropy(model.classifier(found), targets[places], label_smoothing=SMOOTHED)
    if trained: learn(tokenizer, model, texts, loss_of)
    return tokenizer, model


def largest(numbers, count):
    "The places of the largest numbers, in their order"
    return numbers.topk(count).indices.sort().values


def cut_layer(layer, kept, width):
    "The weights of a layer of a BERT with the numbers of a token that are kept, and the heads and inner numbers with the largest weights"
    value, written, up, down = layer.attention.self.value, layer.attention.output.dense, layer.intermediate.dense, layer.output.dense
    by_head = [weight.reshape(-1, HEAD_WIDTH * len(written.weight)).norm(dim=1) for weight in (value.weight, written.weight.T)]
    chosen = largest(by_head[0] * by_head[1], width // HEAD_WIDTH)
    heads = torch.arange(len(value.weight)).view(-1, HEAD_WIDTH)[chosen].flatten()
    inner = largest(up.weight.norm(dim=1) * down.weight.norm(dim=0), 4 * width)
    into = {"attention.self": heads, "intermediate": inner}  # what is written, and what is read: the numbers of a token, unless said here
    out_of = {"attention.output": heads, "output": inner}
    found = {}
    for name, weight in layer.state_dict().items():
        part = name.rsplit(".", 2)[0]
        rows = weight[into.get(part, kept)]
        found[name] = rows[:, out_of.get(part, kept)] if rows.ndim == 2 else rows
    return found


def narrower(encoder, width):
    "A BERT with fewer numbers for each token, those that its normalisations make largest, and which they are"
    config = copy.deepcopy(encoder.config)
    config.hidden_size, config.num_attention_heads, config.intermediate_size = width, width // HEAD_WIDTH, 4 * width
    small = BertModel(config, add_pooling_layer=False).eval()
    gains = [module.weight.detach() ** 2 for module in encoder.modules() if isinstance(module, nn.LayerNorm)]
    kept = largest(sum(gain / gain.sum() for gain in gains), width)
    small.embeddings.load_state_dict({name: weight[..., kept] for name, weight in encoder.embeddings.state_dict().items()})
    for ours, theirs in zip(small.encoder.layer, encoder.encoder.layer, strict=True): ours.load_state_dict(cut_layer(theirs, kept, width))
    return small, kept


class Vectors(CrossEntropy):
    "Learning the directions of vectors"

    def loss(self, model, vectors, targets): return (1 - functional.cosine_similarity(vectors, targets)).mean()


def narrowed(tokenizer, encoder, texts, taught, width, seed=0, trained=True):
    "A narrower encoder that learned the vectors of texts, without their labels, and puts its numbers where they were before"
    seeded(seed)
    small, kept = narrower(encoder, width)
    back = Dense(width, taught.shape[1], True, nn.Identity(), False)
    back.linear.load_state_dict({"weight": torch.eye(taught.shape[1])[:, kept], "bias": torch.zeros(taught.shape[1])})
    small.behind = Behind(on_texts=nn.Sequential(back), max_length=LONGEST)
    model = SentenceForSequenceClassification(small, ["none"], normalize=False).eval()
    apart = torch.zeros(len(texts), dtype=torch.bool)
    if trained: train(model, tokenizer, texts, taught, apart, AGAIN, Vectors(), stop=AGAIN.epochs)
    return tokenizer, model.encoder


def bytes_of(*modules):
    "Bytes of the weights that were learned"
    return sum(weight.nbytes for module in modules for weight in module.parameters() if weight.requires_grad)
