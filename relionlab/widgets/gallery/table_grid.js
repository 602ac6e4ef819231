// A table of any number of rows: only those in view are asked of Python and held here.
const ROW = 22;
const TALLEST = 12_000_000; // px; browsers refuse elements beyond about 33 million, so longer tables scroll in proportion

function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "rl-table";
  box.tabIndex = 0;
  box.dataset.lmSuppressShortcuts = "true";
  box.setAttribute("role", "grid");
  box.setAttribute("aria-multiselectable", "true");
  const head = document.createElement("div");
  head.className = "rl-table-head";
  head.setAttribute("role", "row");
  const space = document.createElement("div");
  space.className = "rl-table-space";
  box.append(head, space);
  el.append(box);

  const held = new Map(); // place -> list of texts
  const lines = new Map(); // place -> element
  let chosen = new Uint8Array(0);
  let current = model.get("current");
  let anchor = null;
  let asked = null;
  let counter = 0;

  const count = () => model.get("count");
  const isChosen = (place) => (chosen[place >> 3] >> (place & 7)) & 1;
  const total = () => count() * ROW;
  const visible = () => Math.max(1, Math.floor((box.clientHeight - head.offsetHeight) / ROW));
  const tall = () => Math.min(total(), TALLEST);

  function first() {
    const most = Math.max(0, count() - visible());
    if (total() <= TALLEST) return Math.min(most, Math.floor(box.scrollTop / ROW));
    const share = box.scrollTop / Math.max(1, tall() + head.offsetHeight - box.clientHeight);
    return Math.round(Math.min(1, share) * most);
  }

  function scroll_to(place) {
    const most = Math.max(0, count() - visible());
    const top = Math.min(Math.max(place, 0), most);
    box.scrollTop = total() <= TALLEST ? top * ROW : (top / most) * (tall() + head.offsetHeight - box.clientHeight);
  }

  // --- drawing ---------------------------------------------------------------------------------------------------
  const template = () => `64px ${model.get("columns").map((column) => `${column.width}px`).join(" ")}`;

  function draw_head() {
    head.replaceChildren();
    head.style.gridTemplateColumns = template();
    const sorted = model.get("sorted");
    const cell = (words, tip, name) => {
      const made = document.createElement("button");
      made.textContent = words;
      made.title = tip;
      made.setAttribute("role", "columnheader");
      made.tabIndex = -1;
      made.onclick = () => model.send({ kind: "sort", name });
      const on = name === sorted.name;
      if (on) made.dataset.sorted = sorted.descending ? "▼" : "▲";
      made.setAttribute("aria-sort", on ? (sorted.descending ? "descending" : "ascending") : "none");
      return made;
    };
    head.append(cell("Row", "The order of the file", ""));
    for (const column of model.get("columns")) head.append(cell(column.heading, column.tip, column.name));
  }

  function fill(line, place) {
    const texts = held.get(place);
    const numeric = model.get("columns").map((column) => column.numeric);
    const cells = texts ?? ["…"];
    line.replaceChildren(
      ...cells.map((text, index) => {
        const cell = document.createElement("span");
        cell.textContent = text;
        cell.setAttribute("role", "gridcell");
        if (index === 0 || numeric[index - 1]) cell.className = "rl-number";
        else cell.title = text;
        return cell;
      }),
    );
  }

  function show_mark(line, place) {
    line.classList.toggle("rl-chosen", Boolean(isChosen(place)));
    line.classList.toggle("rl-current", place === current);
    line.setAttribute("aria-selected", String(Boolean(isChosen(place))));
  }

  function draw() {
    space.style.height = `${tall()}px`;
    const from = first();
    const to = Math.min(count(), from + visible() + 2);
    const offset = total() <= TALLEST ? from * ROW : box.scrollTop;
    for (const [place, line] of lines)
      if (place < from || place >= to) {
        line.remove();
        lines.delete(place);
      }
    for (let place = from; place < to; place++) {
      let line = lines.get(place);
      if (!line) {
        line = document.createElement("div");
        line.className = "rl-table-row";
        line.dataset.place = place;
        line.setAttribute("role", "row");
        line.style.gridTemplateColumns = template();
        fill(line, place);
        show_mark(line, place);
        lines.set(place, line);
        space.append(line);
      }
      line.style.transform = `translateY(${offset + (place - from) * ROW}px)`;
      line.classList.toggle("rl-even", place % 2 === 1);
    }
    ask(from, to);
  }

  function ask(from, to) {
    if (asked && asked.from <= from && asked.to >= to) return;
    let missing = false;
    for (let place = from; place < to; place++) missing ||= !held.has(place);
    if (!missing) return;
    const more = visible(); // a screen before and after, so that slow scrolling never waits
    asked = { id: ++counter, from: Math.max(0, from - more), to: Math.min(count(), to + more) };
    model.send({ kind: "want", epoch: model.get("epoch"), ...asked });
  }

  function redraw() {
    for (const line of lines.values()) line.remove();
    lines.clear();
    space.style.width = head.style.width = `${64 + model.get("columns").reduce((sum, column) => sum + column.width, 0)}px`;
    draw_head();
    draw();
  }

  const marks = () => lines.forEach((line, place) => show_mark(line, place));

  function heard(message, buffers) {
    if (message.kind === "chosen") {
      const view = buffers[0];
      chosen = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
      return marks();
    }
    if (message.kind !== "rows" || message.epoch !== model.get("epoch")) return;
    if (held.size > 3000) held.clear();
    message.rows.forEach((texts, index) => held.set(message.from + index, texts));
    if (asked && asked.id === message.id) asked = null;
    lines.forEach((line, place) => {
      fill(line, place);
      show_mark(line, place);
    });
    draw();
  }

  // --- choosing --------------------------------------------------------------------------------------------------
  function choose(from, to, on) {
    for (let place = from; place <= to; place++)
      if (on) chosen[place >> 3] |= 1 << (place & 7);
      else chosen[place >> 3] &= ~(1 << (place & 7));
    model.send({ kind: "choose", from, to, on, arranged: model.get("arranged") });
    marks();
  }

  function look_at(place) {
    current = place;
    model.set("current", place);
    model.save_changes();
    marks();
  }

  function click(place, event) {
    if (event.shiftKey && anchor !== null) {
      const [from, to] = [anchor, place].sort((x, y) => x - y);
      choose(from, to, true);
    } else {
      choose(place, place, !isChosen(place));
      anchor = place;
    }
    look_at(place);
  }

  function reveal(place) {
    const from = first();
    if (place < from) scroll_to(place);
    else if (place >= from + visible()) scroll_to(place - visible() + 1);
    draw();
  }

  function move(step, event) {
    const from = current ?? -1;
    const place = Math.min(Math.max(from + step, 0), count() - 1);
    if (place < 0) return;
    if (event.shiftKey) choose(...[Math.max(from, 0), place].sort((x, y) => x - y), true);
    look_at(place);
    anchor = place;
    reveal(place);
  }

  box.addEventListener("click", (event) => {
    const line = event.target.closest?.(".rl-table-row");
    if (line) click(Number(line.dataset.place), event);
  });
  box.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: -1, ArrowDown: 1, PageUp: -visible(), PageDown: visible(), Home: -count(), End: count() };
    const control = event.ctrlKey || event.metaKey;
    if (event.key in steps) move(steps[event.key], event);
    else if ((event.key === " " || event.key === "x") && current >= 0) click(current, event);
    else if (control && event.key === "a") model.send({ kind: "do", name: "all" });
    else if (event.key === "Escape") model.send({ kind: "do", name: "none" });
    else if (!control && event.key === "i") model.send({ kind: "do", name: "invert" });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
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
    asked = null;
    anchor = null;
    current = model.get("current");
    box.style.height = `${model.get("height")}px`;
    box.setAttribute("aria-rowcount", String(count()));
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
  model.on("change:sorted", draw_head);
  model.on("change:current", moved);
  model.on("msg:custom", heard);
  const watch = new ResizeObserver(() => draw());
  watch.observe(box);
  anew();
  model.send({ kind: "ready" });
  return () => {
    watch.disconnect();
    model.off("change:epoch", anew);
    model.off("change:arranged", to_top);
    model.off("change:sorted", draw_head);
    model.off("change:current", moved);
    model.off("msg:custom", heard);
  };
}
export default { render };
