"use strict";
// Shows how much of an archive has been sent.
document.addEventListener("htmx:xhr:progress", (event) => {
  const bar = event.target.closest("form.import")?.querySelector("progress");
  if (!bar || !event.detail.lengthComputable) return;
  bar.hidden = false;
  bar.value = event.detail.loaded / event.detail.total;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const bar = event.target.closest("form.import")?.querySelector("progress");
  if (bar) bar.hidden = true;
});
