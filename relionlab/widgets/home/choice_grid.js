// A few big choices beside each other.
function render({ model, el }) {
  const grid = element("div", "rl-choices");
  el.append(grid);
  function draw() {
    grid.replaceChildren();
    for (const choice of model.get("choices")) {
      const button = element("button", choice.strong ? "rl-strong-choice" : "", { "data-key": choice.key });
      for (const [name, text] of [["b", choice.title], ["span", choice.line], ["small", choice.told]])
        if (text) button.append(element(name, "", {}, text));
      button.addEventListener("click", () => model.send({ kind: "choice", key: choice.key }));
      grid.append(button);
    }
  }
  model.on("change:choices", draw);
  draw();
}
export default { render };
