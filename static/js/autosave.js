// Keeps form[data-autosave-url] saved while one types. docs/look.md says what the server answers.
"use strict";

(() => {
  const PAUSE = 800;
  const RETRIES = [2000, 5000, 15000, 30000];

  class Autosave {
    constructor(form) {
      this.form = form;
      this.note = form.querySelector("[data-saved]");
      this.key = `sprechstunde:draft:${form.dataset.autosaveUrl}`;
      this.sent = this.content();
      this.failures = 0;
      this.isStopped = false;
      form.addEventListener("input", () => this.later(PAUSE));
      form.addEventListener("change", () => this.later(PAUSE));
      form.addEventListener("submit", () => { this.isLeaving = true; clearTimeout(this.timer); });
      window.addEventListener("beforeunload", (event) => this.guard(event));
      window.addEventListener("online", () => { if (this.isDirty()) this.save(); });
      document.addEventListener("idle:over", () => this.keep());
      this.restore();
    }

    fields() {
      const data = new FormData(this.form);
      data.delete("csrfmiddlewaretoken");
      return data;
    }
    // What counts as changed: everything typed, without the token and the revision we count ourselves.
    content() {
      const data = this.fields();
      data.delete("revision");
      return new URLSearchParams(data).toString();
    }
    isDirty() {
      return this.content() !== this.sent;
    }

    later(pause) {
      if (this.isStopped) return this.keep();  // signed out or in conflict: what comes now counts too
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), pause);
    }

    async save() {
      if (this.isStopped || this.isSaving || !this.isDirty()) return;
      this.isSaving = true;
      const content = this.content();
      this.say("saving");
      try {
        await this.take(await this.post(), content);
      } catch {
        this.retry();
      } finally {
        this.isSaving = false;
      }
      if (!this.failures && this.isDirty()) this.later(PAUSE);
    }

    post() {
      return fetch(this.form.dataset.autosaveUrl, {
        method: "POST",
        body: new URLSearchParams(this.fields()),
        headers: { "X-CSRFToken": document.body.dataset.csrf, "X-Requested-With": "autosave" },
        redirect: "manual",
      });
    }

    async take(answer, content) {
      if (answer.type === "opaqueredirect" || answer.status === 401) return this.signedOut(answer);
      if (answer.status === 409) return this.conflict(await answer.text());
      if (answer.status === 400 || answer.status === 422) {
        this.failures = 0;
        this.sent = content;  // the same text would be refused again; the next change is tried
        return this.say("invalid", true);
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const saved = answer.status === 204 ? {} : await answer.json();
      this.failures = 0;
      this.sent = content;
      if (saved.revision !== undefined) this.revision(saved.revision);
      this.forget();
      this.say("savedAt", false, clock(saved.saved_at ? new Date(saved.saved_at) : new Date()));
      document.dispatchEvent(new CustomEvent("autosave:saved"));
    }

    revision(value) {
      const field = this.form.elements.namedItem("revision");
      if (field) field.value = value;
    }

    retry() {
      const pause = RETRIES[Math.min(this.failures, RETRIES.length - 1)];
      this.failures += 1;
      this.keep();
      this.say("offline", true);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), pause);
    }

    signedOut(answer) {
      this.isStopped = true;
      this.isLeaving = true;
      this.keep();
      this.say("signedOut", true);
      const address = answer.headers.get("X-Sign-In");
      if (!address || !this.note) return;
      const link = document.createElement("a");
      link.href = address;
      link.textContent = this.note.dataset.signIn;
      this.note.append(" ", link);
    }

    // The server's fragment shows both texts. [data-keep="mine"] saves ours over its revision,
    // [data-keep="theirs"] loads what is stored.
    conflict(html) {
      this.isStopped = true;
      this.keep();
      this.say("unsaved", true);
      const place = this.form.querySelector("[data-conflict]") || this.form.insertBefore(document.createElement("div"), this.form.firstChild);
      place.dataset.conflict = "";
      place.innerHTML = html;
      place.tabIndex = -1;
      place.focus();
      place.addEventListener("click", (event) => this.decide(event, place));
    }

    decide(event, place) {
      const button = event.target.closest("[data-keep]");
      if (!button) return;
      if (button.dataset.keep === "theirs") {
        this.isLeaving = true;
        this.forget();
        location.reload();
        return;
      }
      this.revision(button.dataset.revision);
      place.replaceChildren();
      this.isStopped = false;
      this.sent = null;
      this.save();
    }

    keep() {
      if (!this.isDirty()) return;
      try { sessionStorage.setItem(this.key, new URLSearchParams(this.fields()).toString()); } catch { /* full or forbidden */ }
    }
    forget() {
      try { sessionStorage.removeItem(this.key); } catch { /* forbidden */ }
    }

    // After signing in again: what had not been saved is put back into the form and saved.
    restore() {
      let kept = null;
      try { kept = sessionStorage.getItem(this.key); } catch { /* forbidden */ }
      if (!kept) return;
      const values = new URLSearchParams(kept);
      for (const field of this.form.elements) {
        if (!field.name || field.type === "hidden" || field.type === "submit") continue;
        if (field.type === "checkbox" || field.type === "radio") field.checked = values.getAll(field.name).includes(field.value);
        else if (field.type !== "file") field.value = values.get(field.name) ?? "";
      }
      if (!this.isDirty()) return this.forget();
      this.say("restored");
      this.later(PAUSE);
    }

    guard(event) {
      if (!this.isLeaving && this.isDirty()) {
        this.keep();
        event.preventDefault();
      }
    }

    say(what, isProblem = false, time = "") {
      if (!this.note) return;
      this.note.textContent = this.note.dataset[what].replace("{time}", time);
      this.note.classList.toggle("is-unsaved", isProblem);
    }
  }

  function clock(at) {
    return `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
  }

  function start(root) {
    for (const form of root.querySelectorAll("form[data-autosave-url]")) {
      if (!form.autosave) form.autosave = new Autosave(form);
    }
  }
  start(document);
  document.addEventListener("htmx:load", () => start(document));
})();
