// A log that stays at its newest line, unless the reader has scrolled up.

// Browsers end lines behind dashes; an option ("--tau2_fudge") is kept whole. What is copied stays as it was written.
const OPTION = /(?<=^|\s)(--?[A-Za-z][\w-]{0,38})(?=$|[\s=])/m;
function written(text) {
  return text.split(new RegExp(OPTION, "gm")).map((part, index) => {
    if (index % 2 === 0) return document.createTextNode(part);
    const whole = document.createElement("span");
    whole.style.whiteSpace = "nowrap";
    whole.textContent = part;
    return whole;
  });
}

function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "rl-log";
  box.tabIndex = 0;
  box.setAttribute("role", "log");
  el.append(box);
  const update = () => {
    const pinned = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    box.replaceChildren(...written(model.get("text")));
    box.style.height = model.get("height");
    if (pinned) box.scrollTop = box.scrollHeight;
  };
  model.on("change:text", update);
  update();
  requestAnimationFrame(() => (box.scrollTop = box.scrollHeight));
}
export default { render };
