// Warns two minutes before the idle time-out and lets the person stay signed in. The tabs of one
// browser share one clock: activity or an answer in one of them counts for all.
"use strict";

(() => {
  const body = document.body.dataset;
  const dialog = document.getElementById("idle-dialog");
  if (!body.idleSeconds || !dialog) return;

  const KEY = "sprechstunde:last-request";
  const limit = Number(body.idleSeconds) * 1000;
  const warning = Math.min(120_000, limit / 2);
  const text = dialog.querySelector("[data-idle-text]");
  const announcement = dialog.querySelector("[data-idle-announce]");
  let loadedAt = Date.now();
  let isOver = false;

  function lastRequest() {
    return Math.max(loadedAt, Number(read()) || 0);
  }
  function read() {
    try { return localStorage.getItem(KEY); } catch { return null; }
  }
  function requestSeen() {
    loadedAt = Date.now();
    try { localStorage.setItem(KEY, String(loadedAt)); } catch { /* private windows keep their own clock */ }
  }

  function tick() {
    const left = lastRequest() + limit - Date.now();
    if (left <= 0) return leave();
    if (left > warning) {
      if (dialog.open) dialog.close();
      return;
    }
    const seconds = Math.ceil(left / 1000);
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    text.textContent = dialog.dataset.text.replace("{time}", time);
    if (!dialog.open) {
      announcement.textContent = text.textContent;
      dialog.showModal();
    }
  }

  async function leave() {
    if (isOver) return;
    isOver = true;
    document.dispatchEvent(new CustomEvent("idle:over"));
    try {
      await fetch(body.signOutUrl, {
        method: "POST",
        headers: { "X-CSRFToken": body.csrf },
        body: new URLSearchParams({ idle: "1" }),
        redirect: "manual",
      });
    } catch { /* offline: the server ends the session by its own clock */ }
    const back = encodeURIComponent(location.pathname + location.search);
    location.assign(`${body.signInUrl}?next=${back}`);
  }

  async function stay() {
    try {
      const answer = await fetch(body.keepAliveUrl, {
        method: "POST",
        headers: { "X-CSRFToken": body.csrf },
        redirect: "error",
      });
      if (!answer.ok) throw new Error(String(answer.status));
      requestSeen();
      dialog.close();
    } catch {
      announcement.textContent = text.textContent = dialog.dataset.failed;
    }
  }

  dialog.querySelector("[data-idle-stay]").addEventListener("click", stay);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); stay(); });
  // What a page asks for by itself (X-Background) does not mean that somebody is there.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.requestConfig?.headers?.["X-Background"]) requestSeen();
  });
  document.addEventListener("autosave:saved", requestSeen);
  document.addEventListener("visibilitychange", tick);
  requestSeen();
  setInterval(tick, 1000);
})();
