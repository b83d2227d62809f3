// What every page has: a way past the navigation, sections of it that keys open, names for the parts of the search,
// and boxes that scroll for those who use the keyboard, with a word on what they cut.
(() => {
  "use strict";

  function skipLink() {
    const main = document.querySelector("main");
    if (!main || document.querySelector(".skip-link")) return;
    main.id = main.id || "content";
    main.tabIndex = -1;
    const link = document.createElement("a");
    link.className = "skip-link";
    link.href = `#${main.id}`;
    link.textContent = "Skip to the content";
    document.body.prepend(link);
  }

  // Whatever is wider than its box can be scrolled with the arrows, once it has the focus
  function reachBoxes() {
    for (const box of document.querySelectorAll("main pre, main div.sourceCode, main .cell-output, main .sd-table")) {
      if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible") box.tabIndex = 0;
      else if (box.tabIndex === 0) box.removeAttribute("tabindex");
    }
  }

  // Quarto's search is made by its own script when the page is there, and again whenever it is opened, and its parts have no names
  const NAMES = { ".aa-DetachedSearchButton": "Search", ".aa-Autocomplete[role]": "Search", ".aa-Input": "Search the site" };

  function nameSearch() {
    for (const [part, name] of Object.entries(NAMES)) {
      for (const element of document.querySelectorAll(part)) {
        if (element.getAttribute("aria-label") !== name) element.setAttribute("aria-label", name);
        element.removeAttribute("aria-labelledby");
        const owned = element.getAttribute("aria-owns");  // what it opens, under the older of two names
        if (owned && element.getAttribute("aria-controls") !== owned) element.setAttribute("aria-controls", owned);
      }
    }
  }

  function search() {
    const box = document.querySelector(".navbar #quarto-search:not(:has(input))");
    if (!box) return;
    box.parentElement.append(box);  // where it is seen: Tab comes to it after the links
    nameSearch();
    new MutationObserver(nameSearch).observe(document.body, { attributeFilter: ["aria-label", "aria-labelledby", "aria-owns"], childList: true, subtree: true });
  }

  // A section of the sidebar opens with the keyboard too. Both renderers make its head two links that lead nowhere, which no key
  // reaches; here the first of them is a button, and the second only a sign beside it.
  function openSections() {
    for (const box of document.querySelectorAll("#quarto-sidebar .sidebar-item-section > .sidebar-item-container")) {
      const [head, ...others] = box.querySelectorAll("[data-bs-toggle='collapse']");
      if (!head) continue;
      for (const other of others) other.setAttribute("aria-hidden", "true");
      head.tabIndex = 0;
      head.setAttribute("role", "button");
      head.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        head.click();
      });
    }
  }

  // What is cut at the right edge of a box is said right above it, as long as it is cut; a form may come between them later
  const notes = new WeakMap();
  function sayWhatIsCut(box) {
    const edge = box.getBoundingClientRect().right;
    const cut = [...box.querySelectorAll("thead th:not([hidden])")].filter((head) => head.getBoundingClientRect().right > edge + 2).length;
    if (!cut && !notes.has(box)) return;
    const note = notes.get(box) ?? document.createElement("p");
    notes.set(box, note);
    note.className = "cut-note";
    note.hidden = !cut;
    const text = `${cut === 1 ? "One more column" : `${cut} more columns`} to the right: scroll the table sideways`;
    if (note.textContent !== text) note.textContent = text;
    if (box.previousElementSibling !== note) box.before(note);
  }

  // Boxes of our own, and those that a renderer has around a table
  function watchTables() {
    for (const box of document.querySelectorAll("main :is(.table-box, .sd-table, .cell-output-markdown:has(> table))")) {
      const look = () => sayWhatIsCut(box);
      box.addEventListener("scroll", look, { passive: true });
      const sizes = new ResizeObserver(look);
      sizes.observe(box);
      if (box.firstElementChild) sizes.observe(box.firstElementChild);
    }
  }

  // What stands above a column is said in the cells of tables that a narrow window shows as blocks
  function labelCells() {
    for (const table of document.querySelectorAll("main table:is(.overview, .corrections)")) {
      const labels = [...table.tHead.rows[0].cells].map((head) => head.textContent.trim());
      for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, index) => { if (index) cell.dataset.label = labels[index]; });
    }
  }

  // In a narrow window these tables are shown as blocks, and a block is no table to those who listen unless it says so
  function keepRoles(narrow) {
    const roles = { tbody: "rowgroup", "tbody tr": "row", "tbody th": "rowheader", "tbody td": "cell" };
    for (const table of document.querySelectorAll("table:is(.key-facts, .licence, .verdicts, .scores, .sources, .not-found, .anatomy, .overview, .corrections, .modules)")) {
      const parts = Object.entries(roles).flatMap(([name, role]) => [...table.querySelectorAll(name)].map((part) => [part, role]));
      for (const [part, role] of [[table, "table"], ...parts]) {
        if (narrow) part.setAttribute("role", role);
        else part.removeAttribute("role");
      }
      if (narrow && table.caption) table.setAttribute("aria-label", table.caption.textContent);
      else table.removeAttribute("aria-label");
    }
  }

  skipLink();
  openSections();
  search();
  const isNarrow = matchMedia("(max-width: 767px)");
  labelCells();
  keepRoles(isNarrow.matches);
  isNarrow.addEventListener("change", () => keepRoles(isNarrow.matches));
  reachBoxes();
  watchTables();
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(reachBoxes, 50); });
  addEventListener("load", reachBoxes);
})();
