// Draws a Bokeh figure. BokehJS is asked of the kernel once per page: nothing comes from the network, nothing is kept
// in the notebook's file, and it works after the page was loaded again.
function bokeh(model) {
  window.relionlabBokeh ??= new Promise((resolve) => {
    if (window.Bokeh) return resolve(window.Bokeh);
    const heard = (message) => {
      if (message.kind !== "bokehjs") return;
      model.off("msg:custom", heard);
      if (!window.Bokeh) new Function(message.script).call(window);
      resolve(window.Bokeh);
    };
    model.on("msg:custom", heard);
    model.send({ kind: "ask for bokehjs" });
  });
  return window.relionlabBokeh;
}

function render({ model, el }) {
  const figure = document.createElement("div");
  el.append(figure);
  let shown = null;
  let turn = Promise.resolve();

  const draw = () => {
    turn = turn.then(async () => {
      const item = model.get("item");
      const Bokeh = await bokeh(model);
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
