// Counts down every [data-until] element. `data-now` is the server's clock when the element was
// rendered, so a browser with a wrong clock counts right all the same. Fires `timer:over` once.
"use strict";

(() => {
  const started = new WeakMap();

  function remaining(timer) {
    if (!started.has(timer)) started.set(timer, performance.now() - sinceLoad(timer));
    const passed = performance.now() - started.get(timer);
    return Date.parse(timer.dataset.until) - Date.parse(timer.dataset.now) - passed;
  }

  // What the page needed to arrive has already passed since the server looked at its clock.
  function sinceLoad(timer) {
    return document.readyState === "complete" ? 0 : Math.min(performance.now(), 5000);
  }

  function tick() {
    for (const timer of document.querySelectorAll("[data-until]")) show(timer, Math.max(0, remaining(timer)));
  }

  function show(timer, milliseconds) {
    const seconds = Math.ceil(milliseconds / 1000);
    const text = timer.querySelector("time") || timer;
    const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    text.textContent = seconds > 0 ? timer.dataset.text.replace("{time}", left) : timer.dataset.over;
    timer.classList.toggle("is-ending", seconds <= 60);
    if (seconds <= 60 && seconds > 0) announce(timer, "minute", timer.dataset.minute);
    if (seconds === 0 && announce(timer, "over", timer.dataset.over)) {
      timer.dispatchEvent(new CustomEvent("timer:over", { bubbles: true }));
    }
  }

  function announce(timer, stage, words) {
    if (timer.dataset.said === stage) return false;
    timer.dataset.said = stage;
    const region = timer.querySelector("[aria-live]");
    if (region && words) region.textContent = words;
    return true;
  }

  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:load", tick);
})();
