// A slider, and if wanted its number beside it; see Slider in slider.py.
function render({ model, el }) {
  el.classList.add("rl-slider");
  el.dataset.lmSuppressShortcuts = "true"; // the arrow keys move the slider, not JupyterLab's selection of cells
  const range = Object.assign(document.createElement("input"), { type: "range" });
  const number = Object.assign(document.createElement("input"), { type: "text", inputMode: "decimal" });
  el.append(range, number);
  let held = false; // while a hand holds it, it follows the hand alone

  function show() {
    const [low, high, digits] = [model.get("min"), model.get("max"), model.get("digits")];
    Object.assign(range, { min: low, max: high, step: model.get("step") || "any", disabled: model.get("disabled") });
    range.title = model.get("tip");
    for (const input of [range, number]) input.setAttribute("aria-label", model.get("tip"));
    number.disabled = range.disabled;
    number.hidden = !digits;
    if (!held) range.value = model.get("value");
    range.style.setProperty("--share", high > low ? (range.value - low) / (high - low) : 0);
    if (digits && number !== el.getRootNode().activeElement) number.value = Number(model.get("value").toPrecision(digits));
  }
  function choose(value) {
    model.set("value", value);
    model.save_changes();
    show();
  }
  function typed() {
    const value = Number(number.value.replace(",", "."));
    number.blur();
    if (number.value.trim() && Number.isFinite(value)) choose(Math.min(Math.max(value, model.get("min")), model.get("max")));
    else show();
  }
  const holds = (now) => () => {
    held = now;
    show();
  };
  range.addEventListener("pointerdown", holds(true));
  for (const end of ["pointerup", "pointercancel", "blur"]) range.addEventListener(end, holds(false));
  range.addEventListener("input", () => choose(Number(range.value)));
  number.addEventListener("change", typed);
  el.addEventListener("keydown", (event) => {
    event.stopPropagation(); // nor the notebook's own keys
    if (event.key === "Enter" && event.target === number) typed();
  });
  const traits = ["value", "min", "max", "step", "digits", "disabled", "tip"].map((name) => `change:${name}`).join(" ");
  model.on(traits, show);
  show();
}
export default { render };
