// Times in the reader's own zone, and spans that count down by the service's clock.
"use strict";
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const ahead = Number(document.body.dataset.now) * 1000 - Date.now();

  function localise(root) {
    for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.dataset.local = "";
      time.title = time.textContent;
      time.textContent = format.format(at);
    }
  }

  const two = (number) => String(number).padStart(2, "0");
  function left(until) {
    const seconds = Math.max(0, Math.ceil(until - (Date.now() + ahead) / 1000));
    const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
    return hours ? `${hours} h ${two(minutes)} min` : minutes ? `${minutes} min ${two(seconds % 60)} s` : `${seconds} s`;
  }
  function count() {
    for (const span of document.querySelectorAll("[data-until]")) {
      const text = left(Number(span.dataset.until));
      if (span.textContent !== text) span.textContent = text;
    }
  }

  document.getElementById("zone").textContent = zone || "your zone";
  localise(document);
  count();
  setInterval(count, 1000);
  new MutationObserver(() => { localise(document); count(); }).observe(document.getElementById("main"), { childList: true, subtree: true });
})();
