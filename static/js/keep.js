// What stood unsent in a form when its session ended, when it was refused because somebody signed in in
// another window meanwhile, or when the page was asked for in the other language, stands there again when one
// comes back to it or loads it anew. Kept in this window only, for the same person and page, and forgotten
// with the next page. Drafts have js/autosave.js. Before anybody is signed in, only what the other language
// would take is kept. Never a password or a code.
"use strict";

(() => {
  const NOT_KEPT = ["hidden", "password", "file", "submit", "button", "image", "reset"];
  const { person, signInUrl } = document.body.dataset;
  if (!person && !document.querySelector("[data-other-language]")) return;
  // Whoever signs in again comes past the sign-in page: it leaves theirs alone.
  const KEY = person ? "sprechstunde:draft:form" : "sprechstunde:draft:sign-in";
  const forms = [...document.querySelectorAll("main form[method=post]:not([data-autosave-url])")];
  const hasErrors = document.querySelector("main .error-summary") !== null;
  let isSigningOut = false;
  let comesBack = false;

  function fields(form) {
    return [...form.elements].filter((one) => one.name && one.name !== "code" && !NOT_KEPT.includes(one.type));
  }
  function typed(form) {
    return fields(form).map((one) => {
      if (one.type === "checkbox" || one.type === "radio") return one.checked;
      return one.multiple ? [...one.options].map((option) => option.selected) : one.value;
    });
  }
  function put(form, values) {
    fields(form).forEach((one, index) => {
      const value = values[index];
      if (one.type === "checkbox" || one.type === "radio") one.checked = value;
      else if (one.multiple) [...one.options].forEach((option, number) => { option.selected = value[number]; });
      else one.value = value;
    });
  }
  const text = (form) => JSON.stringify(typed(form));

  function keep() {
    const unsent = forms.filter((form) => fields(form).length && (hasErrors || text(form) !== before.get(form)));
    if (isSigningOut || !unsent.length || !(person || comesBack)) return;
    const kept = unsent.map((form) => ({ number: forms.indexOf(form), values: typed(form) }));
    lay({ person, page: location.pathname, kept, comesBack });
  }
  function lay(found) {
    try { sessionStorage.setItem(KEY, JSON.stringify(found)); } catch { /* full or forbidden */ }
  }

  function take() {
    try {
      const found = JSON.parse(sessionStorage.getItem(KEY));
      sessionStorage.removeItem(KEY);
      return found;
    } catch { return null; }
  }

  function restore() {
    const found = take();
    const cameFrom = document.referrer ? new URL(document.referrer) : null;
    const signedIn = cameFrom?.origin === location.origin && cameFrom.pathname.startsWith(signInUrl);
    if (found && document.querySelector("[data-refused-form]")) return lay({ ...found, comesBack: true });
    // The page that refuses asks to load the form once more.
    const isReloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
    if (!found || !(signedIn || found.comesBack || isReloaded) || found.person !== person || found.page !== location.pathname) return;
    for (const { number, values } of found.kept) {
      const form = forms[number];
      if (!form || fields(form).length !== values.length) continue;
      put(form, values);
      if (person) form.before(document.getElementById("restored-note").content.cloneNode(true));
    }
  }

  const before = new Map(forms.map((form) => [form, text(form)]));
  restore();
  document.addEventListener("submit", (event) => {
    isSigningOut = event.target.matches("[data-sign-out]");
    comesBack = event.target.matches("[data-other-language]");
  });
  window.addEventListener("pagehide", keep);
})();
