// The palette: opened by Ctrl-F or "/" anywhere in the page that holds it, or by its button; chosen by click or Enter.
const OWN_KEYS = "data-lm-suppress-shortcuts"; // JupyterLab's word for: keys pressed here are not yours
const ownKeys = (event) => event.target.setAttribute(OWN_KEYS, "true");

function render({ model, el }) {
  const words = "New job: type its name or what it does; jobs of the project and views are found too";
  const search = element("input", "", { type: "search", placeholder: words, "aria-label": words });
  const groups = element("div", "rl-palette-groups");
  const about = { role: "dialog", "aria-label": "New job, and all that can be opened" };
  const panel = element("div", "rl-palette", about, search, groups);
  const shade = element("div", "rl-palette-shade", {}, panel);
  el.append(shade);
  let page = null; // the element whose keys open the palette

  function setShown(on) {
    model.set("shown", on);
    model.save_changes();
    show();
  }

  function show() {
    const on = model.get("shown");
    shade.style.display = on ? "flex" : "none";
    if (!on) return;
    search.value = "";
    draw();
    const focus = () => search.focus({ preventScroll: true });
    focus(); // at once: letters that follow the key are typed into it, however busy the browser is
    setTimeout(focus, 0); // and once more after a click, which may take it away
  }

  function choose(key) {
    setShown(false);
    model.send({ kind: "choice", key });
  }

  const items = () => [...groups.querySelectorAll(".rl-palette-item")];

  function item(entry) {
    const inside = [element("b", "", {}, entry.title), element("span", "", {}, entry.line)];
    const button = element("button", "rl-palette-item", { "data-key": entry.key }, ...inside);
    button.addEventListener("click", () => choose(entry.key));
    return button;
  }

  function draw() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (entry) => `${entry.title} ${entry.line} ${entry.group} ${entry.words}`.toLowerCase();
    const rank = (entry) => (words.length && entry.title.toLowerCase().startsWith(words[0]) ? 0 : 1);
    const found = model.get("entries").filter((entry) => (words.length ? words.every((word) => text(entry).includes(word)) : entry.group));
    groups.replaceChildren();
    groups.classList.toggle("rl-found", words.length > 0);
    if (words.length) {
      found.sort((a, b) => rank(a) - rank(b));
      groups.append(...found.slice(0, 40).map(item));
      if (!found.length) groups.append("Nothing fits. Try another word, or press Escape.");
      return;
    }
    for (const name of [...new Set(found.map((entry) => entry.group))]) {
      const fitting = found.filter((entry) => entry.group === name);
      groups.append(element("section", "", {}, element("h4", "", {}, name), ...fitting.map(item)));
    }
  }

  search.addEventListener("input", draw);
  panel.addEventListener("keydown", (event) => {
    const all = items();
    const place = all.indexOf(document.activeElement);
    if (event.key === "Escape") setShown(false);
    else if (event.key === "ArrowDown") all[Math.min(place + 1, all.length - 1)]?.focus();
    else if (event.key === "ArrowUp") (place > 0 ? all[place - 1] : search).focus();
    else if (event.key === "Enter" && document.activeElement === search && all.length) choose(all[0].dataset.key);
    else {
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  shade.addEventListener("mousedown", (event) => { if (event.target === shade) setShown(false); });

  const typed = (target) => target.closest?.("input, textarea, select, [contenteditable='true']");
  function key(event) {
    if (!page?.isConnected || page.offsetParent === null) return;
    // Keys count where the page has the focus, or nothing in its notebook that is written into.
    const inside = page.contains(event.target);
    const notebook = page.closest(".jp-Notebook");
    if (!inside && event.target !== document.body && !(notebook?.contains(event.target) && !typed(event.target))) return;
    const find = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "f";
    if (!find && (event.key !== "/" || event.ctrlKey || event.altKey || typed(event.target))) return;
    event.preventDefault();
    event.stopPropagation();
    setShown(true);
  }
  // The page is known only after this element has been put into it.
  const attach = () => {
    page = el.closest(".rl-home");
    if (!page) return;
    for (let part = el; part && part !== page; part = part.parentElement) part.style.position = "static"; // to lie over all of the page
    // Single letters typed here are no commands of the notebook (x cuts the cell!). It asks the focused element itself.
    page.tabIndex = -1;
    page.setAttribute(OWN_KEYS, "true");
    page.addEventListener("focusin", ownKeys);
    window.addEventListener("keydown", key, true); // before JupyterLab, which looks for its own shortcuts
  };
  requestAnimationFrame(attach);
  model.on("change:shown", show);
  model.on("change:entries", draw);
  show();
  return () => {
    window.removeEventListener("keydown", key, true);
    page?.removeEventListener("focusin", ownKeys);
  };
}
export default { render };
