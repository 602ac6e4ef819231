// A grid of class averages that are chosen by clicking. A click answers at once, here; Python hears of it afterwards.
function render({ model, el }) {
  const grid = element("div", "rl-grid", { role: "group" });
  el.append(grid);
  let url = null;
  let anchor = null; // the tile clicked before, from which a shift-click reaches

  const chosen = () => new Set(model.get("selected"));
  const order = () => model.get("order");

  function choose(set) {
    model.set("selected", order().filter((n) => set.has(n)));
    model.save_changes();
    mark();
  }

  function click(number, event) {
    const set = chosen();
    const on = !set.has(number);
    const shown = order();
    let touched = [number];
    if (event.shiftKey && anchor !== null && shown.includes(anchor)) {
      const [a, b] = [shown.indexOf(anchor), shown.indexOf(number)].sort((x, y) => x - y);
      touched = shown.slice(a, b + 1);
    }
    for (const n of touched) on ? set.add(n) : set.delete(n);
    anchor = number;
    model.set("last", number);
    choose(set);
  }

  function mark() {
    const set = chosen();
    for (const tile of grid.children) {
      const on = set.has(Number(tile.dataset.number));
      tile.classList.toggle("rl-chosen", on);
      if (model.get("selectable")) tile.setAttribute("aria-pressed", String(on));
    }
  }

  function draw() {
    if (url) URL.revokeObjectURL(url);
    url = null;
    grid.replaceChildren();
    const sprite = model.get("sprite");
    if (!sprite || !sprite.byteLength) return;
    url = URL.createObjectURL(new Blob([sprite], { type: "image/png" }));
    const size = model.get("tile");
    const columns = model.get("columns");
    const items = new Map(model.get("items").map((item) => [item.number, item]));
    const rows = Math.ceil(items.size / columns);
    for (const number of order()) {
      const item = items.get(number);
      if (!item) continue;
      const image = element("div", "rl-average");
      const [row, column] = [Math.floor(item.place / columns), item.place % columns];
      image.style.cssText =
        `width:${size}px;height:${size}px;background-image:url(${url});` +
        `background-size:${columns * size}px ${rows * size}px;background-position:${-column * size}px ${-row * size}px`;
      if (number === order()[0] && model.get("bar_share") > 0) {
        const bar = element("div", "rl-bar", {}, model.get("bar_label"));
        bar.style.width = `${model.get("bar_share") * size}px`;
        image.append(bar);
      }
      const caption = element("div", "rl-caption", {}, ...item.lines.map((line) => element("div", "", {}, line)));
      const tile = element("div", "rl-class", { "data-number": number, title: item.tip }, image, caption);
      tile.style.width = `${size}px`;
      if (model.get("selectable")) {
        tile.tabIndex = 0;
        tile.setAttribute("role", "button");
        tile.setAttribute("aria-label", item.tip);
        tile.addEventListener("click", (event) => click(number, event));
        tile.addEventListener("keydown", (event) => {
          if (event.key === " " || event.key === "Enter") {
            event.preventDefault();
            event.stopPropagation();
            click(number, event);
          }
        });
      }
      grid.append(tile);
    }
    grid.classList.toggle("rl-selectable", model.get("selectable"));
    mark();
  }

  let waiting = false;
  const later = () => {
    // several traits change together: draw once
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      draw();
    });
  };
  model.on("change:sprite change:order change:items", later);
  model.on("change:selected", mark);
  draw();
  return () => {
    if (url) URL.revokeObjectURL(url);
  };
}
export default { render };
