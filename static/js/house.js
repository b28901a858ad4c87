// What every page needs: menu, dialogs, focus, print and copy buttons, the CSRF token for htmx.
"use strict";

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  if (!target) return;
  const toggle = target.closest(".site-header__toggle");
  if (toggle) {
    const isOpen = document.getElementById("navigation").classList.toggle("is-open");
    toggle.setAttribute("aria-expanded", String(isOpen));
  }
  const opener = target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    dialog.showModal();
  }
  if (target.closest("[data-dialog-close]")) target.closest("dialog").close();
  if (target.closest("[data-print]")) window.print();
  const copier = target.closest("[data-copy]");
  if (copier) copy(copier);
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});

// A double click sends once; whoever means it presses again.
const sent = new WeakMap();
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.timeStamp - (sent.get(event.target) ?? -Infinity) < 1000) event.preventDefault();
  else sent.set(event.target, event.timeStamp);
});

// Whoever signs out leaves no draft behind in this window.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-sign-out]")) return;
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith("sprechstunde:draft:")) sessionStorage.removeItem(key);
    }
  } catch { /* storage is forbidden, so nothing was kept either */ }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

async function copy(button) {
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  const label = button.querySelector(".kern-label");
  const before = label.textContent;
  label.textContent = button.dataset.done;
  setTimeout(() => { label.textContent = before; }, 3000);
}

// A form that came back with errors, or a fragment that says so, gets the focus.
function focusNotice(root) {
  const notice = root.querySelector("[data-focus]");
  if (notice) notice.focus();
}
focusNotice(document);
document.addEventListener("htmx:load", (event) => focusNotice(event.detail.elt));

// What somebody asked for and got no answer to: said beside it, until they ask again.
const ASKED = ["submit", "click", "change", "input"];
function sayFailed(event) {
  const { elt, requestConfig } = event.detail;
  const words = document.getElementById("request-failed");
  if (!words || !ASKED.includes(requestConfig?.triggeringEvent?.type)) return;
  takeBack(elt);
  elt.after(words.content.cloneNode(true));
}
function takeBack(elt) {
  if (elt.nextElementSibling?.matches("[data-request-failed]")) elt.nextElementSibling.remove();
}
for (const fault of ["sendError", "timeout", "responseError"]) {
  document.addEventListener(`htmx:${fault}`, sayFailed);
}
document.addEventListener("htmx:beforeRequest", (event) => takeBack(event.detail.elt));

// Whose control went with a part that was exchanged goes on where they were: at the same control in what
// came, else at its first one. htmx does so for controls with an id only.
let lost = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const focused = document.activeElement;
  lost = event.detail.target?.contains(focused) ? { id: event.detail.target.id, was: focused } : null;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!lost || lost.was.isConnected || document.activeElement !== document.body) return;
  const part = document.getElementById(lost.id) || event.detail.elt;
  const controls = [...part.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")];
  (controls.find((control) => isTwin(control, lost.was)) || controls[0])?.focus({ preventScroll: true });
  lost = null;
});

function isTwin(one, other) {
  const said = ["href", "name", "value", "type"];
  return one.tagName === other.tagName
    && said.every((name) => one.getAttribute(name) === other.getAttribute(name))
    && one.form?.action === other.form?.action;
}

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.body.dataset.csrf;
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
});

// Answers that refuse (409, 422) carry a fragment that says why: show it like any other.
document.addEventListener("htmx:beforeSwap", (event) => {
  if ([400, 403, 404, 409, 422].includes(event.detail.xhr.status)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// Paper shows what is folded away on the screen, except history that would bury what counts now.
let unfolded = [];
window.addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("main details:not([open], [data-stays-folded] *)")];
  for (const details of unfolded) details.open = true;
});
window.addEventListener("afterprint", () => {
  for (const details of unfolded) details.open = false;
});
