// Follows what changes: by a stream; where there is no room for one, by asking again and again.
//
// An element with data-live="migration host:node-1" gets the event "refresh" when a migration or
// that host changes; scripts listen to "wherry:changes" on the document.
"use strict";
(() => {
  const sign = document.getElementById("live");
  const CALM_MS = 250, AGAIN_MS = 2000, STREAM_AGAIN_MS = 30000, QUIET_MS = 10000;
  let cursor = document.body.dataset.after || "";
  let source = null, asking = null, waiting = null, heard = 0;

  function say(state, text) {
    if (sign.dataset.state !== state) { sign.dataset.state = state; sign.textContent = text; }
  }

  const pending = new Set();
  let timer = null;
  function soon() { if (pending.size && timer === null) timer = setTimeout(refresh, CALM_MS); }
  function refresh() {
    timer = null;
    for (const element of pending) if (element.isConnected) element.dispatchEvent(new Event("refresh"));
    pending.clear();
  }
  function told(changes, everything) {
    const names = new Set(changes.flatMap((each) => [each.kind, `${each.kind}:${each.ref}`]));
    for (const element of document.querySelectorAll("[data-live]")) {
      if (everything || element.dataset.live.split(" ").some((name) => names.has(name))) pending.add(element);
    }
    soon();
    document.dispatchEvent(new CustomEvent("wherry:changes", { detail: { changes, everything } }));
  }

  // A part that cannot be had now stays as it is and is asked for again; one that is not there any
  // more, or not for this reader, stays as it was.
  function failed({ target, detail }) {
    const status = detail.ctx?.response?.status || 0;
    if (!target.dataset.live || (status > 0 && status < 400)) return;
    if (status > 0 && status < 500) say("off", "load the page again");
    else setTimeout(() => { pending.add(target); soon(); }, AGAIN_MS);
  }
  document.addEventListener("htmx:response:error", failed);
  document.addEventListener("htmx:error", failed);

  function stream() {
    asking?.abort();
    asking = null;
    source = new EventSource(`/ui/events${cursor ? `?after=${encodeURIComponent(cursor)}` : ""}`);
    heard = Date.now();
    const hear = (event) => { heard = Date.now(); if (event.lastEventId) cursor = event.lastEventId; };
    source.addEventListener("open", () => { heard = Date.now(); say("live", "live"); });
    source.addEventListener("change", (event) => { hear(event); told(JSON.parse(event.data), false); });
    source.addEventListener("reload", (event) => { hear(event); told([], true); });
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) { source = null; ask(); } else say("wait", "connecting again");
    });
  }

  async function ask() {
    const control = asking = new AbortController();
    const until = Date.now() + STREAM_AGAIN_MS;
    while (asking === control && Date.now() < until) {
      try {
        const answer = await fetch(`/ui/changes${cursor ? `?after=${encodeURIComponent(cursor)}` : ""}`, { signal: control.signal });
        if (answer.redirected || answer.status === 401 || answer.status === 403) return say("off", "signed out: load the page again");
        if (!answer.ok) throw new Error(String(answer.status));
        const news = await answer.json();
        cursor = news.cursor;
        say("live", "live, by asking");
        if (news.reload || news.changes.length) told(news.changes, news.reload);
      } catch {
        if (control.signal.aborted) return;
        say("wait", "connecting again");
        await new Promise((done) => setTimeout(done, AGAIN_MS));
      }
    }
    if (asking === control) stream();
  }

  // A page that is put away gives its stream back, and catches up when it is looked at again.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(waiting);
    if (document.hidden) {
      waiting = setTimeout(() => { source?.close(); asking?.abort(); source = asking = null; say("wait", "paused"); }, QUIET_MS);
    } else if (!source && !asking) stream();
  });
  addEventListener("pagehide", () => { source?.close(); asking?.abort(); source = asking = null; });
  addEventListener("pageshow", (event) => { if (event.persisted && !source) stream(); });
  stream();
})();
