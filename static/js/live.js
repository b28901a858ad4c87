// Keeps [data-live] elements up to date over a socket. Frames are neutral hints: what this person may
// see comes from the server. `data-live` is the socket's path, `data-fragment` where the element is
// read anew; inside it `[data-slot][data-version]` are the slots, those with `data-card` alone. With
// `data-live-whole` one slot's change concerns the others (places that are shared out).
"use strict";

(() => {
  const PAUSES = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000];
  // The server says something every 15 seconds; after this much silence the line is dead.
  const SILENCE = 40_000;
  // Many browsers hear the same at the same moment; they do not all ask at once.
  const SPREAD = 1200;
  const AGAIN = 5000;
  // Machines set their clocks right in smaller steps.
  const JUMP = 3000;
  const ASK_AGAIN = 4401;

  const note = document.querySelector("[data-live-note]");
  const words = document.querySelector("[data-live-words]");
  // Blocks with a request of one's own under way, and the newest frame that waits for its answer.
  const busy = new Map();

  class Line {
    constructor(element) {
      this.id = element.id;
      this.path = element.dataset.live;
      this.isPart = "livePart" in element.dataset;
      this.failures = 0;
      this.isLive = false;
      // Nothing is lost as long as the first try goes on.
      this.isFirstTry = true;
      this.heardAt = performance.now();
      this.connect();
    }

    get element() {
      return document.getElementById(this.id);
    }

    connect() {
      clearTimeout(this.timer);
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      const socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
      this.socket = socket;
      this.connectingSince = performance.now();
      socket.onmessage = (event) => { if (socket === this.socket) this.hear(JSON.parse(event.data)); };
      socket.onclose = (event) => { if (socket === this.socket) this.lost(event.code); };
    }

    // The line is gone: say so, ask for the present state the ordinary way, and try again.
    lost(code) {
      this.socket = null;
      this.isLive = false;
      this.isFirstTry = false;
      show();
      const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)] * (0.5 + Math.random());
      this.failures += 1;
      if (this.failures > 1 || code === ASK_AGAIN) refreshAll(this.element);
      this.timer = setTimeout(() => this.connect(), pause);
    }

    // The element was read anew and speaks of another day now (its session was moved, other results were
    // looked for); or of the same, and what was said meanwhile found no card.
    follow(isExchanged = false) {
      const path = this.element?.dataset.live;
      if (!path || (path === this.path && !isExchanged)) return;
      this.path = path;
      this.drop();
      this.isFirstTry = true;
      this.connect();
    }

    // Something happened that makes it worth while to look at the line now: a lid, a network, a tab.
    check(hasSlept) {
      const isSilent = performance.now() - this.heardAt > SILENCE;
      const isWaiting = !this.socket;
      const isStuck = this.socket?.readyState === WebSocket.CONNECTING
        && performance.now() - this.connectingSince > SILENCE;
      // Countdowns stood still as well, and no frame says so.
      if (hasSlept) refreshAll(this.element);
      if (!hasSlept && !isWaiting && !isStuck && !(isSilent && this.socket.readyState === WebSocket.OPEN)) return;
      this.isFirstTry = false;
      this.drop();
      this.failures = 0;
      this.connect();
    }

    drop() {
      const socket = this.socket;
      this.socket = null;
      this.isLive = false;
      if (socket) socket.close();
    }

    hear(said) {
      this.heardAt = performance.now();
      this.isFirstTry = false;
      if ("live" in said) {
        this.isLive = said.live;
        this.failures = 0;
        if (said.slots) this.compare(said.slots);
      }
      if (said.slot) {
        this.change(said);
        if (isWhole(this.element)) refreshAll(this.element);
      }
      // For this person alone: nobody else asks at this moment, so nothing is spread.
      if (said.news && this.element) refresh(this.element, this.element.dataset.fragment);
      show();
    }

    // The whole present state of a day: whatever we missed shows by its version. A part of it, or cards of
    // several days, without an address of their own, change one by one.
    compare(slots) {
      const shown = cards(this.element);
      if (this.isPart) slots = slots.filter(({ slot }) => find(this.element, slot));
      const isSameSet = !this.element.dataset.fragment || shown.length === slots.length && slots.every(({ slot }) => find(this.element, slot));
      if (isSameSet) slots.forEach((frame) => this.change(frame));
      else refreshAll(this.element);
    }

    change(frame) {
      const card = find(this.element, frame.slot);
      if (!card && this.isPart) return;
      if (!card) refreshAll(this.element);
      else if (busy.has(card.id)) busy.set(card.id, () => this.change(frame));
      else if (Number(card.dataset.version) < frame.version) update(this.element, card, frame);
    }
  }

  function cards(element) {
    return [...element.querySelectorAll("[data-slot]")];
  }
  function isWhole(element) {
    return Boolean(element && "liveWhole" in element.dataset);
  }
  function find(element, slot) {
    return element.querySelector(`[data-slot="${slot}"]`);
  }

  // --- Showing -------------------------------------------------------------------------------
  function update(element, card, frame) {
    if (!card.dataset.card) return refreshAll(element);
    card.dataset.version = frame.version;
    if ("free" in frame) card.dataset.free = frame.free;
    count();
    if (card.dataset.state !== frame.state) showNeutral(card, frame.state);
    if (!isWhole(element)) later(card, () => refresh(card, card.dataset.card));
  }

  // What everybody may know, at once; the card itself follows.
  function showNeutral(card, state) {
    const template = document.querySelector(`[data-live-states] [data-state="${state}"]`);
    if (!template) return;
    card.dataset.state = state;
    card.className = `slot slot--${{ closed: "cancelled", away: "taken" }[state] || state} slot--changed`;
    card.querySelector("[data-slot-state]").replaceChildren(template.content.cloneNode(true));
    const actions = card.querySelector(".slot__actions");
    if (actions.contains(document.activeElement)) card.focus({ preventScroll: true });
    actions.replaceChildren();
    say(`${card.dataset.label}: ${template.dataset.word}`);
  }

  // How much of a day is free, wherever the page says so: `data-free-in` is the day's element; of a slot
  // with several places each counts, in a list of days each such slot does.
  function count() {
    for (const place of document.querySelectorAll("[data-free-in]")) {
      const day = document.getElementById(place.dataset.freeIn);
      const seats = day ? cards(day).map(({ dataset }) => Number(dataset.free)) : [];
      if (!seats.length || seats.some(Number.isNaN)) continue;
      const { none, one, many } = place.dataset;
      const free = seats.reduce((sum, each) => sum + (none ? Number(each > 0) : each), 0);
      place.textContent = ([none, one][free] ?? many).replace("{free}", free);
    }
  }

  function say(text) {
    if (words) words.textContent = text;
  }

  function refreshAll(element) {
    if (element?.dataset.fragment) later(element, () => refresh(element, element.dataset.fragment));
  }

  // One at a time for each element, however often there was a reason: what was lost for an hour is asked for once.
  const waiting = new Map();
  function later(element, act, pause = Math.random() * SPREAD) {
    clearTimeout(waiting.get(element.id));
    waiting.set(element.id, setTimeout(() => { waiting.delete(element.id); act(); }, pause));
  }

  // Reads the element anew. Who is typing in it is not disturbed.
  async function refresh(element, address) {
    element = document.getElementById(element.id);
    if (!element || busy.has(element.id)) return;
    if (hasBusy(element)) return later(element, () => refresh(element, address));
    const field = document.activeElement;
    if (element.contains(field) && field.matches("input:not([type=hidden]), textarea, select")) {
      return later(element, () => refresh(element, address));
    }
    let answer;
    try {
      // Nobody sits behind this request: it keeps no session awake.
      answer = await fetch(address, { headers: { "X-Requested-With": "live", "X-Background": "1" } });
    } catch { answer = { status: 0 }; }
    if (answer.status === 401) return location.assign(answer.headers.get("X-Sign-In") || location.href);
    // What was shown may be shown no longer.
    if (answer.status === 403 || answer.status === 404) return location.reload();
    if (!answer.ok) return later(element, () => refresh(element, address), AGAIN * (0.5 + Math.random()));
    const html = await answer.text();
    element = document.getElementById(element.id);
    // What happened while this was on its way is newer than what it says.
    if (element && (hasBusy(element) || isOlder(html))) return later(element, () => refresh(element, address));
    swap(element?.id, html);
  }

  // The answer to one's own act has its place in there.
  function hasBusy(element) {
    return [...busy.keys()].some((id) => element.querySelector(`#${id}`));
  }

  // Whether a card stands here already as it became later.
  function isOlder(html) {
    const came = document.createElement("template");
    came.innerHTML = html;
    return cards(came.content).some(({ dataset }) =>
      Number(document.querySelector(`[data-slot="${dataset.slot}"]`)?.dataset.version) > Number(dataset.version));
  }

  function swap(id, html) {
    const element = document.getElementById(id);
    if (!element || busy.has(id)) return;
    const hadFocus = element.contains(document.activeElement);
    const focused = hadFocus && document.activeElement.id;
    window.htmx.swap(element, html, { swapStyle: "outerHTML" });
    const announcement = document.getElementById(id)?.dataset.announce;
    lines.forEach((line) => line.follow());
    count();
    if (announcement) say(announcement);
    if (hadFocus && !element.isConnected) {
      (document.getElementById(focused) || document.getElementById(id))?.focus({ preventScroll: true });
    }
  }

  // --- "aktualisiert gerade eben" ---------------------------------------------------------------
  let freshAt = performance.now();
  function show() {
    if (!note) return;
    const isLost = !navigator.onLine || lines.some((line) => !line.isLive && !line.isFirstTry);
    if (!isLost) freshAt = Math.max(freshAt, ...lines.map((line) => line.heardAt));
    const minutes = Math.floor((performance.now() - freshAt) / 60_000);
    const ago = minutes ? note.dataset.minutes.replace("{minutes}", minutes) : note.dataset.justNow;
    const text = isLost ? note.dataset.lost : note.dataset.fresh.replace("{ago}", ago);
    const place = note.querySelector("[data-live-text]");
    if (place.textContent !== text) place.textContent = text;
    note.classList.toggle("is-lost", isLost);
  }

  // --- One's own acts come back as answers; frames about the same block wait for them ------------
  document.addEventListener("htmx:beforeRequest", (event) => {
    const card = event.target.closest("[data-slot]");
    if (card) busy.set(card.id, null);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const card = event.detail.target?.closest("[data-slot]");
    if (!card) return;
    const missed = busy.get(card.id);
    busy.delete(card.id);
    if (missed) setTimeout(missed, 50);
  });
  document.addEventListener("timer:over", (event) => {
    const card = event.target.closest("[data-slot][data-card]");
    // The place is swept within two seconds.
    if (card) setTimeout(() => refresh(card, card.dataset.card), 500 + 2 * SPREAD * Math.random());
  });

  const lines = [];
  // Also after a part of the page was exchanged: what went is no longer heard, what came is.
  function listen(event) {
    lines.forEach((line) => line.follow(event?.detail.target?.id === line.id));
    for (const line of lines.filter(({ element }) => !element?.dataset.live)) {
      clearTimeout(line.timer);
      line.drop();
      lines.splice(lines.indexOf(line), 1);
    }
    for (const element of document.querySelectorAll("[data-live]")) {
      if (!lines.some(({ id }) => id === element.id)) lines.push(new Line(element));
    }
  }
  listen();
  document.addEventListener("htmx:afterSwap", (event) => { listen(event); count(); });
  if (!lines.length && !note) return;

  // While the machine sleeps this page's clock stands still, in most browsers; that of the machine goes on.
  const ahead = () => Date.now() - performance.now();
  let lead = ahead();
  function check() {
    const hasSlept = Math.abs(ahead() - lead) > JUMP;
    lead = ahead();
    lines.forEach((line) => line.check(hasSlept));
  }
  setInterval(() => { check(); show(); }, 5000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) check(); });
  window.addEventListener("online", () => { check(); show(); });
  window.addEventListener("offline", show);
  window.addEventListener("pageshow", (event) => { if (event.persisted) check(); });
  window.addEventListener("pagehide", () => lines.forEach((line) => line.drop()));
})();
