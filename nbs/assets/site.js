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

  skipLink();
  reachBoxes();
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(reachBoxes, 50); });
  addEventListener("load", reachBoxes);
})();
