// The list of jobs: search, states and hiding are answered here; Python hears which job is opened or hidden.
const STATES = ["running", "scheduled", "finished", "failed", "aborted"];

function render({ model, el }) {
  const search = element("input", "", { type: "search", placeholder: "Find a job", "aria-label": "Find a job by name, alias or type" });
  const chips = element("div", "rl-chips");
  const list = element("div", "rl-job-lines", { role: "listbox", "aria-label": "Jobs, newest first" });
  el.append(element("div", "rl-jobs", {}, search, chips, list));
  const dot = (state) => element("span", `rl-dot rl-dot-${state}`);
  const off = new Set(); // states that are filtered out
  let showHidden = false;

  function chip(text, tip, on, act) {
    const button = element("button", "rl-chip", { "aria-pressed": on, title: tip }, ...text);
    button.addEventListener("click", () => { act(); draw(); });
    chips.append(button);
  }

  function drawChips(rows, hidden) {
    chips.replaceChildren();
    for (const state of STATES) {
      const count = rows.filter((row) => row.state === state && (showHidden || !hidden.has(row.name))).length;
      if (!count) continue;
      const on = !off.has(state);
      const toggle = () => (on ? off.add(state) : off.delete(state));
      chip([dot(state), String(count)], `${count} ${state}; ${on ? "leave them out" : "show them"}`, on, toggle);
    }
    if (hidden.size) {
      const toggle = () => { showHidden = !showHidden; };
      chip([`${hidden.size} hidden`], showHidden ? "Do not show hidden jobs" : "Show hidden jobs too", showHidden, toggle);
    }
  }

  function line(row, hidden) {
    const [current, away] = [row.name === model.get("current"), hidden.has(row.name)];
    const number = row.number || (row.state === "finished" ? row.name.split("/").pop() : row.state);
    const first = element("div", "", {}, element("b", "", {}, row.kind), " ", element("span", "", {}, row.title));
    const second = element("div", "rl-job-second", {}, element("span", "", {}, number), element("span", "", {}, row.when));
    const tip = away ? "Show this job in the list again" : "Leave this job out of the list (it stays as it is)";
    const hide = element("button", "rl-hide", { title: tip, tabindex: -1 }, away ? "show" : "hide");
    hide.addEventListener("click", (event) => { event.stopPropagation(); model.send({ kind: "hide", key: row.name }); });
    const about = { "data-name": row.name, tabindex: -1, title: row.tip, role: "option", "aria-label": row.tip, "aria-selected": current };
    const item = element("div", "rl-job-line", about, dot(row.state), element("div", "rl-job-words", {}, first, second), hide);
    item.classList.toggle("rl-current", current);
    item.classList.toggle("rl-hidden", away);
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
    if (!shown.length) list.append(element("div", "rl-muted rl-none", {}, rows.length ? "No job fits." : "No jobs yet."));
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
