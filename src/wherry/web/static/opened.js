// Keeps what the reader has opened or closed as it is, when a part of the page is asked for again.
"use strict";
(() => {
  const chosen = new Map();
  document.addEventListener("click", (event) => {
    const summary = event.target.closest("summary");
    if (summary?.parentElement?.id) chosen.set(summary.parentElement.id, !summary.parentElement.open);
  });
  function keep() {
    for (const [id, open] of chosen) {
      const details = document.getElementById(id);
      if (details && details.open !== open) details.open = open;
    }
  }
  new MutationObserver(() => queueMicrotask(keep)).observe(document.getElementById("main"), { childList: true, subtree: true, attributes: true, attributeFilter: ["open"] });
})();
