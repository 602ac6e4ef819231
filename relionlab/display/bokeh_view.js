// Draws a Bokeh figure.
function render({ model, el }) {
  const figure = document.createElement("div");
  el.append(figure);
  let shown = null;
  let turn = Promise.resolve();

  const draw = () => {
    turn = turn.then(async () => {
      const item = model.get("item");
      const Bokeh = await bokehOfPage(model);
      if (shown) for (const view of shown.roots ?? shown) view.remove();
      figure.replaceChildren();
      if (!item.doc) return;
      const place = document.createElement("div");
      figure.append(place);
      shown = await Bokeh.embed.embed_item(item, place);
    });
  };
  model.on("change:item", draw);
  draw();
  return () => model.off("change:item", draw);
}
export default { render };
