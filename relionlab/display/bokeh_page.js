// BokehJS is asked of the kernel once per page: nothing comes from the network, nothing is kept in the notebook's file, and
// it works after the page was loaded again. Stands before the script of each widget that draws with Bokeh.
function bokehOfPage(model) {
  const shared = (window.relionlabBokeh ??= openPromise());
  const heard = (message) => {
    if (message.kind !== "bokehjs") return;
    model.off("msg:custom", heard);
    if (!window.Bokeh) new Function(message.script).call(window);
    shared.resolve(window.Bokeh);
  };
  // Whoever asked may have been taken out of the page before the answer came, and then nobody hears it: ask again.
  const ask = () => {
    if (window.Bokeh) return shared.resolve(window.Bokeh);
    if (performance.now() - shared.asked > 5000) {
      try {
        model.send({ kind: "ask for bokehjs" });
      } catch {
        return; // its kernel has gone, and the figure with it: another one asks
      }
      shared.asked = performance.now();
    }
    setTimeout(ask, 1000);
  };
  if (!window.Bokeh) model.on("msg:custom", heard);
  ask();
  return shared.promise;
}

function openPromise() {
  const made = { asked: -Infinity };
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}

// Whether an element is in the page; one that has just been made is waited for (on a busy machine it takes seconds until the
// widgets around it are made as well), one that was taken out never comes.
async function inPage(element) {
  for (let turn = 0; turn < 1500 && !element.isConnected; turn++) await new Promise((resolve) => setTimeout(resolve, 40));
  return element.isConnected;
}

// The views of a figure drawn into a place; null where the place left the page meanwhile: a closed tab is no error.
async function embedded(Bokeh, item, place) {
  if (!(await inPage(place))) return null;
  try {
    return await Bokeh.embed.embed_item(item, place);
  } catch (error) {
    if (place.isConnected) throw error;
    return null;
  }
}
