// A list of micrographs: which are shown is ticked, columns sort, rows are reached by the arrow keys.
function render({ model, el }) {
  const root = element("div", "rl-mt", { "data-lm-suppress-shortcuts": true });
  root.innerHTML = `<table role="grid"><thead><tr></tr></thead><tbody></tbody></table>`;
  el.append(root);
  const [head, body] = [root.querySelector("tr"), root.querySelector("tbody")];
  let sort = { key: -1, down: false };
  let rows = [];

  function drawHead() {
    head.replaceChildren(
      element("th"),
      ...model.get("columns").map((words, key) => {
        const unit = model.get("units")[key];
        const mark = sort.key === key ? (sort.down ? " ▾" : " ▴") : "";
        const press = element("button", "", { title: `${words}${unit ? ` (${unit})` : ""}: sort` }, words + mark);
        press.addEventListener("click", () => {
          sort = { key, down: sort.key === key ? !sort.down : key > 0 };
          drawHead();
          draw();
        });
        return element("th", "", {}, press);
      }),
    );
  }

  function tick(name, on) {
    const chosen = model.get("chosen").filter((other) => other !== name);
    if (on) chosen.push(name);
    model.send({ kind: "chosen", key: chosen });
  }

  function draw() {
    const told = model.get("rows").map((row, place) => ({ row, place }));
    const value = ({ row }) => row.values[sort.key];
    if (sort.key >= 0)
      told.sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        return (sort.down ? -1 : 1) * (x < y ? -1 : x > y ? 1 : a.place - b.place);
      });
    const chosen = new Set(model.get("chosen"));
    const texts = model.get("formats");
    rows = told.map(({ row }) => {
      const box = element("input", "", { type: "checkbox", "aria-label": `Show ${row.name}` });
      box.checked = chosen.has(row.name);
      box.addEventListener("change", () => tick(row.name, box.checked));
      const cells = row.values.map((value, key) => {
        const text = value === null ? "" : texts[key] === null ? String(value) : value.toFixed(texts[key]);
        return element("td", texts[key] === null ? "rl-text" : "rl-number", {}, text);
      });
      const about = { "data-name": row.name, title: row.name };
      const line = element("tr", box.checked ? "rl-chosen" : "", about, element("td", "", {}, box), ...cells);
      line.addEventListener("click", (event) => {
        if (event.target !== box) tick(row.name, !box.checked);
      });
      return line;
    });
    body.replaceChildren(...rows);
  }

  function key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    if (!step || here < 0) return;
    event.preventDefault();
    event.stopPropagation();
    rows[Math.min(Math.max(here + step, 0), rows.length - 1)].querySelector("input").focus();
  }

  function redraw() {
    const focus = document.activeElement?.closest?.("tr")?.dataset.name;
    const inside = root.contains(document.activeElement);
    const top = root.scrollTop;
    draw();
    root.scrollTop = top;
    if (inside && focus) rows.find((row) => row.dataset.name === focus)?.querySelector("input").focus({ preventScroll: true });
  }
  root.addEventListener("keydown", key);
  model.on("change:rows change:chosen", redraw);
  model.on("change:columns", drawHead);
  drawHead();
  draw();
}
export default { render };
