// BokehJS is asked of the kernel once per page: nothing comes from the network, nothing is kept in the notebook's file, and
// it works after the page was loaded again. Stands before the script of each widget that draws with Bokeh.
function bokehOfPage(model) {
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
