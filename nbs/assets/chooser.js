// The chooser: which models fit a memory, a context, a task, a licence and a language. It answers as `slm_overview.choose` does,
// from numbers that `slm_overview.size` gave for every step of the sliders when the site was built.
(() => {
  "use strict";
  const place = document.getElementById("chooser");
  if (!place) return;

  const PARTS = ["weights", "vocabulary", "kv_cache", "activations"]; // their colours stand in the style sheet
  const MACHINES = { "Phone with 2 GB free": 2e9, "Laptop with 6 of 8 GB free": 6e9, "Laptop with 12 of 16 GB free": 12e9, "Card of 24 GB": 24e9 };
  const START = { memory: 8e9, context: 4096 };
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const wordsOf = (name) => name.replaceAll("_", " ").replace("kv", "KV");
  const grouped = (number, digits = 0) => number.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

  // A number with so many decimals, as Python writes it: a number that lies exactly between two goes to the even one, not to the larger
  function rounded(number, digits) {
    const isBetween = (number * 2 ** (digits + 1)) % 2 === 1, below = Math.floor(number * 10 ** digits);
    return (isBetween ? (below + (below % 2)) / 10 ** digits : number).toFixed(digits);
  }
  // The same text as `format_bytes` of the package
  function formatBytes(size) {
    for (const unit of ["B", "kB", "MB"]) {
      if (size < 999.5) return `${rounded(size, unit === "B" || size >= 99.95 ? 0 : 1)} ${unit}`;
      size /= 1000;
    }
    const unit = size < 9999.5 ? "GB" : "TB";
    if (unit === "TB") size /= 1000;
    const [whole, rest] = rounded(size, size >= 9.995 ? 1 : 2).split(".");
    return `${grouped(Number(whole))}.${rest} ${unit}`;
  }

  // ---- the rules, with the words of the package
  // The checkpoint that does the task, under its own licence: that of the record, or another one that the task needs
  const offered = (model, need) => model.tuned[need.task] ?? model;
  function taskReason(model, need, data) {
    const wanted = data.fine_tuned[need.task];
    if (wanted) return model.kind === wanted ? "" : `not the task: it is no ${wanted} model`;
    if (need.task && !model.tasks.includes(need.task)) return `not the task: it does ${model.tasks.join(", ")}`;
    const other = offered(model, need);
    return other.refused ? `not the task: ${model.hub_id} does not do it, and ${other.hub_id} is not offered: ${other.refused}` : "";
  }
  const thereReason = (model) => (model.gone ? `not to be had: ${model.gone}` : "");
  function contextReason(model, need) {
    return need.context <= model.context_length ? "" : `too short a context: it is made for ${grouped(model.context_length)} tokens`;
  }
  function licenceReason(model, need) {
    const allowed = { yes: ["yes"], conditional: ["yes", "conditional"] }[need.commercial_use];
    const one = offered(model, need);
    if (!allowed || allowed.includes(one.commercial_use)) return "";
    const terms = one.commercial_terms || `${one.licence} does not allow it`;
    return `commercial use ${one.commercial_use === "conditional" ? "under conditions only" : "not allowed"}: ${terms}`;
  }
  const others = (model) => (model.other_languages === "programming languages" ? "" : model.other_languages);
  const unnamed = (model, need) => (need.language && !model.languages.includes(need.language) ? need.language : "");
  const languageReason = (model, need) => (unnamed(model, need) && !others(model) ? `a language is not named: ${need.language}` : "");
  function notes(model, need, data) {
    const found = [], one = offered(model, need);
    if (one.hub_id !== model.hub_id) found.push(`the checkpoint for ${need.task} is ${one.hub_id}`);
    if (data.fine_tuned[need.task]) found.push(`needs fine-tuning for ${need.task}`);
    if (unnamed(model, need)) found.push(`${need.language} not named; its developer says: ${others(model)}`);
    if (one.gated) found.push("its terms must be accepted on the Hub first");
    return found;
  }

  // ---- the answer
  function sizeOf(model, precision, step) {
    const kept = model.sizes[precision];
    const figures = { weights: kept.weights, vocabulary: kept.vocabulary, kv_cache: kept.kv_cache[step], activations: kept.activations[step] };
    const working = kept.turns ? Math.max(figures.kv_cache, figures.activations) : figures.kv_cache + figures.activations;
    return { precision, required: kept.weights + kept.vocabulary + working, turns: kept.turns, ...figures };
  }
  function consider(model, need, data) {
    const reason = taskReason(model, need, data) || thereReason(model) || contextReason(model, need) || licenceReason(model, need) || languageReason(model, need);
    if (reason) return { reason };
    const names = data.precisions.map((one) => one.name).filter((name) => name in model.sizes && (!need.precision || name === need.precision));
    if (!names.length) return { reason: `not in ${need.precision}: no engine here can run it so` };
    const tried = names.map((name) => sizeOf(model, name, need.step));
    const best = tried.find((one) => one.required <= need.memory);
    const last = tried.at(-1);
    return best ? { size: best } : { reason: `too large: it needs ${formatBytes(last.required)} even in ${last.precision}` };
  }
  function answer(need, data) {
    const all = data.models.map((model) => ({ model, ...consider(model, need, data) }));
    const fits = all.filter((one) => one.size);
    fits.sort((a, b) => (a.model.released < b.model.released) - (a.model.released > b.model.released) || b.model.parameters - a.model.parameters);
    return { fits, rejected: all.filter((one) => one.reason) };
  }

  // ---- the form
  function slider(name, label, steps, start, text) {
    const input = make("input", { type: "range", name, min: 0, max: steps.length - 1, step: 1, id: `chooser-${name}` });
    const shown = make("output", { for: `chooser-${name}` });
    input.value = String(steps.indexOf(start));
    const tell = () => {
      shown.value = text(steps[Number(input.value)]);
      input.setAttribute("aria-valuetext", shown.value);
    };
    input.addEventListener("input", tell);
    input.tell = tell;
    tell();
    return make("label", {}, make("span", {}, label), shown, input);
  }
  function select(name, label, choices) {
    const box = make("select", { name });
    for (const [value, text] of choices) box.append(make("option", { value }, text));
    return make("label", {}, label, box);
  }
  function formFor(data) {
    const same = (names) => [["", "any"], ...names.map((name) => [name, name])];
    const form = make("form", { "aria-label": "What you have, and what you need" });
    const machines = make("div", { class: "machines", role: "group", "aria-label": "Common machines" });
    for (const [name, bytes] of Object.entries(MACHINES)) {
      const button = make("button", { type: "button", "data-bytes": bytes }, name);
      button.addEventListener("click", () => {
        form.elements.memory.value = String(data.memories.indexOf(bytes));
        form.elements.memory.tell();
        form.dispatchEvent(new Event("input"));
      });
      machines.append(button);
    }
    form.append(
      slider("memory", "Memory for the model", data.memories, START.memory, formatBytes),
      slider("context", "Longest text, with the answer", data.contexts, START.context, (tokens) => `${grouped(tokens)} tokens`),
      select("task", "Task", same([...data.tasks, ...Object.keys(data.fine_tuned)])),
      select("commercial_use", "Commercial use", [["", "does not matter"], ["yes", "allowed"], ["conditional", "allowed, also under conditions"]]),
      select("language", "Language", same(data.languages)), select("precision", "Precision", [["", "the finest that fits"], ...data.precisions.map((one) => [one.name, one.name])]),
      machines,
    );
    form.elements.task.value = "chat";
    form.addEventListener("submit", (event) => event.preventDefault());
    return form;
  }
  function needOf(form, data) {
    const { memory, context, task, commercial_use, language, precision } = form.elements;
    const step = Number(context.value);
    return {
      memory: data.memories[Number(memory.value)], step, context: data.contexts[step], task: task.value,
      commercial_use: commercial_use.value, language: language.value, precision: precision.value,
    };
  }

  // ---- the result
  // The whole bar is the memory that there is. Of cache and activations that are needed in turn, only the larger one takes room
  function bar(size, memory) {
    const text = PARTS.map((part) => `${wordsOf(part)} ${formatBytes(size[part])}`).join(", ");
    const box = make("div", { class: "bar", role: "img", "aria-label": `${Math.round((100 * size.required) / memory)}% of the memory: ${text}` });
    const smaller = size.kv_cache < size.activations ? "kv_cache" : "activations";
    for (const part of PARTS) {
      if (size.turns && part === smaller) continue;
      const piece = make("span", { class: `part-${part}` });
      piece.style.width = `${(100 * size[part]) / memory}%`;
      box.append(piece);
    }
    return box;
  }
  function copyButton(text) {
    const button = make("button", { type: "button" }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select and copy it";
      }
    });
    return button;
  }
  function howTo(model, size, need, data) {
    const one = offered(model, need), name = one.hub_id === model.hub_id ? model.slug : one.hub_id;
    const how = data.precisions.find((one) => one.name === size.precision).how.replace("{name}", name);
    const summary = make("summary", { "aria-label": `How to load ${model.name}` }, "Load it");
    if (!how.includes("(")) return make("details", {}, summary, make("p", {}, `${how}.`));
    return make("details", {}, summary, make("pre", {}, make("code", {}, how)), copyButton(how));
  }
  function row({ model, size }, need, data) {
    const cell = (key, value, ...content) => make("td", { "data-key": key, "data-value": value, class: typeof value === "number" ? "number" : "" }, ...content);
    const name = make("th", { scope: "row" }, make("a", { href: new URL(model.page, new URL(place.dataset.source, location.href)).href }, model.name));
    const told = notes(model, need, data);
    if (told.length) name.append(make("div", { class: "source-note" }, `${told.join("; ")}.`));
    const one = offered(model, need), asked = Object.keys(one.duties).map(wordsOf).join(", ");
    return make("tr", { "data-slug": model.slug }, name, cell("released", model.released, model.released),
      cell("parameters", model.parameters, `${grouped(Number(rounded(model.parameters / 1e6, 0)))}M`), cell("precision", size.precision, size.precision, howTo(model, size, need, data)),
      cell("required", size.required, formatBytes(size.required), bar(size, need.memory)),
      ...PARTS.map((part) => cell(part, size[part], formatBytes(size[part]))),
      cell("licence", one.licence, one.licence, make("div", { class: "source-note" }, asked)));
  }
  function resultTable(fits, need, data) {
    const heads = ["Model", "Released", "Parameters", "Precision", "Needs", "Weights", "Vocabulary", "KV cache", "Activations", "Licence, duties"];
    const numbers = new Set([2, 4, 5, 6, 7, 8]);
    const head = make("tr", { role: "row" }, ...heads.map((text, index) => make("th", { scope: "col", role: "columnheader", class: numbers.has(index) ? "number" : "" }, text)));
    const rows = fits.map((one) => row(one, need, data));
    // a narrow window shows the rows as blocks, which are no table to those who listen unless they say so
    for (const one of rows) {
      one.setAttribute("role", "row");
      [...one.cells].forEach((cell, index) => {
        cell.setAttribute("role", index ? "cell" : "rowheader");
        if (index) cell.dataset.label = heads[index];
      });
    }
    const table = make("table", { id: "chosen", class: "chosen", role: "table" }, make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, ...rows));
    return make("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": "Models that fit" }, table);
  }
  function legend() {
    const box = make("div", { class: "legend", "aria-hidden": "true" });
    for (const part of PARTS) box.append(make("span", { class: `part-${part}` }, wordsOf(part)));
    box.append("of the memory that there is");
    return box;
  }
  function rejectedList(rejected) {
    const list = make("ul", {}, ...rejected.map((one) => make("li", { "data-slug": one.model.slug }, `${one.model.name}: ${one.reason}`)));
    return make("details", { class: "rejected" }, make("summary", {}, `${rejected.length} models do not fit, and why`), list);
  }

  // ---- the address keeps what is asked
  function remember(form, data) {
    const need = needOf(form, data), query = new URLSearchParams();
    for (const name of ["memory", "context", "task", "commercial_use", "language", "precision"]) if (need[name]) query.set(name, need[name]);
    history.replaceState(null, "", `${location.pathname}?${query}${location.hash}`);
  }
  function restore(form, data) {
    const query = new URLSearchParams(location.search);
    if (!query.size) return;
    for (const name of ["task", "commercial_use", "language", "precision"]) {
      form.elements[name].value = query.get(name) ?? "";
      if (form.elements[name].selectedIndex < 0) form.elements[name].value = "";
    }
    for (const [name, steps] of [["memory", data.memories], ["context", data.contexts]]) {
      const step = steps.indexOf(Number(query.get(name)));
      if (step >= 0) form.elements[name].value = String(step);
      form.elements[name].tell();
    }
  }

  function start(data) {
    const form = formFor(data), count = make("output", { class: "count", "aria-live": "polite" }), result = make("div");
    const show = () => {
      const need = needOf(form, data), { fits, rejected } = answer(need, data);
      const open = result.querySelector("details.rejected")?.open;
      count.value = fits.length ? `${fits.length} of ${data.models.length} models fit` : "No model fits. Give it more memory, a shorter text, or fewer conditions.";
      result.replaceChildren(...(fits.length ? [legend(), resultTable(fits, need, data)] : []), rejectedList(rejected));
      if (open) result.querySelector("details.rejected").open = true;
    };
    restore(form, data);
    form.addEventListener("input", () => { show(); remember(form, data); });
    addEventListener("popstate", () => { restore(form, data); show(); });
    place.replaceChildren(form, count, result);
    show();
  }
  async function load() {
    try {
      const reply = await fetch(place.dataset.source);
      if (!reply.ok) throw new Error(`the server answered ${reply.status}`);
      start(await reply.json());
    } catch (error) {
      place.replaceChildren(make("p", { class: "problem", role: "alert" }, `The numbers could not be loaded (${error.message}). In a terminal, the command slm choose answers the same question.`));
    }
  }
  load();
})();
