// A table of text whose rows are opened by a click or Enter, and ticked by their box or the space bar.
function render({ model, el }) {
  const box = element("div", "rl-rows-box");
  el.append(box);

  function cell(content, right) {
    const td = element("td");
    const [text, look] = Array.isArray(content) ? content : [content, ""];
    if (right) td.classList.add("rl-right");
    if (look === "state") {
      td.append(element("span", `rl-dot rl-dot-${text}`, { "aria-hidden": "true" }), text);
      td.classList.add("rl-state-cell");
    } else td.textContent = text;
    if (look && look !== "state") td.classList.add(`rl-${look}`);
    return td;
  }

  function tick(key, on) {
    const kept = model.get("selected").filter((other) => other !== key);
    model.set("selected", on ? [...kept, key] : kept);
    model.save_changes();
  }

  function draw() {
    const columns = model.get("columns"), rows = model.get("rows"), tip = model.get("tip");
    const right = columns.map((label) => label.startsWith(">"));
    const top = box.scrollTop;
    box.replaceChildren();
    box.style.maxHeight = model.get("height");
    if (!rows.length) {
      box.append(element("div", "rl-muted rl-rows-empty", {}, model.get("empty")));
      return;
    }
    const table = element("table", "rl-rows");
    const head = table.createTHead().insertRow();
    if (model.get("selectable")) head.append(element("th"));
    columns.forEach((label, index) => {
      const th = element("th", "", { scope: "col" }, label.replace(/^>/, ""));
      if (right[index]) th.classList.add("rl-right");
      if (index === 0) th.classList.add("rl-first");
      head.append(th);
    });
    const body = table.createTBody();
    for (const [key, cells] of rows) {
      const row = body.insertRow();
      row.dataset.key = key;
      if (model.get("selectable")) {
        const input = element("input", "", { type: "checkbox", "aria-label": `choose ${key}` });
        input.checked = model.get("selected").includes(key);
        input.addEventListener("click", (event) => event.stopPropagation());
        input.addEventListener("change", () => tick(key, input.checked));
        row.insertCell().append(input);
      }
      cells.forEach((content, index) => row.append(cell(content, right[index])));
      if (tip) {
        const open = () => model.send({ kind: "open", key });
        row.className = "rl-opens";
        row.tabIndex = 0;
        row.title = tip;
        row.addEventListener("click", open);
        row.addEventListener("keydown", (event) => {
          const box = row.querySelector("input");
          if (event.key === "Enter") open();
          else if (event.key === " " && box) { box.checked = !box.checked; tick(key, box.checked); }
          else if (event.key === "ArrowDown") row.nextElementSibling?.focus();
          else if (event.key === "ArrowUp") row.previousElementSibling?.focus();
          else return;
          event.preventDefault();
          event.stopPropagation();
        });
      }
    }
    box.append(table);
    box.scrollTop = top;
  }

  model.on("change:rows change:columns change:selected change:height change:empty", draw);
  draw();
}
export default { render };
