// A text box with a list of choices below it. The list lies in the browser's top layer, so that no cell cuts it off.

const WAIT = 120; // ms after the last key before Python hears of the text

function render({ model, el }) {
  const box = element("div", "rl-choice");
  const input = element("input", "rl-choice-input", { type: "text", role: "combobox", autocomplete: "off",
    spellcheck: "false", "aria-expanded": "false", "aria-autocomplete": "list" });
  const button = element("button", "rl-choice-button", { type: "button", tabindex: "-1", "aria-label": "Show the list" });
  const lines = element("div", "rl-choice-lines");
  const note = element("div", "rl-choice-note");
  const list = element("div", "rl-choice-list", { role: "listbox" }, lines, note);
  if (list.showPopover || HTMLElement.prototype.showPopover) list.setAttribute("popover", "manual");
  box.append(input, button, list);
  el.append(box);
  let open = false, at = -1, timer = null, told = null;

  const dress = () => {
    input.disabled = button.disabled = model.get("disabled");
    input.placeholder = model.get("placeholder");
    input.title = model.get("tip");
    input.setAttribute("aria-label", model.get("label"));
    button.textContent = model.get("icon");
    button.style.display = model.get("icon") ? "" : "none";
  };
  const takeText = () => {
    if (model.get("value") !== input.value && model.get("value") !== told) input.value = model.get("value");
    told = null;
  };
  const tell = () => {
    clearTimeout(timer);
    timer = null;
    if (model.get("value") === input.value) return;
    told = input.value;
    model.set("value", input.value);
    model.save_changes();
  };
  const place = () => {
    const at = input.getBoundingClientRect(), room = window.innerHeight - at.bottom;
    const above = room < 220 && at.top > room;
    list.style.left = `${at.left}px`;
    list.style.minWidth = `${box.getBoundingClientRect().width}px`;
    list.style.maxHeight = `${Math.min(340, (above ? at.top : room) - 12)}px`;
    list.style.top = above ? "auto" : `${at.bottom + 2}px`;
    list.style.bottom = above ? `${window.innerHeight - at.top + 2}px` : "auto";
  };
  const draw = () => {
    lines.replaceChildren(...model.get("choices").map((choice, index) => {
      const line = element("div", "rl-choice-line", { role: "option", id: `${input.id}-${index}` });
      for (const part of ["title", "mark", "detail"]) if (choice[part]) line.append(element("span", `rl-choice-${part}`, {}, choice[part]));
      line.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(index); });
      return line;
    }));
    note.textContent = model.get("note");
    note.style.display = model.get("note") ? "" : "none";
    point(-1);
    if (open) place();
  };
  const point = (index) => {
    const all = lines.children;
    if (at >= 0 && all[at]) all[at].removeAttribute("aria-selected");
    at = Math.max(-1, Math.min(index, all.length - 1));
    if (at >= 0) {
      all[at].setAttribute("aria-selected", "true");
      all[at].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", all[at].id);
    } else input.removeAttribute("aria-activedescendant");
  };
  const show = () => {
    if (open || input.disabled) return;
    open = true;
    model.send({ event: "open" });
    if (list.hasAttribute("popover")) list.showPopover(); else list.style.display = "block";
    input.setAttribute("aria-expanded", "true");
    place();
    window.addEventListener("scroll", follow, true);
    window.addEventListener("resize", hide);
  };
  const hide = () => {
    if (!open) return;
    open = false;
    if (list.hasAttribute("popover")) list.hidePopover(); else list.style.display = "none";
    input.setAttribute("aria-expanded", "false");
    window.removeEventListener("scroll", follow, true);
    window.removeEventListener("resize", hide);
    point(-1);
  };
  const follow = (event) => { if (!list.contains(event.target)) place(); };
  const choose = (index) => {
    const choice = model.get("choices")[index];
    if (!choice) return;
    clearTimeout(timer);
    timer = null;
    model.send({ event: "choose", id: choice.id });
    if (!choice.stay) hide();
    input.focus();
  };

  input.id = `rl-choice-${Math.random().toString(36).slice(2)}`;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(tell, WAIT);
    if (model.get("eager")) { if (input.value) show(); else hide(); }
  });
  input.addEventListener("change", tell);
  input.addEventListener("blur", () => { tell(); hide(); });
  input.addEventListener("keydown", (event) => {
    const key = event.key;
    if (key === "ArrowDown") { if (open) point(at + 1); else show(); }
    else if (key === "ArrowUp" && open) point(at - 1);
    else if (key === "Enter") { if (open && (at >= 0 || model.get("eager"))) choose(Math.max(at, 0)); else tell(); }
    else if (key === "Escape" && open) hide();
    else { event.stopPropagation(); return; } // JupyterLab's own keys must not hear what is typed
    event.preventDefault();
    event.stopPropagation();
  });
  button.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    input.focus();
    if (open) hide(); else show();
  });
  for (const name of ["disabled", "placeholder", "tip", "label", "icon"]) model.on(`change:${name}`, dress);
  model.on("change:value", takeText);
  model.on("change:choices change:note", draw);
  model.on("msg:custom", (content) => { if (content.event === "focus") input.focus(); });
  dress();
  input.value = model.get("value");
  draw();
  return () => { clearTimeout(timer); hide(); };
}

export default { render };
