"""Small encoders that begin with random weights, and learn labels, or the vectors that a larger encoder gives.

They are used by `size_against_task.py`. A shape is a number of layers and a width. Without layers an encoder is a table of vectors of
word pieces, their mean, and one matrix; with layers it is a BERT. The word pieces are made of the texts that are learned from. Nothing
here is chosen on texts to test on: batch, rates and epochs are the same for all tasks.
"""
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

SHAPES = {"no layers, width 192": (0, 192), "1 layer, width 128": (1, 128)}
LONGEST, HEAD_WIDTH = 128, 32  # tokens that are read of a text; width of a head of attention
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


def distilled(texts, taught, shape, seed=0, train=True):
    "Tokenizer and encoder that learned the vectors of texts, without their labels"
    seeded(seed)
    tokenizer, model = model_of(texts, shape, taught.shape[1], ["none"])
    if train: learn(tokenizer, model, texts, lambda places, found: (1 - functional.cosine_similarity(found, taught[places])).mean())
    return tokenizer, model.encoder


def from_scratch(table, shape, seed=0, train=True):
    "Tokenizer and classifier that learned the labels of texts, and nothing else"
    seeded(seed)
    texts, targets = list(table.texts), torch.tensor([table.names.index(label) for label in table.labels])
    tokenizer, model = model_of(texts, shape, shape[1], table.names, nn.Tanh())
    def loss_of(places, found): return functional.cross_entropy(model.classifier(found), targets[places], label_smoothing=SMOOTHED)
    if train: learn(tokenizer, model, texts, loss_of)
    return tokenizer, model


def bytes_of(*modules):
    "Bytes of the weights that were learned"
    return sum(weight.nbytes for module in modules for weight in module.parameters() if weight.requires_grad)
