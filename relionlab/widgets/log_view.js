// A log that stays at its newest line, unless the reader has scrolled up.
function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "rl-log";
  box.tabIndex = 0;
  box.setAttribute("role", "log");
  el.append(box);
  const update = () => {
    const pinned = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    box.textContent = model.get("text");
    box.style.height = model.get("height");
    if (pinned) box.scrollTop = box.scrollHeight;
  };
  model.on("change:text", update);
  update();
  requestAnimationFrame(() => (box.scrollTop = box.scrollHeight));
  return () => model.off("change:text", update);
}
export default { render };
