// Arrow keys turn the pages of the calendar, unless something else has the focus that needs them.
document.addEventListener("keydown", (event) => {
  const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  const busy = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
  if (!rel || busy || event.target.closest("input, select, textarea, [role=region], dialog")) return;
  const link = document.querySelector(`main a[rel=${rel}]`);
  if (link) {
    event.preventDefault();
    link.click();
  }
});
