// Times in the reader's own zone, and spans that count down or up by the service's clock.
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
  function span(seconds) {
    const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
    if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
    return hours ? `${hours} h ${two(minutes)} min` : minutes ? `${minutes} min ${two(seconds % 60)} s` : `${seconds} s`;
  }
  function show(element, seconds) {
    const text = span(Math.max(0, seconds));
    if (element.textContent !== text) element.textContent = text;
  }
  function count() {
    const now = (Date.now() + ahead) / 1000;
    for (const each of document.querySelectorAll("[data-until]")) show(each, Math.ceil(Number(each.dataset.until) - now));
    for (const each of document.querySelectorAll("[data-since]")) show(each, Math.floor(now - Number(each.dataset.since)));
  }

  document.getElementById("zone").textContent = zone || "your zone";
  localise(document);
  count();
  setInterval(count, 1000);
  new MutationObserver(() => { localise(document); count(); }).observe(document.getElementById("main"), {
    // A part that is asked for again comes in UTC, in the elements that stand there.
    childList: true, subtree: true, attributes: true, attributeFilter: ["data-local", "datetime"],
  });
})();
