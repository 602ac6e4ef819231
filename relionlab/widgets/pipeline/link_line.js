// A line of links in groups.
function render({ model, el }) {
  const line = document.createElement("div");
  line.className = "rl-links";
  el.append(line);
  function draw() {
    line.replaceChildren();
    for (const [heading, links] of model.get("groups")) {
      const group = document.createElement("div");
      const head = document.createElement("span");
      head.className = "rl-links-head";
      head.textContent = heading;
      group.append(head);
      if (!links.length) {
        const none = document.createElement("span");
        none.className = "rl-links-none";
        none.textContent = "nothing";
        group.append(none);
      }
      for (const link of links) {
        const button = document.createElement("button");
        button.title = link.tip;
        if (link.state) {
          const dot = document.createElement("span");
          dot.className = `rl-dot rl-dot-${link.state}`;
          button.append(dot);
        }
        button.append(link.text);
        button.addEventListener("click", () => model.send({ kind: "follow", key: link.key }));
        group.append(button);
      }
      line.append(group);
    }
  }
  model.on("change:groups", draw);
  draw();
}
export default { render };
