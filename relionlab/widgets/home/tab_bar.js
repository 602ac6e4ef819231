// A bar of tabs: click or arrows show one, the cross, Delete or the middle button close it.
function render({ model, el }) {
  const bar = element("div", "rl-tabs", { role: "tablist" });
  el.append(bar);
  const tell = (kind, key) => model.send({ kind, key });
  function draw() {
    const current = model.get("current");
    const focused = bar.contains(document.activeElement);
    bar.replaceChildren();
    for (const [key, title] of model.get("tabs")) {
      const front = key === current;
      const words = `Close ${title}`;
      const close = element("button", "", { title: words, "aria-label": words, tabindex: -1 }, "×");
      close.addEventListener("click", (event) => { event.stopPropagation(); tell("close", key); });
      const about = { role: "tab", "aria-selected": front, tabindex: front ? 0 : -1, title };
      const tab = element("div", front ? "rl-tab rl-front" : "rl-tab", about, element("span", "", {}, title), close);
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
  model.on("change:tabs change:current", draw);
  draw();
}
export default { render };
