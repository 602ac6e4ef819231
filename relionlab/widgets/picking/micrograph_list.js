// The list of micrographs. Lines have one height, and only those that are seen are in the page.
const LINE = 25;
const CASCADE = 4; // lines drawn above and below what is seen

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "rl-ml";
  root.innerHTML = `<div class="rl-ml-head" role="row"></div><div class="rl-ml-body" role="listbox" tabindex="0"
    aria-label="Micrographs"><div class="rl-ml-all"></div></div>`;
  el.append(root);
  const [head, body] = root.children;
  const all = body.firstChild;
  let sorted = { column: -1, down: false }; // -1: as listed; -2: picks; -3: kept
  let anchor = null;

  const order = () => model.get("order");
  const value = (column, index) => {
    if (column === -2) return model.get("counts")[index] ?? null;
    if (column === -3) return model.get("kept")[index] ? 0 : 1;
    return model.get("rows")[index][column];
  };
  function sort(column) {
    sorted = { column, down: sorted.column === column ? !sorted.down : false };
    const indices = model.get("rows").map((_, index) => index);
    const compare = (a, b) => {
      const [p, q] = [value(column, a), value(column, b)];
      if (p === q) return a - b;
      if (p === null || p === undefined) return 1; // what is not known comes last, whichever way
      if (q === null || q === undefined) return -1;
      const less = typeof p === "string" ? p.localeCompare(q, undefined, { numeric: true }) : p - q;
      return sorted.down ? -less : less;
    };
    model.set("order", indices.sort(compare));
    model.save_changes();
    drawHead();
    draw();
  }

  function keep(index, event) {
    const kept = !model.get("kept")[index];
    let touched = [index];
    if (event.shiftKey && anchor !== null) {
      const [a, b] = [order().indexOf(anchor), order().indexOf(index)].sort((x, y) => x - y);
      touched = order().slice(a, b + 1);
    }
    anchor = index;
    const next = [...model.get("kept")];
    for (const each of touched) next[each] = kept;
    model.set("kept", next);
    model.send({ kind: kept ? "keep" : "drop", key: touched });
    draw();
  }
  const show = (index) => index !== undefined && index >= 0 && model.send({ kind: "show", key: index });

  function heading(text, tip, column, className) {
    const mark = sorted.column === column ? (sorted.down ? " ▾" : " ▴") : "";
    const made = element("button", className, { title: tip }, text + mark);
    made.addEventListener("click", () => sort(column));
    return made;
  }
  function drawHead() {
    const [name, ...others] = model.get("headings");
    if (!name) return;
    head.replaceChildren(
      heading("✓", "Kept for later jobs; shift-click ticks all between two lines", -3, "rl-ml-tick"),
      heading(name[0], name[2], 0, "rl-ml-name"),
      heading("picks", "Particles picked", -2, "rl-ml-number"),
      ...others.map(([title, unit, tip], place) => heading(unit ? `${title} (${unit})` : title, tip, place + 1, "rl-ml-number")),
    );
  }
  function line(index) {
    const [rows, headings] = [model.get("rows"), model.get("headings")];
    const kept = model.get("kept")[index];
    const here = index === model.get("shown");
    const made = element("div", "rl-ml-line", { role: "option", "data-index": index, "aria-selected": here });
    made.classList.toggle("rl-ml-shown", here);
    made.classList.toggle("rl-ml-dropped", !kept);
    const tick = element("input", "rl-ml-tick", { type: "checkbox", tabindex: -1, "aria-label": `Keep ${rows[index][0]}` });
    tick.checked = kept;
    tick.addEventListener("click", (event) => {
      event.stopPropagation();
      keep(index, event);
    });
    const cell = (className, text) => element("span", className, {}, text);
    const name = element("span", "rl-ml-name", { title: rows[index][0] }, rows[index][0]);
    const count = model.get("counts")[index];
    const numbers = rows[index].slice(1).map((each, place) => {
      const decimals = headings[place + 1][3];
      return cell("rl-ml-number", each === null ? "–" : decimals < 0 ? each : each.toFixed(decimals));
    });
    made.append(tick, name, cell("rl-ml-number rl-ml-count", count === null || count === undefined ? "…" : count || "·"), ...numbers);
    made.addEventListener("click", () => show(index));
    return made;
  }
  function draw() {
    const shown = order();
    all.style.height = `${shown.length * LINE}px`;
    const first = Math.max(Math.floor(body.scrollTop / LINE) - CASCADE, 0);
    const last = Math.min(first + Math.ceil(model.get("height") / LINE) + 2 * CASCADE, shown.length);
    const lines = [];
    for (let place = first; place < last; place++) {
      const made = line(shown[place]);
      made.style.top = `${place * LINE}px`;
      lines.push(made);
    }
    all.replaceChildren(...lines);
  }
  function follow() {
    const place = order().indexOf(model.get("shown"));
    if (place < 0) return draw();
    const top = place * LINE;
    if (top < body.scrollTop) body.scrollTop = top;
    else if (top + LINE > body.scrollTop + body.clientHeight) body.scrollTop = top + LINE - body.clientHeight;
    draw();
  }
  function key(event) {
    const place = order().indexOf(model.get("shown"));
    const page = Math.floor(body.clientHeight / LINE);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) show(order()[Math.min(Math.max(place + steps[event.key], 0), order().length - 1)]);
    else if (event.key === " " && place >= 0) keep(order()[place], event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  const size = () => {
    body.style.height = `${model.get("height")}px`;
    draw();
  };

  body.addEventListener("scroll", draw);
  root.addEventListener("keydown", key);
  model.on("change:rows change:kept change:counts change:order", draw);
  model.on("change:headings", drawHead);
  model.on("change:shown", follow);
  model.on("change:height", size);
  drawHead();
  size();
  follow();
}
export default { render };
