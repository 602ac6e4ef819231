// Thumbnails of any number of images, in rows that end at the right edge.
const GAP = 6;

function render({ model, el, signal }) {
  const space = element("div", "rl-images-space");
  const box = element("div", "rl-images", { role: "listbox" }, space);
  let menu = null;
  let geometry = { columns: 1, tile: 100, height: 100, row: 130 };
  const count = () => model.get("count");

  function arrange() {
    const width = box.clientWidth - GAP;
    if (width <= 0) return false;
    const fixed = model.get("columns");
    const columns = fixed > 0 ? fixed : Math.max(1, Math.floor(width / (model.get("tile") + GAP)));
    const filling = Math.max(16, Math.floor(width / columns) - GAP);
    const tile = fixed > 0 || count() >= columns ? filling : model.get("tile");
    const height = Math.round(tile * model.get("ratio"));
    geometry = { columns, tile, height, row: height + GAP + 4 + 15 * model.get("lines") };
    const rows = Math.ceil(count() / columns);
    space.style.height = `${rows * geometry.row + GAP}px`;
    box.style.height = `${Math.min(model.get("height"), Math.max(rows * geometry.row + 2 * GAP, 60))}px`;
    return true;
  }

  function inView(more) {
    const top = box.scrollTop - more * geometry.row;
    const bottom = box.scrollTop + box.clientHeight + more * geometry.row;
    const from = Math.max(0, Math.floor(top / geometry.row)) * geometry.columns;
    const to = Math.min(count(), (Math.floor(bottom / geometry.row) + 1) * geometry.columns);
    return [from, Math.max(from, to)];
  }

  function make() {
    return element("div", "rl-image", { role: "option" }, element("canvas"), element("div", "rl-image-caption"));
  }

  function put(tile, place) {
    const [row, column] = [Math.floor(place / geometry.columns), place % geometry.columns];
    tile.style.transform = `translate(${GAP + column * (geometry.tile + GAP)}px, ${GAP + row * geometry.row}px)`;
    tile.style.width = `${geometry.tile}px`;
  }

  function fill(tile, item) {
    const [canvas, caption] = tile.children;
    canvas.style.height = `${geometry.height}px`;
    tile.classList.toggle("rl-waiting", !item?.pixels);
    caption.textContent = item?.caption ?? "";
    if (!item?.pixels) return;
    [canvas.width, canvas.height] = [item.width, item.height];
    const context = canvas.getContext("2d");
    const picture = context.createImageData(item.width, item.height);
    const words = new Uint32Array(picture.data.buffer);
    for (let i = 0; i < words.length; i++) words[i] = 0xff000000 | (item.pixels[i] * 0x010101);
    context.putImageData(picture, 0, 0);
    tile.title = item.tip;
    tile.setAttribute("aria-label", item.tip);
  }

  function read(message, buffers) {
    if (message.kind === "failed") return Array(message.to - message.from).fill({ caption: message.text });
    const { width, height, tips } = message;
    const pixels = bytes(buffers[0]);
    const part = (index) => pixels.subarray(index * width * height, (index + 1) * width * height);
    return message.lines.map((caption, index) => ({ width, height, caption, tip: tips[index], pixels: part(index) }));
  }

  function reveal(place) {
    const top = Math.floor(place / geometry.columns) * geometry.row;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + geometry.row + GAP > box.scrollTop + box.clientHeight) box.scrollTop = top + geometry.row + GAP - box.clientHeight;
  }

  function steps() {
    const page = geometry.columns * Math.max(1, Math.floor(box.clientHeight / geometry.row));
    const [left, up] = [-1, -geometry.columns];
    return { ArrowLeft: left, ArrowRight: -left, ArrowUp: up, ArrowDown: -up, PageUp: -page, PageDown: page };
  }

  const wish = () => ({ pixels: Math.ceil(geometry.tile * Math.min(window.devicePixelRatio || 1, 2)) });

  function key(event) {
    if (event.key === "Escape" && menu) closeMenu();
    else if (event.key === "Enter" && model.get("current") >= 0) rows.act("open");
    else if (event.key === "ContextMenu" || (event.shiftKey && event.key === "F10")) openMenu();
    else return false;
    return true;
  }

  // --- the menu of the right button ------------------------------------------------------------------------------
  function closeMenu() {
    menu?.remove();
    menu = null;
    box.focus({ preventScroll: true });
  }

  function openMenu(event) {
    menu?.remove();
    menu = element("div", "rl-menu", { role: "menu" });
    for (const [name, label] of model.get("menu")) {
      const item = label ? element("button", "", { role: "menuitem" }, label) : element("hr");
      if (label)
        item.onclick = () => {
          closeMenu();
          rows.act(name);
        };
      menu.append(item);
    }
    const tile = (rows.current() ?? box).getBoundingClientRect();
    document.body.append(menu);
    const [x, y] = event ? [event.clientX, event.clientY] : [tile.left + 20, tile.top + 20];
    menu.style.left = `${Math.min(x, window.innerWidth - menu.offsetWidth - 8)}px`;
    menu.style.top = `${Math.max(4, Math.min(y, window.innerHeight - menu.offsetHeight - 8))}px`;
    menu.addEventListener("keydown", (pressed) => {
      const items = [...menu.querySelectorAll("button")];
      const at = items.indexOf(document.activeElement);
      if (pressed.key === "ArrowDown") items[(at + 1) % items.length].focus();
      else if (pressed.key === "ArrowUp") items[(at + items.length - 1) % items.length].focus();
      else if (pressed.key === "Escape") closeMenu();
      else return;
      pressed.preventDefault();
      pressed.stopPropagation();
    });
    menu.querySelector("button")?.focus();
  }

  const outside = (event) => menu && !menu.contains(event.target) && closeMenu();
  document.addEventListener("pointerdown", outside, { capture: true, signal });
  signal.addEventListener("abort", () => menu?.remove());

  const changes = "change:tile change:columns change:lines change:height";
  const rows = rowGrid({ model, el, signal }, { box, space, changes, arrange, inView, make, put, fill, read, reveal, steps, wish, key });
  box.addEventListener("dblclick", () => rows.act("open"));
  box.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (rows.placeOf(event) >= 0) rows.lookAt(rows.placeOf(event));
    openMenu(event);
  });
}
export default { render };
