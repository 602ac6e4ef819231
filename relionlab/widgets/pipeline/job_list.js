// The list of jobs: search, states and hiding are answered here; Python hears which job is opened or hidden.
const STATES = ["running", "scheduled", "finished", "failed", "aborted"];

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "rl-jobs";
  const search = document.createElement("input");
  search.type = "search";
  search.placeholder = "Find a job";
  search.setAttribute("aria-label", "Find a job by name, alias or type");
  const chips = document.createElement("div");
  chips.className = "rl-chips";
  const list = document.createElement("div");
  list.className = "rl-job-lines";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Jobs, newest first");
  root.append(search, chips, list);
  el.append(root);
  const off = new Set(); // states that are filtered out
  let showHidden = false;

  function chip(text, tip, on, act) {
    const button = document.createElement("button");
    button.className = "rl-chip";
    button.setAttribute("aria-pressed", String(on));
    button.title = tip;
    button.append(...text);
    button.addEventListener("click", () => { act(); draw(); });
    chips.append(button);
  }

  function drawChips(rows, hidden) {
    chips.replaceChildren();
    for (const state of STATES) {
      const count = rows.filter((row) => row.state === state && (showHidden || !hidden.has(row.name))).length;
      if (!count) continue;
      const dot = document.createElement("span");
      dot.className = `rl-dot rl-dot-${state}`;
      const on = !off.has(state);
      const toggle = () => (on ? off.add(state) : off.delete(state));
      chip([dot, String(count)], `${count} ${state}; ${on ? "leave them out" : "show them"}`, on, toggle);
    }
    if (hidden.size) {
      const toggle = () => { showHidden = !showHidden; };
      chip([`${hidden.size} hidden`], showHidden ? "Do not show hidden jobs" : "Show hidden jobs too", showHidden, toggle);
    }
  }

  function line(row, hidden) {
    const item = document.createElement("div");
    item.className = "rl-job-line";
    item.dataset.name = row.name;
    item.tabIndex = -1;
    item.title = row.tip;
    item.setAttribute("role", "option");
    item.setAttribute("aria-label", row.tip);
    const current = row.name === model.get("current");
    item.setAttribute("aria-selected", String(current));
    item.classList.toggle("rl-current", current);
    item.classList.toggle("rl-hidden", hidden.has(row.name));
    const dot = document.createElement("span");
    dot.className = `rl-dot rl-dot-${row.state}`;
    const words = document.createElement("div");
    words.className = "rl-job-words";
    const first = document.createElement("div");
    const kind = document.createElement("b");
    kind.textContent = row.kind;
    const title = document.createElement("span");
    title.textContent = row.title;
    first.append(kind, " ", title);
    const second = document.createElement("div");
    second.className = "rl-job-second";
    const number = document.createElement("span");
    number.textContent = row.number || (row.state === "finished" ? row.name.split("/").pop() : row.state);
    const when = document.createElement("span");
    when.textContent = row.when;
    second.append(number, when);
    words.append(first, second);
    const hide = document.createElement("button");
    hide.className = "rl-hide";
    hide.textContent = hidden.has(row.name) ? "show" : "hide";
    hide.title = hidden.has(row.name) ? "Show this job in the list again" : "Leave this job out of the list (it stays as it is)";
    hide.tabIndex = -1;
    hide.addEventListener("click", (event) => { event.stopPropagation(); model.send({ kind: "hide", key: row.name }); });
    item.append(dot, words, hide);
    item.addEventListener("click", () => model.send({ kind: "open", key: row.name }));
    return item;
  }

  function draw() {
    const rows = model.get("rows");
    const hidden = new Set(model.get("hidden"));
    drawChips(rows, hidden);
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) => words.every((word) => `${row.name} ${row.title} ${row.state} ${row.number}`.toLowerCase().includes(word));
    const shown = rows.filter((row) => !off.has(row.state) && (showHidden || !hidden.has(row.name)) && fits(row));
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    const top = list.scrollTop;
    list.replaceChildren(...shown.map((row) => line(row, hidden)));
    if (!shown.length) {
      const none = document.createElement("div");
      none.className = "rl-muted rl-none";
      none.textContent = rows.length ? "No job fits." : "No jobs yet.";
      list.append(none);
    }
    list.scrollTop = top;
    const first = list.querySelector(".rl-current") || list.querySelector(".rl-job-line");
    if (first) first.tabIndex = 0;
    if (focused) list.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  list.addEventListener("keydown", (event) => {
    const item = event.target.closest(".rl-job-line");
    if (!item) return;
    const name = item.dataset.name;
    if (event.key === "Enter" || event.key === " ") model.send({ kind: "open", key: name });
    else if (event.key === "h") model.send({ kind: "hide", key: name });
    else if (event.key === "ArrowDown") item.nextElementSibling?.focus();
    else if (event.key === "ArrowUp") (item.previousElementSibling || search).focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  search.addEventListener("keydown", (event) => {
    const first = list.querySelector(".rl-job-line");
    if (event.key === "ArrowDown" && first) first.focus();
    else if (event.key === "Enter" && first) model.send({ kind: "open", key: first.dataset.name });
    else if (event.key === "Escape") { search.value = ""; draw(); }
    else return;
    event.preventDefault();
  });
  search.addEventListener("input", draw);
  model.on("change:rows change:hidden change:current", draw);
  draw();
}
export default { render };
