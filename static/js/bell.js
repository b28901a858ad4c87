// The bell in the head of the page: asks how much is new, at once and whenever the server says so. What is
// typed on the page is not its business, so it never leads anywhere by itself.
"use strict";

(() => {
  const EVERY = 60_000;
  const PAUSES = [1000, 5000, 15_000, 60_000];
  const bell = document.querySelector("[data-news]");
  if (!bell) return;
  let failures = 0;
  let wasOpen = false;
  let socket = null;

  // Nobody sits behind this request: it keeps no session awake. Whoever is signed out finds out elsewhere.
  async function ask() {
    let answer;
    try {
      answer = await fetch(bell.dataset.bell, { headers: { "X-Requested-With": "bell", "X-Background": "1" } });
    } catch { return; }
    if (answer.status === 200 && !bell.contains(document.activeElement)) bell.innerHTML = await answer.text();
  }

  function connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(`${scheme}//${location.host}${bell.dataset.news}`);
    socket.onmessage = (event) => {
      failures = 0;
      if (JSON.parse(event.data).news) ask();
    };
    socket.onopen = () => { wasOpen = true; };
    socket.onclose = () => {
      // Whoever is never let in asks every minute instead, as the page does anyway.
      if (!socket || (!wasOpen && failures >= PAUSES.length)) return;
      setTimeout(connect, PAUSES[Math.min(failures, PAUSES.length - 1)] * (0.5 + Math.random()));
      failures += 1;
    };
  }

  ask();
  setInterval(ask, EVERY);
  connect();
  window.addEventListener("pagehide", () => { const open = socket; socket = null; open?.close(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted && !socket) connect(); });
})();
