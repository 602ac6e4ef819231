// A few big choices beside each other.
function render({ model, el }) {
  const grid = document.createElement("div");
  grid.className = "rl-choices";
  el.append(grid);
  function draw() {
    grid.replaceChildren();
    for (const choice of model.get("choices")) {
      const button = document.createElement("button");
      button.dataset.key = choice.key;
      button.classList.toggle("rl-strong-choice", choice.strong);
      for (const [name, text] of [["b", choice.title], ["span", choice.line], ["small", choice.told]]) {
        if (!text) continue;
        const part = document.createElement(name);
        part.textContent = text;
        button.append(part);
      }
      button.addEventListener("click", () => model.send({ kind: "choice", key: choice.key }));
      grid.append(button);
    }
  }
  model.on("change:choices", draw);
  draw();
}
export default { render };
