// A table of any number of rows.
const ROW = 22;
const NUMBER = 84; // px of the rows' numbers, up to millions
const TALLEST = 12_000_000; // px; browsers refuse elements beyond about 33 million, so longer tables scroll in proportion

function render({ model, el, signal }) {
  const head = element("div", "rl-table-head", { role: "row" });
  const space = element("div", "rl-table-space");
  const box = element("div", "rl-table", { role: "grid" }, head, space);
  let top = { place: 0, px: 0 }; // the first place in view, and where it lies

  const count = () => model.get("count");
  const columns = () => model.get("columns");
  const total = () => count() * ROW;
  const visible = () => Math.max(1, Math.floor((box.clientHeight - head.offsetHeight) / ROW));
  const tall = () => Math.min(total(), TALLEST);
  const template = () => `${NUMBER}px ${columns().map((column) => `${column.width}px`).join(" ")}`;

  function first() {
    const most = Math.max(0, count() - visible());
    if (total() <= TALLEST) return Math.min(most, Math.floor(box.scrollTop / ROW));
    const share = box.scrollTop / Math.max(1, tall() + head.offsetHeight - box.clientHeight);
    return Math.round(Math.min(1, share) * most);
  }

  function scrollTo(place) {
    const most = Math.max(0, count() - visible());
    const top = Math.min(Math.max(place, 0), most);
    box.scrollTop = total() <= TALLEST ? top * ROW : (top / most) * (tall() + head.offsetHeight - box.clientHeight);
  }

  function reveal(place) {
    if (place < first()) scrollTo(place);
    else if (place >= first() + visible()) scrollTo(place - visible() + 1);
  }

  function inView(more) {
    const from = first();
    top = { place: from, px: total() <= TALLEST ? from * ROW : box.scrollTop };
    return [Math.max(0, from - more), Math.min(count(), from + visible() + 1 + more)];
  }

  function heading(words, tip, name) {
    const sorted = model.get("sorted");
    const made = element("button", "", { role: "columnheader", title: tip, tabindex: -1, "aria-sort": "none" }, words);
    made.onclick = () => model.send({ kind: "sort", name });
    if (name === sorted.name) {
      made.dataset.sorted = sorted.descending ? "▼" : "▲";
      made.setAttribute("aria-sort", sorted.descending ? "descending" : "ascending");
    }
    return made;
  }

  function arrange() {
    box.style.height = `${model.get("height")}px`;
    box.setAttribute("aria-rowcount", String(count()));
    const width = columns().reduce((sum, column) => sum + column.width, NUMBER);
    space.style.width = head.style.width = `${width}px`;
    space.style.height = `${tall()}px`;
    head.style.gridTemplateColumns = template();
    const named = columns().map((column) => heading(column.heading, column.tip, column.name));
    head.replaceChildren(heading("Row", "The order of the file", ""), ...named);
    return box.clientHeight > 0;
  }

  function make() {
    const line = element("div", "rl-table-row", { role: "row" });
    line.style.gridTemplateColumns = template();
    return line;
  }

  function put(line, place) {
    line.style.transform = `translateY(${top.px + (place - top.place) * ROW}px)`;
    line.classList.toggle("rl-even", place % 2 === 1);
  }

  function fill(line, texts = ["…"]) {
    const cells = texts.map((text, index) => {
      const cell = element("span", "", { role: "gridcell" }, text);
      if (index === 0 || columns()[index - 1].numeric) cell.className = "rl-number";
      else cell.title = text;
      return cell;
    });
    line.replaceChildren(...cells);
  }

  const steps = () => ({ ArrowUp: -1, ArrowDown: 1, PageUp: -visible(), PageDown: visible() });
  const read = (message) => message.rows;

  const changes = "change:sorted change:height";
  rowGrid({ model, el, signal }, { box, space, changes, arrange, inView, make, put, fill, read, reveal, steps });
}
export default { render };
