// Search, filters, sorting, choice of columns, links to rows and downloads for the tables of models.
// The tables are whole without this script, which reads everything it needs from the attributes of rows and cells.
(() => {
  "use strict";

  const FILTERS = {
    kind: "Kind", licence: "Licence", commercial_use: "Commercial use", tasks: "Task",
  };
  const SIZES = [["3e8", "up to 300M"], ["1e9", "up to 1B"], ["2e9", "up to 2B"], ["4e9", "up to 4B"], ["8e9", "up to 8B"]];

  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  // Whether a text has a word that begins like this one: "coder" finds Coder, and no decoder
  const begins = (text, word) => new RegExp(`(^|[^\\p{L}\\p{N}])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`, "u").test(text);
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const cellOf = (row, key) => row.querySelector(`[data-key="${key}"]`);
  const valueOf = (row, index, head) => {
    const cell = row.cells[index];
    const text = cell.dataset.value ?? cell.textContent.trim();
    return head.dataset.type === "number" || (head.classList.contains("number") && text !== "" && !Number.isNaN(Number(text.replaceAll(",", ""))))
      ? (text === "" ? null : Number(String(text).replaceAll(",", ""))) : (text === "" ? null : fold(text));
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));

  // ---- sorting: a button in each heading; the third press restores the order of the page
  function sortable(table, changed = () => {}) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], original = [...body.rows];
    const sort = (column, direction) => {
      heads.forEach((head, index) => {
        if (index === column && direction) head.setAttribute("aria-sort", direction);
        else head.removeAttribute("aria-sort");
      });
      const rows = [...original];
      if (direction) {
        const sign = direction === "ascending" ? 1 : -1;
        rows.sort((one, other) => {
          const a = valueOf(one, column, heads[column]), b = valueOf(other, column, heads[column]);
          return a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b);
        });
      }
      body.append(...rows);
    };
    heads.forEach((head, index) => {
      const button = make("button", { type: "button" });
      button.append(...head.childNodes);
      if (!button.textContent.trim()) return;
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
        sort(index, next === undefined ? "ascending" : next);
        changed();
      });
    });
    return {
      set: (key, direction) => sort(heads.findIndex((head) => head.dataset.key === key), direction),
      get: () => heads.filter((head) => head.hasAttribute("aria-sort")).map((head) => [head.dataset.key, head.getAttribute("aria-sort")])[0],
    };
  }

  // ---- the form above a table
  function select(name, label, choices) {
    const box = make("select", { name }, make("option", { value: "" }, "any"));
    for (const [value, text] of choices) box.append(make("option", { value }, text));
    return make("label", {}, label, box);
  }
  function choicesOf(rows, name) {
    const found = new Set(rows.flatMap((row) => (name === "tasks" ? row.dataset.tasks.split(" ") : [row.dataset[name]])).filter(Boolean));
    return [...found].sort().map((value) => [value, value]);
  }
  function columnBoxes(heads) {
    const boxes = heads.slice(1).map((head) => {
      const box = make("input", { type: "checkbox", name: "column", value: head.dataset.key });
      box.checked = box.defaultChecked = !head.hasAttribute("data-optional");
      return make("label", {}, box, head.textContent.trim());
    });
    return make("details", { class: "columns" }, make("summary", {}, "Columns"), make("div", {}, ...boxes));
  }
  function formFor(table, rows, heads) {
    const form = make("form", { class: "table-tools", "data-for": table.id, role: "search", "aria-label": "Search and filter the models" });
    form.append(
      make("label", {}, "Search", make("input", { type: "search", name: "q", autocomplete: "off", placeholder: "e.g. gemma, grouped-query" })),
      ...Object.entries(FILTERS).map(([name, label]) => select(name === "tasks" ? "task" : name, label, choicesOf(rows, name))),
      select("max_parameters", "Parameters", SIZES),
      columnBoxes(heads),
      make("button", { type: "button", name: "csv" }, "CSV"), make("button", { type: "button", name: "json" }, "JSON"),
      make("button", { type: "reset" }, "Reset"),
      make("output", { class: "count", "aria-live": "polite" }),
    );
    return form;
  }

  // ---- downloads: the rows and columns that are shown, with the exact values, and the columns that belong to these
  function save(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
  function quoted(value) {
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
  function shownData(rows, heads) {
    const along = heads.filter((head) => !head.hidden).flatMap((head) => (head.dataset.along || "").split(" "));
    const keys = heads.filter((head) => !head.hidden || along.includes(head.dataset.key)).map((head) => [head.dataset.key, head.dataset.type]);
    const exact = (row, key, type) => {
      const value = cellOf(row, key).dataset.value;
      return type === "number" ? (value === "" ? null : Number(value)) : value;
    };
    return [keys.map(([key]) => key), rows.map((row) => Object.fromEntries(keys.map(([key, type]) => [key, exact(row, key, type)])))];
  }

  // ---- one table with everything
  function enhance(table) {
    const rows = [...table.tBodies[0].rows], heads = [...table.tHead.rows[0].cells];
    const words = new Map(rows.map((row) => [row, fold(`${row.textContent} ${row.dataset.slug}`)]));
    const form = formFor(table, rows, heads), count = form.querySelector(".count");
    (table.closest(".table-box") || table).before(form);
    const sorter = sortable(table, () => remember());

    function state() {
      const found = new URLSearchParams();
      for (const name of ["q", "kind", "licence", "commercial_use", "task", "max_parameters"]) {
        const value = form.elements[name].value.trim();
        if (value) found.set(name, value);
      }
      const boxes = [...form.querySelectorAll("[name=column]")];
      if (boxes.some((box) => box.checked !== box.defaultChecked)) found.set("columns", boxes.filter((box) => box.checked).map((box) => box.value).join("."));
      const [key, direction] = sorter.get() || [];
      if (key) found.set("sort", `${direction === "descending" ? "-" : ""}${key}`);
      return found;
    }
    function remember() {
      const text = state().toString();
      history.replaceState(null, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
    }
    function matches(row) {
      const { q, kind, licence, commercial_use, task, max_parameters } = form.elements;
      return fold(q.value).split(/\s+/).every((word) => begins(words.get(row), word))
        && (!kind.value || row.dataset.kind === kind.value) && (!licence.value || row.dataset.licence === licence.value)
        && (!commercial_use.value || row.dataset.commercial_use === commercial_use.value)
        && (!task.value || row.dataset.tasks.split(" ").includes(task.value))
        && (!max_parameters.value || Number(row.dataset.parameters) <= Number(max_parameters.value));
    }
    function show() {
      rows.forEach((row) => { row.hidden = !matches(row); });
      const on = new Set([...form.querySelectorAll("[name=column]:checked")].map((box) => box.value));
      heads.forEach((head, index) => {
        const hide = index > 0 && !on.has(head.dataset.key);
        head.hidden = hide;
        rows.forEach((row) => { row.cells[index].hidden = hide; });
      });
      form.querySelector(".columns summary").textContent = `Columns: ${on.size + 1} of ${heads.length}`;
      const left = rows.filter((row) => !row.hidden).length;
      count.value = left ? `${left} of ${rows.length} models` : "No model matches. Reset the filters.";
    }
    function restore() {
      const query = new URLSearchParams(location.search);
      for (const name of ["q", "kind", "licence", "commercial_use", "task", "max_parameters"]) form.elements[name].value = query.get(name) || "";
      const columns = query.get("columns");
      form.querySelectorAll("[name=column]").forEach((box) => { box.checked = columns === null ? box.defaultChecked : columns.split(".").includes(box.value); });
      const sort = query.get("sort");
      sorter.set(sort ? sort.replace(/^-/, "") : null, sort ? (sort.startsWith("-") ? "descending" : "ascending") : null);
      show();
    }
    function jump() {
      table.querySelectorAll("tr.marked").forEach((row) => row.classList.remove("marked"));
      const row = rows.find((one) => one.id && one.id === decodeURIComponent(location.hash.slice(1)));
      if (!row) return;
      if (row.hidden) { form.reset(); show(); remember(); }
      row.classList.add("marked");
      row.tabIndex = -1;
      row.focus({ preventScroll: true });
      row.scrollIntoView({ behavior: "instant", block: "center", inline: "nearest" });
    }

    rows.forEach((row) => row.cells[0].append(make("a", { class: "row-link", href: `#${row.id}`, "aria-label": `Link to ${row.cells[0].textContent.trim()}` }, "#")));
    const changed = () => { show(); remember(); };
    form.addEventListener("input", changed);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.querySelector("[type=reset]").addEventListener("click", (event) => {
      event.preventDefault();
      form.reset();
      sorter.set(null, null);
      changed();
    });
    form.elements.csv.addEventListener("click", () => {
      const [keys, data] = shownData([...table.tBodies[0].rows].filter((row) => !row.hidden), heads);
      save("catalogue.csv", "text/csv", [keys, ...data.map((row) => keys.map((key) => row[key]))].map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n");
    });
    form.elements.json.addEventListener("click", () => {
      const [, data] = shownData([...table.tBodies[0].rows].filter((row) => !row.hidden), heads);
      save("catalogue.json", "application/json", `${JSON.stringify(data, null, 1)}\n`);
    });
    addEventListener("popstate", restore);
    addEventListener("hashchange", jump);
    restore();
    jump();
  }

  document.querySelectorAll("table.catalogue").forEach((table) => (table.dataset.tools === "sort" ? sortable(table) : enhance(table)));
  document.querySelectorAll("table.sortable").forEach((table) => sortable(table));
})();
