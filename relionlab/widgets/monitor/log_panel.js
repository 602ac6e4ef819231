// A log with a colour and a mark for each severity, filters, and a search; it stays at its newest line unless the reader
// has scrolled up.
const MARKS = { plain: "", warning: "▲ ", error: "✕ " };
const WORDS = { all: "All", warning: "Warnings", error: "Errors" };

function render({ model, el }) {
  const head = element("div", "rl-logbar", {}, element("b", "", {}, "Log"));
  const about = { tabindex: 0, role: "log", "aria-label": "Log of the job", "data-lm-suppress-shortcuts": true };
  const box = element("div", "rl-log rl-joblog", about);
  el.append(head, box);
  let shown = "all";
  let wanted = "";

  const buttons = {};
  for (const kind of Object.keys(WORDS)) {
    const button = element("button", `rl-logfilter rl-log-${kind}`, { type: "button" });
    button.addEventListener("click", () => {
      shown = kind;
      draw();
    });
    buttons[kind] = button;
    head.append(button);
  }
  const words = "Find in the log";
  const search = element("input", "", { type: "search", placeholder: words, "aria-label": words, "data-lm-suppress-shortcuts": true });
  search.addEventListener("input", () => {
    wanted = search.value.toLowerCase();
    draw();
  });
  const taller = element("button", "rl-logfilter", { type: "button" });
  taller.addEventListener("click", () => {
    model.set("tall", !model.get("tall"));
    model.save_changes();
  });
  head.append(search, taller);

  function draw() {
    const pinned = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    const entries = model.get("entries");
    const count = { all: entries.length, warning: 0, error: 0 };
    for (const entry of entries) if (entry.severity !== "plain") count[entry.severity]++;
    for (const [kind, button] of Object.entries(buttons)) {
      const number = kind === "all" ? "" : ` ${count[kind]}`;
      button.textContent = `${MARKS[kind] ?? ""}${WORDS[kind]}${number}`;
      button.setAttribute("aria-pressed", String(kind === shown));
      button.disabled = kind !== "all" && !count[kind] && kind !== shown;
    }
    const kept = entries.filter(
      (entry) => (shown === "all" || entry.severity === shown) && (!wanted || entry.text.toLowerCase().includes(wanted)),
    );
    box.replaceChildren(...kept.flatMap(line));
    if (!kept.length) {
      box.append(element("span", "rl-muted", {}, entries.length ? "No such line." : "Nothing has been written yet."));
    }
    box.style.height = model.get("tall") ? "520px" : model.get("height");
    taller.textContent = model.get("tall") ? "Less" : "More";
    taller.title = model.get("tall") ? "Make the log smaller" : "Make the log taller";
    if (pinned) box.scrollTop = box.scrollHeight;
  }

  function line(entry) {
    const text = element("div", `rl-line rl-line-${entry.severity}`, {}, (MARKS[entry.severity] ?? "") + (entry.text || " "));
    return entry.hint ? [text, element("div", "rl-line-hint", {}, `→ ${entry.hint}`)] : [text];
  }

  model.on("change:entries change:height change:tall", draw);
  draw();
  requestAnimationFrame(() => (box.scrollTop = box.scrollHeight));
}
export default { render };
