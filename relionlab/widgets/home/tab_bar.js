// A bar of tabs: click or arrows show one, the cross, Delete or the middle button close it. What is done in the tab that is only
// looked at keeps it: a click on anything that acts, a value that changes; not the ways to look around in it.
const ACTS = "button, input, select, textarea, canvas, [role=option], [role=button], [contenteditable]";
const LOOKS = ".rl-panels, .rl-links, .lm-TabBar-tab";

function render({ model, el }) {
  const bar = element("div", "rl-tabs", { role: "tablist" });
  el.append(bar);
  const tell = (kind, key) => model.send({ kind, key });
  function acted(event) {
    const [front, target] = [model.get("current"), event.target];
    if (front !== model.get("preview") || !target.closest || target.closest(LOOKS)) return;
    const place = bar.closest(".rl-tab-stack")?.querySelector(":scope > .rl-tab-place");
    if (!place?.contains(target)) return;
    if (event.type !== "click" || place.contains(target.closest(ACTS))) tell("keep", front);
  }
  function draw() {
    const current = model.get("current");
    const focused = bar.contains(document.activeElement);
    bar.replaceChildren();
    for (const [key, title] of model.get("tabs")) {
      const front = key === current;
      const words = `Close ${title}`;
      const close = element("button", "", { title: words, "aria-label": words, tabindex: -1 }, "×");
      close.addEventListener("click", (event) => { event.stopPropagation(); tell("close", key); });
      const told = key === model.get("preview") ? `${title}: the next job takes its place; click again to keep it` : title;
      const about = { role: "tab", "aria-selected": front, tabindex: front ? 0 : -1, title: told };
      const tab = element("div", front ? "rl-tab rl-front" : "rl-tab", about, element("span", "", {}, title), close);
      tab.classList.toggle("rl-preview", key === model.get("preview"));
      tab.addEventListener("click", () => tell("show", key));
      tab.addEventListener("auxclick", (event) => { if (event.button === 1) tell("close", key); });
      tab.addEventListener("keydown", (event) => {
        const other = event.key === "ArrowRight" ? tab.nextElementSibling : event.key === "ArrowLeft" ? tab.previousElementSibling : null;
        if (other) { other.focus(); other.click(); }
        else if (event.key === "Delete") tell("close", key);
        else return;
        event.preventDefault();
      });
      bar.append(tab);
      if (front) {
        if (focused) tab.focus({ preventScroll: true });
        requestAnimationFrame(() => { // into view, without scrolling the page
          if (tab.offsetLeft < bar.scrollLeft) bar.scrollLeft = tab.offsetLeft;
          const over = tab.offsetLeft + tab.offsetWidth - bar.clientWidth;
          if (over > bar.scrollLeft) bar.scrollLeft = over;
        });
      }
    }
  }
  const shown = "change:tabs change:current change:preview";
  const view = crypto.randomUUID?.() ?? String(Math.random());
  const tellPlace = (kind) => {
    try {
      tell(kind, view);
    } catch {} // the kernel has gone before
  };
  const left = () => tellPlace("left");
  window.addEventListener("pagehide", left);
  tellPlace("seen");
  const acts = ["click", "input", "change"];
  for (const type of acts) document.addEventListener(type, acted, true);
  model.on(shown, draw);
  draw();
  return () => {
    left();
    window.removeEventListener("pagehide", left);
    model.off(shown, draw);
    for (const type of acts) document.removeEventListener(type, acted, true);
  };
}
export default { render };
