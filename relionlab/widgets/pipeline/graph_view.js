// The flowchart: an SVG that is dragged, zoomed with the wheel or the buttons, and whose boxes are links.
function render({ model, el }) {
  const tools = element("div", "rl-graph-tools");
  const words = "Flowchart; arrows scroll, plus and minus zoom, Tab goes from job to job";
  const window_ = element("div", "rl-graph-window", { tabindex: 0, "aria-label": words });
  el.append(element("div", "rl-graph", {}, window_, tools));
  let zoom = 0; // 0: fitted to the width, at most its own size

  const picture = () => window_.querySelector("svg");
  const own = () => picture() && picture().viewBox.baseVal;

  function place() {
    const svg = picture();
    if (!svg) return;
    const fitted = Math.min(1, (window_.clientWidth - 18) / own().width);
    const scale = zoom || Math.max(0.6, fitted); // smaller could not be read
    svg.setAttribute("width", own().width * scale);
    svg.setAttribute("height", own().height * scale);
    svg.dataset.scale = scale;
  }

  function scaleBy(factor, event) {
    const svg = picture();
    if (!svg) return;
    const before = Number(svg.dataset.scale);
    zoom = Math.min(3, Math.max(0.1, before * factor));
    const rect = window_.getBoundingClientRect();
    const x = event ? event.clientX - rect.left : rect.width / 2;
    const y = event ? event.clientY - rect.top : rect.height / 2;
    const [left, top] = [window_.scrollLeft + x, window_.scrollTop + y];
    place();
    const ratio = zoom / before;
    window_.scrollLeft = left * ratio - x;
    window_.scrollTop = top * ratio - y;
  }

  function tool(text, tip, act) {
    const button = element("button", "", { title: tip, "aria-label": tip }, text);
    button.addEventListener("click", act);
    tools.append(button);
  }
  tool("+", "Zoom in", () => scaleBy(1.25));
  tool("−", "Zoom out", () => scaleBy(0.8));
  tool("Whole", "Show the whole flowchart", () => {
    if (!picture()) return;
    zoom = Math.min(1, (window_.clientWidth - 18) / own().width, (window_.clientHeight - 18) / own().height);
    place();
  });
  tool("100 %", "Show it in its own size", () => { zoom = 1; place(); });
  tool("Save SVG", "Save the flowchart as shown, as an SVG file", () => {
    const url = URL.createObjectURL(new Blob([model.get("svg")], { type: "image/svg+xml" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${model.get("name")}.svg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });

  const jobOf = (target) => target.closest && target.closest(".rl-job");
  const open = (target) => {
    const job = jobOf(target);
    if (job) model.send({ kind: "job", key: job.dataset.job });
  };
  let drag = null;
  window_.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    drag = { x: event.clientX, y: event.clientY, left: window_.scrollLeft, top: window_.scrollTop, moved: false };
  });
  window_.addEventListener("pointermove", (event) => {
    if (!drag || !(event.buttons & 1)) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (Math.hypot(dx, dy) > 4) drag.moved = true;
    window_.scrollLeft = drag.left - dx;
    window_.scrollTop = drag.top - dy;
  });
  window_.addEventListener("click", (event) => { if (!drag || !drag.moved) open(event.target); });
  window_.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.altKey) return; // a plain wheel scrolls
    event.preventDefault();
    scaleBy(event.deltaY < 0 ? 1.15 : 1 / 1.15, event);
  }, { passive: false });
  window_.addEventListener("keydown", (event) => {
    if (event.key === "Enter") open(event.target);
    else if (event.key === "+" || event.key === "=") scaleBy(1.25);
    else if (event.key === "-") scaleBy(0.8);
    else return;
    event.preventDefault();
  });
  // The neighbours of the box under the pointer stand out.
  window_.addEventListener("pointerover", (event) => {
    const job = jobOf(event.target)?.dataset.job;
    for (const edge of window_.querySelectorAll(".rl-edge"))
      edge.classList.toggle("rl-near", Boolean(job) && (edge.dataset.from === job || edge.dataset.to === job));
  });

  function draw() {
    window_.style.height = model.get("height");
    const [left, top] = [window_.scrollLeft, window_.scrollTop];
    const first = !picture();
    window_.innerHTML = model.get("svg");
    place();
    window_.scrollTo(first ? (window_.scrollWidth - window_.clientWidth) / 2 : left, first ? 0 : top);
  }
  let width = 0; // 0 as long as it is not in view
  const resized = new ResizeObserver(() => {
    if (!zoom) place();
    if (!width && window_.clientWidth) window_.scrollLeft = (window_.scrollWidth - window_.clientWidth) / 2;
    width = window_.clientWidth;
  });
  resized.observe(window_);
  model.on("change:svg", draw);
  draw();
  return () => resized.disconnect();
}
export default { render };
