// A line of links in groups.
function render({ model, el }) {
  const line = element("div", "rl-links");
  el.append(line);
  function draw() {
    line.replaceChildren();
    for (const [heading, links] of model.get("groups")) {
      const group = element("div", "", {}, element("span", "rl-links-head", {}, heading));
      if (!links.length) group.append(element("span", "rl-links-none", {}, "nothing"));
      for (const link of links) {
        const button = element("button", "", { title: link.tip });
        if (link.state) button.append(element("span", `rl-dot rl-dot-${link.state}`));
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
