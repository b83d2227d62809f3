// What every page has: a way past the navigation, and boxes that scroll for those who use the keyboard.
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
    for (const box of document.querySelectorAll("main pre, main .cell-output, main .sd-table")) {
      if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible") box.tabIndex = 0;
      else if (box.tabIndex === 0) box.removeAttribute("tabindex");
    }
  }

  // In a narrow window these tables are shown as blocks, and a block is no table to those who listen unless it says so
  function keepRoles(narrow) {
    const roles = { tbody: "rowgroup", "tbody tr": "row", "tbody th": "rowheader", "tbody td": "cell" };
    for (const table of document.querySelectorAll("table:is(.key-facts, .licence, .verdicts, .scores, .sources, .not-found, .anatomy)")) {
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
  const isNarrow = matchMedia("(max-width: 767px)");
  keepRoles(isNarrow.matches);
  isNarrow.addEventListener("change", () => keepRoles(isNarrow.matches));
  reachBoxes();
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(reachBoxes, 50); });
  addEventListener("load", reachBoxes);
})();
