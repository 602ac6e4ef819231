// Thumbnails of any number of images: only what is in view is asked of Python and held here.
// A click marks at once, here; Python hears of it afterwards and does the counting.
const GAP = 6;
const KEPT = 4000; // tiles whose pixels are remembered

function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "rl-images";
  box.tabIndex = 0;
  box.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys (a, d d …) stay away
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-multiselectable", "true");
  const space = document.createElement("div");
  space.className = "rl-images-space";
  box.append(space);
  el.append(box);

  const held = new Map(); // place -> {width, height, pixels, lines, tip}
  const tiles = new Map(); // place -> element
  const failed = new Map(); // place -> why it cannot be shown
  let chosen = new Uint8Array(0); // a bit for each place
  let current = model.get("current");
  let anchor = null;
  let asked = null; // the request that Python works on: {id, from, to}
  let counter = 0;
  let menu = null;
  let geometry = { columns: 1, tile: 100, height: 100, row: 130 };

  const count = () => model.get("count");
  const isChosen = (place) => (chosen[place >> 3] >> (place & 7)) & 1;
  const mark = (place, on) => {
    if (on) chosen[place >> 3] |= 1 << (place & 7);
    else chosen[place >> 3] &= ~(1 << (place & 7));
  };

  // --- where things are ------------------------------------------------------------------------------------------
  function measure() {
    const width = box.clientWidth - GAP;
    if (width <= 0) return false;
    const fixed = model.get("columns");
    const columns = fixed > 0 ? fixed : Math.max(1, Math.floor(width / (model.get("tile") + GAP)));
    const filling = Math.max(16, Math.floor(width / columns) - GAP); // rows end at the right edge
    const tile = fixed > 0 || count() >= columns ? filling : model.get("tile");
    const height = Math.round(tile * model.get("ratio"));
    geometry = { columns, tile, height, row: height + GAP + 4 + 15 * model.get("lines") };
    const rows = Math.ceil(count() / columns);
    space.style.height = `${rows * geometry.row + GAP}px`;
    box.style.height = `${Math.min(model.get("height"), Math.max(rows * geometry.row + 2 * GAP, 60))}px`;
    return true;
  }

  function inView(margin = 0) {
    const top = box.scrollTop - margin;
    const bottom = box.scrollTop + box.clientHeight + margin;
    const from = Math.max(0, Math.floor(top / geometry.row)) * geometry.columns;
    const to = Math.min(count(), (Math.floor(bottom / geometry.row) + 1) * geometry.columns);
    return [from, Math.max(from, to)];
  }

  // --- drawing ---------------------------------------------------------------------------------------------------
  function place_tile(tile, place) {
    const [row, column] = [Math.floor(place / geometry.columns), place % geometry.columns];
    tile.style.transform = `translate(${GAP + column * (geometry.tile + GAP)}px, ${GAP + row * geometry.row}px)`;
    tile.style.width = `${geometry.tile}px`;
  }

  function fill(tile, place) {
    const [canvas, caption] = tile.children;
    canvas.style.height = `${geometry.height}px`;
    const item = held.get(place);
    tile.classList.toggle("rl-waiting", !item);
    if (!item) {
      caption.textContent = failed.get(place) ?? "";
      return;
    }
    [canvas.width, canvas.height] = [item.width, item.height];
    const context = canvas.getContext("2d");
    const picture = context.createImageData(item.width, item.height);
    const words = new Uint32Array(picture.data.buffer);
    for (let i = 0; i < words.length; i++) words[i] = 0xff000000 | (item.pixels[i] * 0x010101);
    context.putImageData(picture, 0, 0);
    caption.textContent = item.lines;
    tile.title = item.tip;
    tile.setAttribute("aria-label", item.tip);
  }

  function show_mark(tile, place) {
    const on = Boolean(isChosen(place));
    tile.classList.toggle("rl-chosen", on);
    tile.setAttribute("aria-selected", String(on));
    tile.classList.toggle("rl-current", place === current);
    if (place === current) box.setAttribute("aria-activedescendant", tile.id);
  }

  function make(place) {
    const tile = document.createElement("div");
    tile.className = "rl-image";
    tile.id = `rl-image-${model.model_id ?? ""}-${place}`;
    tile.dataset.place = place;
    tile.setAttribute("role", "option");
    const caption = document.createElement("div");
    caption.className = "rl-image-caption";
    tile.append(document.createElement("canvas"), caption);
    return tile;
  }

  function draw() {
    const [from, to] = inView(geometry.row);
    for (const [place, tile] of tiles)
      if (place < from || place >= to) {
        tile.remove();
        tiles.delete(place);
      }
    for (let place = from; place < to; place++) {
      if (tiles.has(place)) continue;
      const tile = make(place);
      tiles.set(place, tile);
      place_tile(tile, place);
      fill(tile, place);
      show_mark(tile, place);
      space.append(tile);
    }
    ask();
  }

  function redraw() {
    if (!measure()) return;
    for (const tile of tiles.values()) tile.remove();
    tiles.clear();
    draw();
  }

  const marks = () => tiles.forEach((tile, place) => show_mark(tile, place));

  // --- what is asked of Python -----------------------------------------------------------------------------------
  function missing(from, to) {
    let [first, last] = [-1, -1];
    for (let place = from; place < to; place++)
      if (!held.has(place) && !failed.has(place)) {
        if (first < 0) first = place;
        last = place + 1;
      }
    return first < 0 ? null : [first, last];
  }

  function ask() {
    const [from, to] = inView();
    if (to <= from) return;
    if (asked && asked.from < to && asked.to > from) return; // it is on its way
    const screen = to - from;
    const wanted = missing(from, to) ?? missing(to, Math.min(count(), to + screen)) ?? missing(Math.max(0, from - screen), from);
    if (!wanted) return;
    asked = { id: ++counter, from: wanted[0], to: wanted[1] };
    const pixels = Math.ceil(geometry.tile * Math.min(window.devicePixelRatio || 1, 2));
    model.send({ kind: "want", id: counter, epoch: model.get("epoch"), from: wanted[0], to: wanted[1], pixels });
  }

  function forget() {
    if (held.size <= KEPT) return;
    const [from, to] = inView(2 * box.clientHeight);
    for (const place of held.keys()) if (place < from || place >= to) held.delete(place);
  }

  const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

  function heard(message, buffers) {
    if (message.kind === "chosen") {
      chosen = bytes(buffers[0]).slice();
      marks();
      return;
    }
    if (message.epoch !== model.get("epoch")) return;
    if (message.kind === "tiles") {
      const pixels = bytes(buffers[0]);
      const size = message.width * message.height;
      message.lines.forEach((lines, index) => {
        const place = message.from + index;
        const part = pixels.subarray(index * size, (index + 1) * size);
        held.set(place, { width: message.width, height: message.height, pixels: part, lines, tip: message.tips[index] });
        if (tiles.has(place)) fill(tiles.get(place), place);
      });
      forget();
    }
    if (message.kind === "failed")
      for (let place = message.from; place < message.to; place++) {
        failed.set(place, message.text);
        if (tiles.has(place)) fill(tiles.get(place), place);
      }
    if (message.kind === "done" && asked && message.id === asked.id) {
      asked = null;
      ask();
    }
  }

  // --- choosing --------------------------------------------------------------------------------------------------
  const act = (name) => model.send({ kind: "do", name, place: current });

  function look_at(place) {
    current = place;
    model.set("current", place);
    model.save_changes();
    marks();
  }

  function choose(from, to, on) {
    for (let place = from; place <= to; place++) mark(place, on);
    model.send({ kind: "choose", from, to, on, arranged: model.get("arranged") });
    marks();
  }

  function click(place, event) {
    if (event.shiftKey && anchor !== null) {
      const [from, to] = [anchor, place].sort((x, y) => x - y);
      choose(from, to, Boolean(isChosen(anchor)) || !isChosen(place));
    } else {
      choose(place, place, !isChosen(place));
      anchor = place;
    }
    look_at(place);
  }

  function reveal(place) {
    const top = Math.floor(place / geometry.columns) * geometry.row;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + geometry.row + GAP > box.scrollTop + box.clientHeight) box.scrollTop = top + geometry.row + GAP - box.clientHeight;
    draw();
  }

  function move(step, event) {
    const from = current === null || current < 0 ? -Math.sign(step) : current;
    const place = Math.min(Math.max(from + step, 0), count() - 1);
    if (place < 0) return;
    if (event.shiftKey) {
      const [a, b] = [Math.max(from, 0), place].sort((x, y) => x - y);
      choose(a, b, true);
    }
    look_at(place);
    anchor = place;
    reveal(place);
  }

  function key(event) {
    const page = geometry.columns * Math.max(1, Math.floor(box.clientHeight / geometry.row));
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -geometry.columns, ArrowDown: geometry.columns };
    Object.assign(steps, { PageUp: -page, PageDown: page, Home: -count(), End: count() });
    const control = event.ctrlKey || event.metaKey;
    if (event.key in steps) move(steps[event.key], event);
    else if ((event.key === " " || event.key === "x") && current >= 0) click(current, event);
    else if (event.key === "Enter" && current >= 0) act("open");
    else if (control && event.key === "a") act("all");
    else if (event.key === "Escape" && menu) close_menu();
    else if (event.key === "Escape") act("none");
    else if (!control && event.key === "i") act("invert");
    else if (event.key === "ContextMenu" || (event.shiftKey && event.key === "F10")) open_menu();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // --- the menu of the right button ------------------------------------------------------------------------------
  function close_menu() {
    menu?.remove();
    menu = null;
    box.focus({ preventScroll: true });
  }

  function open_menu(event) {
    menu?.remove();
    menu = document.createElement("div");
    menu.className = "rl-menu";
    menu.setAttribute("role", "menu");
    for (const [name, label] of model.get("menu")) {
      const item = document.createElement(label ? "button" : "hr");
      if (label) {
        item.textContent = label;
        item.setAttribute("role", "menuitem");
        item.onclick = () => {
          close_menu();
          act(name);
        };
      }
      menu.append(item);
    }
    const tile = tiles.get(current)?.getBoundingClientRect() ?? box.getBoundingClientRect();
    document.body.append(menu);
    const [x, y] = event ? [event.clientX, event.clientY] : [tile.left + 20, tile.top + 20];
    menu.style.left = `${Math.min(x, window.innerWidth - menu.offsetWidth - 8)}px`;
    menu.style.top = `${Math.max(4, Math.min(y, window.innerHeight - menu.offsetHeight - 8))}px`;
    menu.addEventListener("keydown", (pressed) => {
      const items = [...menu.querySelectorAll("button")];
      const at = items.indexOf(document.activeElement);
      if (pressed.key === "ArrowDown") items[(at + 1) % items.length].focus();
      else if (pressed.key === "ArrowUp") items[(at + items.length - 1) % items.length].focus();
      else if (pressed.key === "Escape") close_menu();
      else return;
      pressed.preventDefault();
      pressed.stopPropagation();
    });
    menu.querySelector("button")?.focus();
  }

  const outside = (event) => menu && !menu.contains(event.target) && close_menu();
  document.addEventListener("pointerdown", outside, true);

  // --- wiring ----------------------------------------------------------------------------------------------------
  const tile_of = (event) => event.target.closest?.(".rl-image");
  box.addEventListener("click", (event) => {
    const tile = tile_of(event);
    if (tile) click(Number(tile.dataset.place), event);
  });
  box.addEventListener("dblclick", () => act("open"));
  box.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const tile = tile_of(event);
    if (tile) look_at(Number(tile.dataset.place));
    open_menu(event);
  });
  box.addEventListener("keydown", key);
  let waiting = false;
  box.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  });

  const anew = () => {
    held.clear();
    failed.clear();
    asked = null;
    anchor = null;
    current = model.get("current");
    box.setAttribute("aria-label", model.get("label"));
    redraw();
  };
  const to_top = () => {
    box.scrollTop = 0;
  };
  const moved = () => {
    current = model.get("current");
    if (current >= 0) reveal(current);
    marks();
  };
  model.on("change:epoch", anew);
  model.on("change:arranged", to_top);
  model.on("change:tile change:columns change:lines change:height", redraw);
  model.on("change:current", moved);
  model.on("msg:custom", heard);
  const watch = new ResizeObserver(redraw);
  watch.observe(el);
  anew();
  model.send({ kind: "ready" });
  return () => {
    watch.disconnect();
    menu?.remove();
    document.removeEventListener("pointerdown", outside, true);
    model.off("change:epoch", anew);
    model.off("change:arranged", to_top);
    model.off("change:tile change:columns change:lines change:height", redraw);
    model.off("change:current", moved);
    model.off("msg:custom", heard);
  };
}
export default { render };
