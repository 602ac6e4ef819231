// A log with a colour and a mark for each severity, filters, and a search; it stays at its newest line unless the reader
// has scrolled up.
const MARKS = { plain: "", warning: "▲ ", error: "✕ " };
const WORDS = { all: "All", warning: "Warnings", error: "Errors" };

function render({ model, el }) {
  const head = document.createElement("div");
  head.className = "rl-logbar";
  const box = document.createElement("div");
  box.className = "rl-log rl-joblog";
  box.tabIndex = 0;
  box.setAttribute("role", "log");
  box.setAttribute("aria-label", "Log of the job");
  box.dataset.lmSuppressShortcuts = "true";
  el.append(head, box);
  let shown = "all";
  let wanted = "";

  const title = document.createElement("b");
  title.textContent = "Log";
  head.append(title);
  const buttons = {};
  for (const kind of Object.keys(WORDS)) {
    const button = document.createElement("button");
    button.className = `rl-logfilter rl-log-${kind}`;
    button.type = "button";
    button.addEventListener("click", () => {
      shown = kind;
      draw();
    });
    buttons[kind] = button;
    head.append(button);
  }
  const search = document.createElement("input");
  search.type = "search";
  search.placeholder = "Find in the log";
  search.setAttribute("aria-label", "Find in the log");
  search.dataset.lmSuppressShortcuts = "true";
  search.addEventListener("input", () => {
    wanted = search.value.toLowerCase();
    draw();
  });
  const taller = document.createElement("button");
  taller.type = "button";
  taller.className = "rl-logfilter";
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
      const empty = document.createElement("span");
      empty.className = "rl-muted";
      empty.textContent = entries.length ? "No such line." : "Nothing has been written yet.";
      box.append(empty);
    }
    box.style.height = model.get("tall") ? "520px" : model.get("height");
    taller.textContent = model.get("tall") ? "Less" : "More";
    taller.title = model.get("tall") ? "Make the log smaller" : "Make the log taller";
    if (pinned) box.scrollTop = box.scrollHeight;
  }

  function line(entry) {
    const text = document.createElement("div");
    text.className = `rl-line rl-line-${entry.severity}`;
    text.textContent = (MARKS[entry.severity] ?? "") + (entry.text || " ");
    if (!entry.hint) return [text];
    const hint = document.createElement("div");
    hint.className = "rl-line-hint";
    hint.textContent = `→ ${entry.hint}`;
    return [text, hint];
  }

  model.on("change:entries change:height change:tall", draw);
  draw();
  requestAnimationFrame(() => (box.scrollTop = box.scrollHeight));
}
export default { render };
