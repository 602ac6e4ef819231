// Draws a Bokeh figure.
function render({ model, el }) {
  const figure = document.createElement("div");
  el.append(figure);
  let shown = null;
  let turn = Promise.resolve();

  const draw = () => {
    turn = turn.then(async () => {
      const item = inTheme(model.get("item"));
      const Bokeh = await bokehOfPage(model);
      if (!(await inPage(el))) return;
      if (shown) for (const view of shown.roots ?? shown) view.remove();
      figure.style.minHeight = item.doc ? `${figure.offsetHeight}px` : ""; // what is below does not jump
      figure.replaceChildren();
      if (!item.doc) return;
      const place = document.createElement("div");
      figure.append(place);
      shown = await embedded(Bokeh, item, place);
      figure.style.minHeight = "";
    });
  };
  const theme = onTheme(draw);
  model.on("change:item", draw);
  draw();
  return () => theme.disconnect();
}
export default { render };
