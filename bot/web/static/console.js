// What the pages do in the browser beyond htmx: pictures are dropped, pasted or chosen, and sent one by one.
// A picture stays in the page, and goes along again with what is said about its faces: the server keeps none.
"use strict";

(() => {
  const AT_ONCE = 2;
  const pictures = new WeakMap();

  const form = document.querySelector("form[data-pictures]");
  if (form) watch(form);

  // A form that says something about a face sends its picture along.
  document.body.addEventListener("htmx:configRequest", (event) => {
    const { elt, formData } = event.detail;
    const picture = pictures.get(elt.closest("[data-item]"));
    if (picture && elt.closest("[data-with-picture]")) formData.append("picture", picture);
  });

  document.body.addEventListener("htmx:xhr:progress", (event) => {
    const bar = event.target.querySelector?.("[data-sent]");
    if (!bar || !event.detail.lengthComputable) return;
    if (event.detail.loaded < event.detail.total) bar.value = event.detail.loaded / event.detail.total;
    else bar.removeAttribute("value"); // sent: now it is being looked at
  });

  // A menu that is open closes when something else is pressed, or with Escape.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("header details[open]"))
      if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("header details[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  function watch(form) {
    const input = form.querySelector('input[type="file"]');
    const zone = form.querySelector("[data-drop]");
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

    input.addEventListener("change", () => {
      send(form, [...input.files]);
      input.value = "";
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      zone.classList.add("over");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) zone.classList.remove("over");
    });
    document.addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      zone.classList.remove("over");
      send(form, [...event.dataTransfer.files]);
    });
    document.addEventListener("paste", (event) => {
      const pasted = [...(event.clipboardData?.files ?? [])];
      if (!pasted.length) return;
      event.preventDefault();
      send(form, pasted);
    });
  }

  const waiting = [];
  let running = 0, done = 0, count = 0;

  function send(form, files) {
    if (!files.length || !form.reportValidity()) return;
    if (!running && !waiting.length) done = count = 0;
    count += files.length;
    // The newest stand on top, in the order in which they were chosen.
    for (const item of files.map(show).reverse()) document.querySelector("[data-items]").prepend(item);
    waiting.push(...files.map((file) => ({ form, file })));
    tell();
    while (running < AT_ONCE && waiting.length) next();
  }

  const items = new WeakMap();

  function show(file) {
    const item = document.querySelector("[data-waiting]").content.firstElementChild.cloneNode(true);
    item.querySelector("[data-name]").textContent = file.name;
    const preview = item.querySelector("[data-preview]");
    preview.src = URL.createObjectURL(file);
    preview.onload = preview.onerror = () => URL.revokeObjectURL(preview.src);
    pictures.set(item, file);
    items.set(file, item);
    return item;
  }

  async function next() {
    const { form, file } = waiting.shift();
    const item = items.get(file);
    running += 1;
    htmx.process(item);
    const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    try {
      await htmx.ajax("POST", form.action, {
        source: item,
        target: item.querySelector("[data-outcome]"),
        swap: "innerHTML",
        values: { ...values, picture: file },
      });
    } finally {
      running -= 1;
      done += 1;
      tell();
      if (waiting.length) next();
    }
  }

  function tell() {
    const queue = document.querySelector("[data-queue]");
    queue.hidden = count < 2;
    queue.querySelector("progress").value = done / count;
    queue.querySelector("[data-count]").textContent = `${done} / ${count}`;
  }
})();
