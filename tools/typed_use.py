"""Every public name of `slm_overview`, used as a reader would, for programs that check types; tools/checks.py runs them on it.

Nothing here is meant to be run. What is asserted is what an editor shows: the type of each result.
"""
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import pandas as pd
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

import slm_overview
from slm_overview import (
    PACKAGED_MODELS,
    Answer,
    Answers,
    BulkResult,
    BulkStatus,
    Calibration,
    Catalog,
    Compressed,
    Divergence,
    Energy,
    Entities,
    Entity,
    Expected,
    Fetched,
    Filling,
    Forecast,
    Gaps,
    Generation,
    Hits,
    Index,
    LocalModel,
    PackagedModel,
    Perplexity,
    Prediction,
    Predictions,
    Ratio,
    Removed,
    Report,
    ServerModel,
    Size,
    SmallModel,
    Tuned,
    Verified,
    agreement,
    answer_question,
    build_index,
    bulk_forecast,
    bulk_status,
    bulk_verify,
    calibrate,
    chat,
    choose,
    classify,
    classify_by_choice,
    compare_reports,
    compress,
    divergence,
    embed,
    embed_document,
    embed_query,
    embedding_agreement,
    energy_of,
    entities,
    fetch_model,
    fill_mask,
    fit,
    format_bytes,
    generate,
    load_small_model,
    local_models,
    machine,
    measure,
    overview_table,
    perplexity,
    predict,
    predict_file,
    probe,
    read_report,
    remove_model,
    rerank,
    resolve,
    save_report,
    search,
    serve,
    serve_vectors,
    similarity,
    size,
    size_table,
    stream,
    tune,
    untrained_weights,
    zero_shot,
)
from slm_overview.labelling.engine import Agreement
from slm_overview.loading.resolve import Checkpoint
from slm_overview.sizing.choose import Choice, Fit
from slm_overview.sizing.machine import Machine, Probe
from slm_overview.sizing.size import SizeTable
from slm_overview.writing.answers import Stream
from slm_overview.writing.llama_cpp import LlamaCppModel
from slm_overview.writing.server import ModelServer

TEXTS = ["The match went into extra time.", "The central bank raised interest rates."]


def the_example_of_the_overview() -> torch.Tensor:
    "As it is printed there"
    tokenizer, model = load_small_model()
    text = "This is a test sentence."
    return predict(text, tokenizer, model)


def labels() -> None:
    "Labels, vectors and what they are made of"
    tokenizer, model = load_small_model("distilbert-base-uncased", task="text-classification", dtype="bfloat16")
    assert_type(tokenizer, PreTrainedTokenizerBase)
    assert_type(model, PreTrainedModel)
    assert_type(predict(TEXTS, tokenizer, model, quantize="int8"), torch.Tensor)
    found = classify(TEXTS, tokenizer, model, top_k=2)
    assert_type(found, Predictions)
    assert_type(found[0], Prediction)
    assert_type(found[0].scores, dict[str, float])
    assert_type(found[:1], tuple[Prediction, ...])
    assert_type([one.label for one in found], list[str])
    assert_type(stream((text for text in TEXTS), tokenizer, model), Iterator[Prediction])
    tuned = tune(TEXTS, ["a", "b"], method="lora", refit=False, out="classifier", class_weight="balanced", device="cpu")
    assert_type(tuned, Tuned)
    assert_type(predict(TEXTS, tuned.tokenizer, tuned.model), torch.Tensor)
    smaller = compress(tuned.tokenizer, tuned.model, "student", TEXTS, keep=3, epochs=2, out="smaller")
    assert_type(smaller, Compressed)
    assert_type(predict(TEXTS, smaller.tokenizer, smaller.model), torch.Tensor)
    assert_type(agreement(TEXTS, tokenizer, model), list[Agreement])
    assert_type(untrained_weights(model), tuple[str, ...])
    tagged = entities(TEXTS, *load_small_model("maker/tagger", task="token-classification", num_labels=3), aggregation_strategy="first")
    assert_type(tagged, Entities)
    assert_type(tagged[0][0], Entity)
    assert_type([(one.word, one.label, one.start, one.end) for text in tagged for one in text], list[tuple[str, str, int, int]])
    assert_type(tagged.to_frame(), pd.DataFrame)
    answers = answer_question("Who?", TEXTS, *load_small_model("maker/reader", task="question-answering"), top_k=2)
    assert_type(answers, Answers)
    assert_type(answers[0].best, Answer)
    gaps = fill_mask("A [MASK].", *load_small_model("distilbert-base-uncased", task="fill-mask"), targets=["test"])
    assert_type(gaps, Gaps)
    assert_type(gaps[0][0].best, Filling)
    inference = load_small_model("maker/inference", task="text-classification")
    assert_type(zero_shot(TEXTS, ["sport"], *inference, multi_label=True), Predictions)


def this_machine() -> None:
    "What is here, and how it comes and goes"
    fetched = fetch_model("maker/model", revision="main", dry_run=True)
    assert_type(fetched, Fetched)
    assert_type(fetched.folder, Path | None)
    assert_type(local_models(verify=True), list[LocalModel])
    assert_type(remove_model("maker/model", dry_run=True), Removed)


def files() -> None:
    "A file of rows in, a file of answers out"
    done = predict_file("rows/*.csv", "answers.parquet", "banking-tiny", id_column="key", limit=1000, max_length=128)
    assert_type(done, BulkResult)
    assert_type((done.rows, done.computed, done.errors), tuple[int, int, int])
    assert_type(bulk_status("answers.parquet"), BulkStatus)
    assert_type(bulk_status("answers.parquet").seconds_left, float | None)
    assert_type(bulk_verify("answers.parquet", "rows/*.csv"), Verified)
    assert_type(bulk_forecast("rows/*.csv", "banking-tiny", rows=200, price_per_hour=0.4), Forecast)


def measuring() -> None:
    "What a model costs, predicted and measured"
    report = measure("smollm2-135m", lengths=(32, 256), seconds=10)
    assert_type(report, Report)
    assert_type(report.memory, tuple[int | None, int | None])
    assert_type(read_report(save_report(report, "smollm2.json")), Report)
    assert_type(compare_reports(report, report), list[Ratio])
    calibration = calibrate([report, "report.json"], keep=False)
    assert_type(calibration, Calibration)
    assert_type(fit("smollm2-135m", calibration=calibration).expected, Expected | None)


def costs() -> None:
    "What some work takes"
    spent = energy_of(lambda: predict(TEXTS, *load_small_model()))
    assert_type(spent, Energy)
    assert_type((spent.joules, spent.label, spent.processor_seconds), tuple[float | None, str, float])


def likelihoods() -> None:
    "What a decoder expects of texts, and beside another one"
    tokenizer, model = load_small_model("smollm2-135m", engine="transformers")
    read = perplexity(TEXTS, tokenizer, model, window=256)
    assert_type(read, Perplexity)
    assert_type((read.perplexity.value, read.tokens), tuple[float, int])
    far = divergence(TEXTS, tokenizer, model, model)
    assert_type(far, Divergence)
    assert_type((far.nats.low, far.same_token.value, far.perplexity_more.high), tuple[float, float, float])


def vectors() -> None:
    "What sentence-transformers saved, loaded by its name alone"
    tokenizer, model = load_small_model("all-minilm-l6-v2")
    assert_type(model, Any)
    assert_type(embed(TEXTS, tokenizer, model), torch.Tensor)
    assert_type(embed(TEXTS, tokenizer, model, output_value="token_embeddings"), list[torch.Tensor])
    assert_type(embed_query("Which?", tokenizer, model) @ embed_document(TEXTS, tokenizer, model).T, torch.Tensor)
    assert_type(embedding_agreement(TEXTS, tokenizer, model)[0].neighbors_equal, float)
    assert_type(build_index(TEXTS, tokenizer, model), Index)
    assert_type(search("Which?", TEXTS, tokenizer, model), Hits)
    assert_type(search(["Which?"], build_index(TEXTS, tokenizer, model), tokenizer, model), list[Hits])
    reranker = load_small_model("cross-encoder/ms-marco-MiniLM-L6-v2", task="text-classification")
    assert_type([hit.text for hit in rerank("Which?", TEXTS, *reranker)], list[str])
    assert_type(similarity(TEXTS[0], TEXTS, tokenizer, model), torch.Tensor)
    assert_type(zero_shot(TEXTS, ["sport", "money"], tokenizer, model), Predictions)


def answers() -> None:
    "Writing, with a model that is loaded here and with a server"
    tokenizer, model = load_small_model("smollm2-135m", task="text-generation")
    assert_type(model, PreTrainedModel | LlamaCppModel)
    assert_type(generate("Once upon a time", tokenizer, model, max_new_tokens=20), Generation)
    assert_type(generate(["One", "Two"], tokenizer, model, batch_size=2), list[Generation])
    assert_type(generate("Once", tokenizer, model, stream=True), Stream)
    answer = chat([{"role": "user", "content": "Why is rain wet?"}], tokenizer, model, temperature=0.7, seed=1, when_full="drop")
    assert_type(answer, Generation)
    assert_type((answer.text, answer.new_tokens, answer.finish_reason), tuple[str, int, str])
    for piece in chat("Why is rain wet?", tokenizer, model, stream=True): assert_type(piece, str)
    assert_type(classify_by_choice(TEXTS, tokenizer, model, ["sport", "money"]), Predictions)
    assert_type(predict(TEXTS, tokenizer, model, choices=["sport", "money"]), torch.Tensor)
    with serve("smollm2-135m", port=0) as server:
        assert_type(server, ModelServer)
        assert_type(chat("Why is rain wet?", None, ServerModel(server.url)), Generation)
    assert_type(serve_vectors(*load_small_model("all-minilm-l6-v2", task="feature-extraction"), port=0, name="mine"), ModelServer)


def catalogue() -> None:
    "Models and their facts"
    catalog = Catalog.load()
    model = catalog["phi-2"]
    assert_type(catalog, Catalog)
    assert_type(model, SmallModel)
    assert_type((model.slug, model.licence, model.parameters, model.context_length), tuple[str, str, int, int])
    assert_type([one.name for one in catalog.filter(kind="decoder-only", commercial_use=True).sort("parameters")], list[str])
    assert_type(overview_table(), pd.DataFrame)
    assert_type(PACKAGED_MODELS["smollm2-135m"], PackagedModel)
    assert_type(resolve("smollm2-135m"), Checkpoint)
    assert_type(resolve("smollm2-135m").folder, Path)


def sizes() -> None:
    "What models need, what fits, and what this machine can do"
    needed = size("gemma-2b", dtype="int8", context=4096)
    assert_type(needed, Size)
    assert_type((needed.weights, needed.vocabulary, needed.kv_cache, needed.activations), tuple[int, int, int | None, int | None])
    assert_type(format_bytes(needed.total), str)
    assert_type(size_table("gemma-2b", contexts=[512, 4096]), SizeTable)
    assert_type(fit("phi-2", "8GB"), Fit)
    assert_type(choose(task="chat", memory="8GB", commercial_use=True), Choice)
    assert_type(machine(), Machine)
    assert_type(probe(seconds=1.0), Probe)


def refusals() -> str:
    "Every refusal is one kind of error, and every warning one kind of warning"
    try: labels()
    except (slm_overview.OptionError, slm_overview.InputError, slm_overview.ModelError) as error: return str(error)
    except slm_overview.SlmError as error: raise SystemExit(f"{type(error).__name__}: {error}") from error
    return slm_overview.SlmWarning.__name__
