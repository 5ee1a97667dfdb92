// The map of the fleet: a tile for each host, a square for each device.  Only what is in view is
// drawn, so ten thousand hosts scroll like ten.
"use strict";
(() => {
  const box = document.getElementById("map");
  const canvas = box.querySelector("canvas"), reach = box.querySelector(".reach");
  const told = document.getElementById("told"), sum = document.getElementById("sum");
  const paint = canvas.getContext("2d");
  const CALM_MS = 400, MOST_REFS = 400, GAP = 3, PAD = 2, RACK = 22;

  let hosts = [], byName = new Map(), layout = null, at = -1, drawing = false, colours = null;

  // ---- what the service says

  function unpack(map) {
    return map.hosts.map((host) => ({
      name: host.name, state: host.state, rack: host.labels.rack || "",
      devices: host.devices.map(([name, kind, held]) => ({ name: map.names[name], kind: map.kinds[kind], held })),
    }));
  }
  const order = (a, b) => (a.rack === b.rack ? (a.name < b.name ? -1 : 1) : a.rack < b.rack ? -1 : 1);

  function take(fresh, gone) {
    const name = hosts[at]?.name;
    for (const each of gone) byName.delete(each);
    for (const host of fresh) byName.set(host.name, host);
    hosts = [...byName.values()].sort(order);
    at = name === undefined ? -1 : hosts.findIndex((host) => host.name === name);
    if (name !== undefined) tell(at < 0 ? "" : words(hosts[at]));
    const devices = hosts.reduce((all, host) => all + host.devices.length, 0);
    const many = (number, one) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
    sum.textContent = `${many(hosts.length, "host")}, ${many(devices, "device")}`;
    box.hidden = hosts.length === 0;
    if (hosts.length) document.getElementById("empty")?.remove();
    place();
    if (at < 0 && document.activeElement === canvas) choose(0);
  }

  async function load() {
    const answer = await fetch(box.dataset.source);
    if (!answer.ok) throw new Error(`the map could not be loaded (${answer.status})`);
    const { map } = await answer.json();
    performance.mark("wherry:unpack");
    byName = new Map();
    take(unpack(map), []);
    performance.measure("wherry:map", "wherry:unpack");
  }
  async function update(refs) {
    const joint = box.dataset.source.includes("?") ? "&" : "?";
    const answer = await fetch(`${box.dataset.source}${joint}changed=${encodeURIComponent(refs.join(","))}`);
    if (!answer.ok) throw new Error(`the map could not be brought up to date (${answer.status})`);
    const { map, gone } = await answer.json();
    performance.mark("wherry:update-begins");
    take(unpack(map), gone);
    performance.measure("wherry:update", "wherry:update-begins");
  }

  // ---- where things are: rows of tiles, each rack's rows below its name

  function place() {
    const width = box.clientWidth, named = hosts.length <= 60;
    const most = hosts.reduce((all, host) => Math.max(all, host.devices.length), 1);
    const cell = named ? 16 : hosts.length <= 600 ? 12 : 7;
    const deep = named ? most : Math.min(most, 8), head = named ? 20 : 0;
    const tile = { w: (named ? 132 : Math.ceil(most / deep) * cell + 2 * PAD) + GAP, h: head + deep * cell + 2 * PAD + GAP };
    const across = Math.max(1, Math.floor(width / tile.w)), racks = hosts.some((host) => host.rack);
    const rows = [];
    let y = 4, first = 0;
    while (first < hosts.length) {
      const rack = hosts[first].rack;
      let end = first;
      while (end < hosts.length && hosts[end].rack === rack) end++;
      if (racks) y += RACK;
      for (let from = first; from < end; from += across) {
        rows.push({ y, first: from, count: Math.min(across, end - from), rack: racks && from === first ? rack || "no rack" : "" });
        y += tile.h;
      }
      first = end;
    }
    layout = { width, cell, deep, head, tile, across, named, rows, height: y };
    reach.style.height = `${y}px`;
    box.style.height = `min(${y + 4}px, 72vh)`;
    canvas.style.height = `${Math.min(y, box.clientHeight || innerHeight)}px`;
    draw();
  }
  // The row that holds what `is` says of the first of its kind; rows are in order.
  function rowWhere(is) {
    let low = 0, high = layout.rows.length;
    while (low < high) { const middle = (low + high) >> 1; if (is(layout.rows[middle])) high = middle; else low = middle + 1; }
    return low;
  }
  const rowOf = (index) => rowWhere((row) => row.first + row.count > index);

  // ---- drawing

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    const name = (which) => style.getPropertyValue(which).trim();
    colours = { free: name("--map-free"), full: name("--map-full"), some: [1, 2, 3, 4].map((n) => name(`--map-${n}`)), none: name("--map-none"), off: name("--map-off"), ink: name("--ink"), soft: name("--soft"), mark: name("--accent") };
  }
  // How much of its fullest pool is held, 0 to 1; below 0 where it offers nothing.
  function share(device) {
    let most = -1;
    device.kind.pools.forEach((pool, n) => {
      if (pool.capacity > 0) most = Math.max(most, device.held[n] / pool.capacity);
      else if (device.held[n] > 0) most = 1;
    });
    return Math.min(1, most);
  }
  const colour = (held) => (held < 0 ? colours.none : held === 0 ? colours.free : held >= 1 ? colours.full : colours.some[Math.min(3, Math.floor(held * 4))]);

  function draw() {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => { drawing = false; redraw(); });
  }
  function redraw() {
    if (!layout || !hosts.length) return;
    performance.mark("wherry:draw-begins");
    const dense = devicePixelRatio || 1, w = layout.width, h = canvas.clientHeight, top = box.scrollTop;
    if (canvas.width !== Math.round(w * dense) || canvas.height !== Math.round(h * dense)) {
      canvas.width = Math.round(w * dense);
      canvas.height = Math.round(h * dense);
    }
    if (!colours) readColours();
    paint.setTransform(dense, 0, 0, dense, 0, 0);
    paint.clearRect(0, 0, w, h);
    for (let n = rowWhere((row) => row.y + layout.tile.h > top); n < layout.rows.length; n++) {
      const row = layout.rows[n];
      if (row.y - RACK > top + h) break;
      if (row.rack) { paint.fillStyle = colours.soft; paint.font = "600 12px system-ui, sans-serif"; paint.fillText(row.rack, PAD + 2, row.y - top - 6); }
      for (let each = 0; each < row.count; each++) drawHost(row.first + each, each * layout.tile.w, row.y - top);
    }
    performance.measure("wherry:draw", "wherry:draw-begins");
  }
  function drawHost(index, x, y) {
    const host = hosts[index], { cell, deep, head, tile, named } = layout;
    if (named) {
      paint.fillStyle = colours.ink;
      paint.font = "13px system-ui, sans-serif";
      paint.fillText(host.name.length > 17 ? `${host.name.slice(0, 16)}…` : host.name, x + PAD + 3, y + 15, tile.w - GAP - 6);
    }
    host.devices.forEach((device, n) => {
      const held = share(device);
      const left = x + PAD + Math.floor(n / deep) * cell, top = y + head + PAD + (n % deep) * cell;
      if (named) drawBar(x + PAD + 3, top, tile.w - GAP - 2 * PAD - 6, cell - 4, held);
      else { paint.fillStyle = colour(held); paint.fillRect(left, top, cell - 1, cell - 1); }
    });
    if (host.state !== "enabled" || index === at) {
      paint.strokeStyle = index === at ? colours.mark : colours.off;
      paint.lineWidth = index === at ? 2 : 1.5;
      paint.strokeRect(x + 1, y + 1, tile.w - GAP, tile.h - GAP);
    }
  }
  // Where there is room, how much is held is a length, not a colour alone.
  function drawBar(x, y, w, h, held) {
    paint.fillStyle = held < 0 ? colours.none : colours.free;
    paint.fillRect(x, y, w, h);
    if (held > 0) { paint.fillStyle = colour(held); paint.fillRect(x, y, Math.max(2, Math.round(w * held)), h); }
  }

  // ---- reading and going

  function words(host) {
    const state = host.state === "enabled" ? "" : `, ${host.state}`;
    const devices = host.devices.map((device) => {
      const pools = device.kind.pools.map((pool, n) => `${pool.name} ${device.held[n]} of ${pool.capacity} held`);
      return `${device.name}: ${pools.join(", ") || device.kind.note || "offers nothing"}`;
    });
    return `${host.name}${host.rack ? ` (rack ${host.rack})` : ""}${state}. ${devices.join("; ") || "no device is offered"}.`;
  }
  function tell(text) {
    if (told.textContent !== text) told.textContent = text;
  }
  function choose(index) {
    at = Math.max(0, Math.min(hosts.length - 1, index));
    const { y } = layout.rows[rowOf(at)];
    if (y - RACK < box.scrollTop) box.scrollTop = y - RACK;
    else if (y + layout.tile.h > box.scrollTop + canvas.clientHeight) box.scrollTop = y + layout.tile.h - canvas.clientHeight;
    tell(words(hosts[at]));
    draw();
  }
  function under(event) {
    const edge = canvas.getBoundingClientRect();
    const down = event.clientY - edge.top + box.scrollTop, column = Math.floor((event.clientX - edge.left) / layout.tile.w);
    const row = layout.rows[rowWhere((each) => each.y + layout.tile.h > down)];
    return row && down >= row.y && column < row.count ? row.first + column : -1;
  }
  const open = (index) => { if (hosts[index]) location.href = `/ui/hosts/${encodeURIComponent(hosts[index].name)}`; };

  canvas.addEventListener("pointermove", (event) => { const index = under(event); if (index >= 0 && index !== at) { at = index; told.textContent = words(hosts[at]); draw(); } });
  canvas.addEventListener("click", (event) => open(under(event)));
  canvas.addEventListener("focus", () => { if (at < 0 && hosts.length) choose(0); });
  canvas.addEventListener("keydown", (event) => {
    const here = rowOf(Math.max(0, at)), page = Math.max(1, Math.floor(canvas.clientHeight / layout.tile.h));
    const down = (rows) => {
      const row = layout.rows[Math.max(0, Math.min(layout.rows.length - 1, here + rows))];
      return row.first + Math.min(row.count - 1, at - layout.rows[here].first);
    };
    const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: down(1), ArrowUp: down(-1), Home: 0, End: hosts.length - 1, PageDown: down(page), PageUp: down(-page) };
    if (event.key === "Enter") open(at);
    else if (event.key in steps) choose(steps[event.key]);
    else return;
    event.preventDefault();
  });
  box.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(() => { if (hosts.length && box.clientWidth !== layout?.width) place(); }).observe(box);
  const recolour = () => { colours = null; draw(); };
  document.addEventListener("wherry:theme", recolour);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);

  // ---- what changes

  const refs = new Set();
  let everything = false, timer = null;
  async function catchUp() {
    timer = null;
    const asked = [...refs], all = everything || asked.length > MOST_REFS;
    refs.clear();
    everything = false;
    try {
      await (all ? load() : update(asked));
    } catch (trouble) {
      told.textContent = `${trouble.message}; it is tried again`;
      everything = true;
      timer = setTimeout(catchUp, 5000);
    }
  }
  document.addEventListener("wherry:changes", ({ detail }) => {
    everything ||= detail.everything;
    for (const each of detail.changes) if (["host", "provider", "use"].includes(each.kind)) refs.add(each.ref);
    if ((refs.size || everything) && timer === null) timer = setTimeout(catchUp, CALM_MS);
  });

  everything = true;
  catchUp();
})();
