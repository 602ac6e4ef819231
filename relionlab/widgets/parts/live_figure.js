// A Bokeh figure whose data and properties change in place, and whose taps, drags and keys are told to Python.
// liveFigure(context) returns hooks for widgets that add a script of their own; see LiveFigure in live_figure.py.
function liveFigure({ model, el }) {
  const place = document.createElement("div");
  place.className = "rl-live";
  place.tabIndex = 0;
  place.style.outline = "none";
  place.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys (d d: delete the cell) stay away
  const label = () => place.setAttribute("aria-label", model.get("description"));
  label();
  model.on("change:description", label);
  el.append(place);

  const id = crypto.randomUUID?.() ?? String(Math.random());
  const live = { place, model, bokeh: null, manager: null, document: null, drawn: [], press: null };
  let turn = Promise.resolve();

  // --- what Python says ----------------------------------------------------------------------------------------
  function heard(message, buffers) {
    if (message.kind === "item" && message.view !== id) return;
    if (!["item", "data", "set", "heard"].includes(message.kind)) return;
    if (message.kind === "heard") return told();
    turn = turn.then(() => act(message, buffers)).catch((error) => console.error(error));
  }

  async function act(message, buffers) {
    if (message.kind === "item") return draw(message.item);
    const named = live.named(message.name);
    if (!named) return;
    if (message.kind === "set") named.setv(message.properties);
    if (message.kind === "data") named.data = { ...(message.whole ? {} : named.data), ...columns(message.columns, buffers) };
  }

  function columns(described, buffers) {
    const made = {};
    for (const { name, dtype, shape, buffer, values } of described) {
      if (values) made[name] = values;
      else {
        const array = typed(buffers[buffer], dtype);
        // an image column holds one image
        made[name] = shape.length === 1 ? array : [live.bokeh.require("core/util/ndarray").ndarray(array.buffer, { dtype, shape })];
      }
    }
    return made;
  }

  function typed(view, dtype) {
    const kinds = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array, uint32: Uint32Array };
    const copy = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength); // aligned, and nobody else's
    return new kinds[dtype](copy);
  }

  async function draw(item) {
    live.bokeh = await bokehOfPage(model);
    if (!(await inPage(el))) return;
    forget();
    place.replaceChildren();
    const inner = document.createElement("div");
    place.append(inner);
    live.manager = await embedded(live.bokeh, inTheme(item), inner);
    if (!live.manager) return;
    live.document = [...live.manager][0].model.document;
    watchRanges();
    place.dataset.ready = "true";
    for (const listener of live.drawn) listener(live);
  }

  function forget() {
    if (!live.manager) return;
    for (const view of live.manager.roots ?? live.manager) view.remove();
    const documents = live.bokeh.documents; // Bokeh keeps them all
    if (documents.includes(live.document)) documents.splice(documents.indexOf(live.document), 1);
    live.manager = live.document = null;
  }

  live.named = (name) => live.document?.get_model_by_name(name) ?? null;

  // --- where the pointer is -------------------------------------------------------------------------------------
  function plots() {
    const found = [];
    const walk = (view) => {
      if (view.frame && view.canvas_view) found.push(view);
      else for (const child of view.child_views ?? []) walk(child);
    };
    if (live.manager) for (const view of live.manager) walk(view);
    return found;
  }
  live.plots = plots;

  // The figure under the pointer, and the pointer's place in it: sx, sy in screen px of its canvas, x, y in data.
  live.locate = (event, within = null) => {
    for (const view of within ? [within] : plots()) {
      const box = view.canvas_view.el.getBoundingClientRect();
      const [sx, sy] = [event.clientX - box.left, event.clientY - box.top];
      const { left, right, top, bottom } = view.frame.bbox;
      if (!within && (sx < left || sx > right || sy < top || sy > bottom)) continue;
      return { view, figure: view.model.name ?? "", sx, sy, x: view.frame.x_scale.invert(sx), y: view.frame.y_scale.invert(sy) };
    }
    return null;
  };

  const handleNear = (at) => {
    if (model.get("handles").includes(at.figure) && at.figure) return { name: at.figure };
    const { x_scale, y_scale } = at.view.frame;
    for (const name of model.get("handles")) {
      const handle = live.named(name);
      if (!handle || handle.visible === false) continue;
      if (handle.type === "Span") {
        if (!at.view.model.center.includes(handle)) continue;
        const tall = handle.dimension === "height";
        const off = tall ? x_scale.compute(handle.location) - at.sx : y_scale.compute(handle.location) - at.sy;
        if (Math.abs(off) <= 7) return { name, span: handle, tall };
      } else if (handle.type === "GlyphRenderer" && at.view.model.renderers.includes(handle)) {
        const source = handle.data_source;
        const [xs, ys] = [source.data[handle.glyph.x.field], source.data[handle.glyph.y.field]];
        for (let i = 0; i < xs.length; i++) {
          const off = Math.hypot(x_scale.compute(xs[i]) - at.sx, y_scale.compute(ys[i]) - at.sy);
          if (off <= 9) return { name, index: i, source, xs: handle.glyph.x.field, ys: handle.glyph.y.field };
        }
      }
    }
    return null;
  };

  function move(hit, at) {
    // the handle follows at once, without Python
    if (hit.span) hit.span.location = hit.tall ? at.x : at.y;
    if (hit.source) {
      const [xs, ys] = [Array.from(hit.source.data[hit.xs]), Array.from(hit.source.data[hit.ys])];
      [xs[hit.index], ys[hit.index]] = [at.x, at.y];
      hit.source.data = { ...hit.source.data, [hit.xs]: xs, [hit.ys]: ys };
    }
  }

  // --- what Python is told ---------------------------------------------------------------------------------------
  // Of the events that come in dozens only the newest waits while Python is busy with the one before.
  let busy = 0;
  let waiting = null;

  const told = () => {
    busy = 0;
    if (waiting) {
      const next = waiting;
      waiting = null;
      often(next);
    }
  };
  function often(event) {
    if (busy && performance.now() - busy < 2000) waiting = event;
    else {
      busy = performance.now();
      model.send({ kind: "event", answer: true, ...event });
    }
  }
  live.tell = (event) => {
    waiting = null; // what is newer says it all
    model.send({ kind: "event", ...event });
  };
  live.tellOften = often;

  const described = (type, at, event, more = {}) => ({
    type,
    figure: at.figure,
    x: at.x,
    y: at.y,
    button: event.button,
    keys: ["shift", "ctrl", "alt"].filter((key) => event[`${key}Key`]),
    ...more,
  });

  function down(event) {
    const at = live.locate(event);
    if (!at) return;
    place.focus({ preventScroll: true });
    const hit = handleNear(at);
    live.press = { at, hit, sx: at.sx, sy: at.sy, moved: false, button: event.button };
    if (!hit) return;
    event.stopPropagation(); // not Bokeh's pan
    event.preventDefault();
    place.setPointerCapture?.(event.pointerId);
  }

  function moved(event) {
    const press = live.press;
    if (!press) {
      const at = live.locate(event);
      place.style.cursor = at && handleNear(at) ? "grab" : "";
      return;
    }
    const at = live.locate(event, press.at.view);
    press.moved ||= Math.hypot(at.sx - press.sx, at.sy - press.sy) > 3;
    if (!press.hit || !press.moved) return;
    event.stopPropagation();
    move(press.hit, at);
    often(described("drag", at, event, dragged(press)));
  }

  function up(event) {
    const press = live.press;
    live.press = null;
    if (!press) return;
    const at = live.locate(event, press.at.view);
    const button = { button: press.button };
    if (!press.moved) live.tell(described("tap", at, event, { ...button, ...dragged(press) }));
    else if (press.hit) live.tell(described("drop", at, event, { ...button, ...dragged(press) }));
    if (press.hit) event.stopPropagation();
  }

  const dragged = ({ at, hit, button }) => ({ button, start: [at.x, at.y], hit: hit?.name ?? "", index: hit?.index ?? -1 });

  function key(event) {
    const name = [...["ctrl", "alt", "meta"].filter((k) => event[`${k}Key`]), event.key].join("+");
    if (!model.get("told_keys").includes(name)) return;
    event.preventDefault();
    event.stopPropagation();
    live.tell({ type: "key", key: name, figure: "", x: 0, y: 0 });
  }

  function watchRanges() {
    if (!model.get("tell_ranges")) return;
    for (const view of plots()) {
      const { x_range, y_range } = view.model;
      let soon = null;
      const changed = () => {
        clearTimeout(soon);
        soon = setTimeout(() => {
          const range = { x0: x_range.start, x1: x_range.end, y0: y_range.start, y1: y_range.end };
          live.tell({ type: "range", figure: view.model.name ?? "", x: 0, y: 0, ...range });
        }, 120);
      };
      for (const range of [x_range, y_range]) range.change.connect(changed);
    }
  }

  // Before Bokeh hears of them.
  place.addEventListener("pointerdown", down, true);
  place.addEventListener("pointermove", moved, true);
  place.addEventListener("pointerup", up, true);
  place.addEventListener("keydown", key);
  place.addEventListener("dragstart", (event) => event.preventDefault()); // a drag that the browser takes over never ends
  model.on("msg:custom", heard);
  model.send({ kind: "ask for the figure", view: id });
  live.remove = forget;
  return live;
}
