"use strict";
// The map of a gallery: a canvas that is moved, zoomed and read with mouse, fingers or keyboard.
(() => {
  let repaint = () => {};
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repaint());
  // The page loads itself anew while a map is being made: the new one is another box.
  document.addEventListener("htmx:load", begin);
  begin();

  function begin() {
    const box = document.querySelector("[data-places]:not([data-begun])");
    if (!box) return;
    box.dataset.begun = "";
    repaint = watch(box);
  }
})();

// Fills the box, lets it be moved and zoomed, and returns what paints it in the colours of now.
function watch(box) {
  const canvas = box.querySelector("canvas");
  const pen = canvas.getContext("2d");
  const tip = box.querySelector(".tip");
  const spoken = box.querySelector("[data-spoken]");
  const MARGIN = 32, NEAR = 22, FACES = 90, FACE = 44;
  const covers = new Map();
  let points = [], view = { x: 0.5, y: 0.5, zoom: 1 }, chosen = -1, lit = null, asked = false, colours = [], ink = "";

  const wide = () => (canvas.clientWidth - 2 * MARGIN) * view.zoom;
  const high = () => (canvas.clientHeight - 2 * MARGIN) * view.zoom;
  const onScreen = (p) => [
    canvas.clientWidth / 2 + (p.x - view.x) * wide(), canvas.clientHeight / 2 + (p.y - view.y) * high()];
  const address = (p) => box.dataset.characters + encodeURIComponent(p.id);

  function look() {
    const swatch = box.appendChild(document.createElement("i"));
    const shown = (name) => { swatch.style.color = `var(--${name})`; return getComputedStyle(swatch).color; };
    colours = Array.from({ length: 9 }, (_, n) => shown(`map-${n}`));
    ink = shown("ink");
    swatch.remove();
    draw();
  }

  function draw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; paint(); });
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const seen = [];
    for (const p of points) {
      const [x, y] = onScreen(p);
      if (x > -FACE && y > -FACE && x < width + FACE && y < height + FACE) seen.push([p, x, y]);
    }
    const faces = seen.length <= FACES;
    const radius = Math.max(2.5, Math.min(7, 90 / Math.sqrt(seen.length + 1)));
    for (const [p, x, y] of seen) {
      pen.globalAlpha = lit === null || lit === p.colour ? 1 : 0.15;
      const cover = faces ? coverOf(p) : null;
      if (cover) {
        pen.save();
        pen.beginPath();
        pen.roundRect(x - FACE / 2, y - FACE / 2, FACE, FACE, 9);
        pen.clip();
        pen.drawImage(cover, x - FACE / 2, y - FACE / 2, FACE, FACE);
        pen.restore();
        pen.strokeStyle = colours[p.colour];
        pen.lineWidth = 2.5;
        pen.beginPath();
        pen.roundRect(x - FACE / 2, y - FACE / 2, FACE, FACE, 9);
        pen.stroke();
      } else {
        pen.fillStyle = colours[p.colour];
        pen.beginPath();
        pen.arc(x, y, radius, 0, 2 * Math.PI);
        pen.fill();
      }
    }
    pen.globalAlpha = 1;
    if (chosen >= 0) {
      const [x, y] = onScreen(points[chosen]), side = faces ? FACE + 8 : 2 * radius + 10;
      pen.strokeStyle = ink;
      pen.lineWidth = 3;
      pen.beginPath();
      pen.roundRect(x - side / 2, y - side / 2, side, side, 11);
      pen.stroke();
    }
  }

  function coverOf(p) {
    let cover = covers.get(p.id);
    if (!cover) {
      cover = new Image();
      cover.onload = draw;
      cover.src = address(p) + "/cover";
      covers.set(p.id, cover);
      if (covers.size > 400) covers.delete(covers.keys().next().value);
    }
    return cover.complete && cover.naturalWidth ? cover : null;
  }

  function nearest(x, y, within) {
    let best = -1, distance = within * within;
    points.forEach((p, n) => {
      const [px, py] = onScreen(p), d = (px - x) ** 2 + (py - y) ** 2;
      if (d < distance) { best = n; distance = d; }
    });
    return best;
  }

  function choose(n, speak) {
    if (n === chosen && !speak) return;
    chosen = n;
    tip.hidden = n < 0;
    canvas.classList.toggle("on-point", n >= 0);
    if (n >= 0) {
      const p = points[n], [x, y] = onScreen(p);
      tip.querySelector("strong").textContent = p.name;
      tip.querySelector("small").textContent = p.series;
      tip.querySelector("img").src = address(p) + "/cover";
      const right = x > canvas.clientWidth / 2;
      tip.style.left = `${right ? Math.max(0, x - tip.offsetWidth - 30) : x + 30}px`;
      tip.style.top = `${Math.min(Math.max(0, y - 36), canvas.clientHeight - 76)}px`;
      if (speak) spoken.textContent = p.series ? `${p.name} (${p.series})` : p.name;
    }
    draw();
  }

  function zoomAt(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const [across, down] = [wide(), high()];
    view.zoom = Math.min(60, Math.max(1, view.zoom * factor));
    view.x += (x - canvas.clientWidth / 2) * (1 / across - 1 / wide());
    view.y += (y - canvas.clientHeight / 2) * (1 / down - 1 / high());
    stay();
  }

  function stay() {
    view.x = Math.min(1, Math.max(0, view.x));
    view.y = Math.min(1, Math.max(0, view.y));
    if (chosen >= 0) choose(chosen, false);
    draw();
  }

  // To the nearest point that lies more in that direction than beside it.
  function step(dx, dy) {
    if (!points.length) return;
    if (chosen < 0) return reveal(nearest(canvas.clientWidth / 2, canvas.clientHeight / 2, Infinity));
    const from = points[chosen];
    let best = -1, cost = Infinity;
    points.forEach((p, n) => {
      const along = (p.x - from.x) * dx + (p.y - from.y) * dy;
      const beside = Math.abs((p.x - from.x) * dy) + Math.abs((p.y - from.y) * dx);
      if (n !== chosen && along > 0 && beside <= along && along + 2 * beside < cost) { best = n; cost = along + 2 * beside; }
    });
    if (best >= 0) reveal(best);
  }

  function reveal(n) {
    const [x, y] = onScreen(points[n]);
    if (x < MARGIN || y < MARGIN || x > canvas.clientWidth - MARGIN || y > canvas.clientHeight - MARGIN) {
      view.x = points[n].x;
      view.y = points[n].y;
    }
    choose(n, true);
  }

  const all = () => { view = { x: 0.5, y: 0.5, zoom: 1 }; choose(-1, false); draw(); };
  const keys = {
    ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1),
    ArrowDown: () => step(0, 1), "+": () => zoomAt(1.5), "=": () => zoomAt(1.5), "-": () => zoomAt(1 / 1.5),
    Home: all, Escape: () => choose(-1, false),
    Enter: () => { if (chosen >= 0) window.location.assign(address(points[chosen])); },
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  canvas.addEventListener("focus", () => { if (chosen < 0 && canvas.matches(":focus-visible")) step(0, 0); });

  const held = new Map();
  let moved = 0, spread = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, [event.offsetX, event.offsetY]);
    if (held.size === 1) moved = 0;
    spread = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = held.get(event.pointerId);
    if (!last) return choose(nearest(event.offsetX, event.offsetY, NEAR), false);
    held.set(event.pointerId, [event.offsetX, event.offsetY]);
    moved += Math.abs(event.offsetX - last[0]) + Math.abs(event.offsetY - last[1]);
    if (held.size === 1) {
      view.x -= (event.offsetX - last[0]) / wide();
      view.y -= (event.offsetY - last[1]) / high();
      stay();
    } else if (held.size === 2) {
      const [a, b] = [...held.values()], now = Math.hypot(a[0] - b[0], a[1] - b[1]);
      if (spread) zoomAt(now / spread, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
      spread = now;
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    held.delete(event.pointerId);
    if (moved > 6) return;
    const n = nearest(event.offsetX, event.offsetY, NEAR);
    // A finger cannot hover: its first tap shows who it is, the second one goes there.
    if (n >= 0 && (event.pointerType === "mouse" || n === chosen)) window.location.assign(address(points[n]));
    else choose(n, true);
  });
  canvas.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => { if (!held.size) choose(-1, false); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }, { passive: false });
  box.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", () =>
    ({ in: () => zoomAt(1.6), out: () => zoomAt(1 / 1.6), all })[button.dataset.do]()));
  box.querySelectorAll("[data-series]").forEach((button) => button.addEventListener("click", () => {
    const series = Number(button.dataset.series);
    lit = lit === series ? null : series;
    box.querySelectorAll("[data-series]").forEach((one) =>
      one.setAttribute("aria-pressed", String(lit === Number(one.dataset.series))));
    draw();
  }));
  new ResizeObserver(draw).observe(canvas);

  fetch(box.dataset.places, { credentials: "same-origin" })
    .then((answer) => { if (!answer.ok) throw new Error(`${answer.status}`); return answer.json(); })
    .then((rows) => {
      points = rows.map(([id, name, series, samples, x, y, colour]) => ({ id, name, series, samples, x, y, colour }));
      box.dataset.ready = String(points.length);
      look();
    });
  return look;
}
