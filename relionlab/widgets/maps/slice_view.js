// Three slices of a map with linked cross-hairs. The map lies in the page, so that moving, contrast and playing ask nothing
// of Python; it hears of the place when the hand rests.
function render({ model, el }) {
  const get = (name) => model.get(name);
  const make = (tag, className, parent, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    parent?.append(made);
    return made;
  };
  const root = make("div", "rl-slices", el);
  const rows = [make("div", "rl-slice-row", root), make("div", "rl-slice-row", root)];
  const volumes = { map: null, second: null, mask: null, local: null };
  const cache = new Map(); // projections
  let full = null; // {place, planes}: slices at full size of a map that was binned
  let zoom = 1, focus = null, playing = null, playAxis = 0, frame = 0, rest = 0;
  const panes = [0, 1].flatMap((row) => [0, 1, 2].map((plane) => pane(row, plane)));

  // --- geometry: places are voxels of the full map, [z, y, x] -----------------------------------------------------

  const side = () => {
    // width of a pane in screen pixels: as asked for, or what fits three of them
    const room = root.clientWidth;
    return room > 150 ? Math.min(get("pane"), Math.floor((room - 18) / 3)) : get("pane");
  };
  const size = () => get("full_shape");
  const bin = () => get("bin");
  const place = () => get("position");
  const clampTo = (value, n) => Math.min(Math.max(Math.round(value), 0), n - 1);
  const window_ = (plane) => {
    // the part of a slice that is shown: first voxel and number of voxels across and down
    const { across, down } = PLANES[plane], shape = size();
    const side = Math.max(...shape) / zoom;
    const centre = focus ?? shape.map((n) => n / 2);
    const first = (axis) => (zoom === 1 ? (shape[axis] - side) / 2 : Math.min(Math.max(centre[axis] - side / 2, 0), Math.max(shape[axis] - side, 0)));
    return { x: first(across), y: first(down), side };
  };
  const toScreen = (plane, pixels) => {
    const shown = window_(plane), scale = pixels / shown.side;
    return { scale, x: (voxel) => (voxel + 0.5 - shown.x) * scale, y: (voxel) => (voxel + 0.5 - shown.y) * scale };
  };
  const fromEvent = (event, pane_) => {
    const box = pane_.canvas.getBoundingClientRect(), shown = window_(pane_.plane);
    return [((event.clientX - box.left) / box.width) * shown.side + shown.x - 0.5, ((event.clientY - box.top) / box.height) * shown.side + shown.y - 0.5];
  };

  // --- drawing ------------------------------------------------------------------------------------------------------

  function pane(row, plane) {
    const holder = make("div", "rl-slice", rows[row]);
    const canvas = make("canvas", "", holder);
    const label = make("div", "rl-slice-label", holder);
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    const made = { row, plane, holder, canvas, label, away: document.createElement("canvas") };
    canvas.addEventListener("pointerdown", (event) => down(event, made));
    canvas.addEventListener("pointermove", (event) => moved(event, made));
    canvas.addEventListener("pointerleave", () => said(""));
    canvas.addEventListener("wheel", (event) => wheel(event, made), { passive: false });
    canvas.addEventListener("keydown", (event) => key(event, made));
    canvas.addEventListener("dblclick", () => { zoom = 1; later(); });
    return made;
  }

  function sliceOf(volume, plane, key) {
    if (get("mode") === "projections") {
      const name = `${key}${plane}`;
      if (!cache.has(name)) cache.set(name, project(volume, plane));
      return cache.get(name);
    }
    return cut(volume, plane, Math.floor(place()[PLANES[plane].through] / bin()));
  }

  function drawPane(made) {
    const { canvas, plane, row, away } = made;
    const pixels = side(), ratio = window.devicePixelRatio || 1;
    canvas.style.width = canvas.style.height = `${pixels}px`;
    canvas.width = canvas.height = Math.round(pixels * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, pixels, pixels);
    const projected = get("mode") === "projections";
    const name = row ? "second" : "map";
    const fine = !projected && full && row === 0 && get("compare") !== "blend" && !colouring() && String(full.place) === String(place());
    const slice = fine ? full.planes[plane] : sliceOf(volumes[name], plane, name);
    away.width = slice.width;
    away.height = slice.height;
    const image = new ImageData(slice.width, slice.height);
    const light = projected ? ramp(0, 255) : ramp(get("black"), get("white"));
    if (row === 0 && get("compare") === "blend" && volumes.second)
      paintBlend(image, slice, sliceOf(volumes.second, plane, "second"), light, light, get("share"));
    else if (row === 0 && colouring() && !projected)
      paintLocal(image, slice, sliceOf(volumes.local, plane, "local"), light, get("coloured_in_mask") && volumes.mask ? sliceOf(volumes.mask, plane, "mask") : null);
    else paint(image, slice, light);
    away.getContext("2d").putImageData(image, 0, 0);
    const { scale, x, y } = toScreen(plane, pixels);
    const step = fine ? 1 : bin();
    context.imageSmoothingEnabled = scale * step < 8; // far in, single voxels are to be seen
    context.imageSmoothingQuality = "high";
    context.drawImage(away, x(-0.5), y(-0.5), slice.width * step * scale, slice.height * step * scale);
    if (volumes.mask && get("outline") && !projected) outline(context, plane, scale, x, y);
    if (!projected) crossHair(context, plane, pixels, x, y);
    if (plane === 0) bar(context, pixels, scale);
    describe(made, projected);
  }

  const colouring = () => get("coloured") && volumes.local;

  function outline(context, plane, scale, x, y) {
    const slice = sliceOf(volumes.mask, plane, "mask"), step = bin(), half = (step - 1) / 2;
    for (const [level, width, dash] of [[1.5, 1, [3, 3]], [253.5, 1.6, []]]) {
      context.beginPath();
      contour(slice, level, (x0, y0, x1, y1) => {
        context.moveTo(x(x0 * step + half), y(y0 * step + half));
        context.lineTo(x(x1 * step + half), y(y1 * step + half));
      });
      context.strokeStyle = "#E69F00";
      context.lineWidth = width;
      context.setLineDash(dash.map((length) => length));
      context.stroke();
    }
    context.setLineDash([]);
  }

  function crossHair(context, plane, pixels, x, y) {
    const at = place(), { across, down } = PLANES[plane];
    const [px, py] = [x(at[across]), y(at[down])];
    context.strokeStyle = "rgba(86, 180, 233, 0.75)";
    context.lineWidth = 1;
    context.beginPath();
    for (const [x0, y0, x1, y1] of [[px, 0, px, py - 7], [px, py + 7, px, pixels], [0, py, px - 7, py], [px + 7, py, pixels, py]]) {
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
    }
    context.stroke();
  }

  function bar(context, pixels, scale) {
    const unit = get("pixel_size");
    if (!unit) return;
    const length = roundLength(((pixels / scale) * unit) / 3), width = (length / unit) * scale;
    context.fillStyle = "#fff";
    context.shadowColor = "#000";
    context.shadowBlur = 3;
    context.fillRect(10, pixels - 12, width, 3);
    context.font = "bold 11px sans-serif";
    context.fillText(`${length} Å`, 10, pixels - 17);
    context.shadowBlur = 0;
  }

  function describe(made, projected) {
    const { name, through } = PLANES[made.plane];
    const what = projected ? `along ${name}` : `${name} = ${place()[through]}`;
    const whose = get("compare") === "beside" && volumes.second ? ` · ${get("names")[made.row]}` : "";
    made.label.textContent = what + whose;
    made.canvas.setAttribute("aria-label", `${get("names")[made.row] || "Map"}, ${projected ? "projection" : "slice"} ${what} of ${size()[through]}. Arrow keys move the cross-hair, page up and down the slice.`);
  }

  function draw() {
    frame = 0;
    const start = performance.now();
    drawnSide = side();
    const beside = get("compare") === "beside" && volumes.second;
    rows[1].style.display = beside ? "" : "none";
    if (volumes.map) for (const made of panes) if (made.row === 0 || beside) drawPane(made);
    tools.show();
    root.dataset.milliseconds = (performance.now() - start).toFixed(1);
    root.dataset.drawn = Number(root.dataset.drawn || 0) + 1;
  }
  const later = () => { frame ||= requestAnimationFrame(draw); };

  // --- moving -------------------------------------------------------------------------------------------------------

  function go(at) {
    const shape = size();
    const next = at.map((value, axis) => clampTo(value, shape[axis]));
    if (String(next) === String(place())) return;
    model.set("position", next);
    later();
    rested();
  }

  function rested() {
    clearTimeout(rest);
    rest = setTimeout(() => {
      model.save_changes();
      if (bin() > 1 && get("mode") === "slices") model.send({ kind: "planes", place: place() });
    }, 160);
  }

  function down(event, made) {
    made.canvas.focus();
    if (event.button !== 0) return;
    event.preventDefault();
    playAxis = PLANES[made.plane].through;
    made.canvas.setPointerCapture(event.pointerId);
    made.grip = event.shiftKey && zoom > 1 ? { from: fromEvent(event, made), focus: focus ?? size().map((n) => n / 2) } : {};
    if (!made.grip.from) to(event, made);
    made.canvas.addEventListener("pointerup", () => { made.grip = null; rested(); }, { once: true });
  }

  function to(event, made) {
    const [x, y] = fromEvent(event, made), at = [...place()], { across, down: rowsAxis } = PLANES[made.plane];
    at[across] = x;
    at[rowsAxis] = y;
    go(at);
  }

  let asked = 0;
  function moved(event, made) {
    const [x, y] = fromEvent(event, made), { across, down: rowsAxis } = PLANES[made.plane];
    if (made.grip?.from) {
      focus = [...made.grip.focus];
      focus[across] += made.grip.from[0] - x;
      focus[rowsAxis] += made.grip.from[1] - y;
      made.grip = { from: [x, y], focus };
      return later();
    }
    if (made.grip) to(event, made);
    const at = [...place()], shape = size();
    at[across] = Math.round(x);
    at[rowsAxis] = Math.round(y);
    if (at.some((value, axis) => value < 0 || value >= shape[axis]) || get("mode") === "projections") return said("");
    said(words(at, roughly(at, made.row), "≈ "));
    clearTimeout(asked);
    asked = setTimeout(() => model.send({ kind: "value", place: at, second: made.row === 1 }), 60);
  }

  function roughly(at, row) {
    const volume = volumes[row ? "second" : "map"], [low, high] = get(row ? "second_levels" : "levels");
    const [z, y, x] = at.map((value, axis) => Math.min(Math.floor(value / bin()), volume.shape[axis] - 1));
    return low + ((high - low) * volume.data[(z * volume.shape[1] + y) * volume.shape[2] + x]) / 255;
  }

  function words(at, value, about) {
    const shape = size(), unit = get("pixel_size"), [mean, deviation] = get("statistics");
    const angstrom = unit ? ` · ${at.map((v, axis) => ((v - Math.floor(shape[axis] / 2)) * unit).toFixed(1)).reverse().join(", ")} Å from the centre` : "";
    const sigma = deviation > 0 ? ` (${((value - mean) / deviation).toFixed(2)} σ)` : "";
    return `x ${at[2]}, y ${at[1]}, z ${at[0]}${angstrom} · density ${about}${value.toPrecision(4)}${sigma}`;
  }

  function wheel(event, made) {
    event.preventDefault();
    const way = Math.sign(event.deltaY);
    if (event.ctrlKey || event.metaKey) {
      const [x, y] = fromEvent(event, made), { across, down: rowsAxis } = PLANES[made.plane];
      focus = focus && zoom > 1 ? [...focus] : [...place()];
      focus[across] = x;
      focus[rowsAxis] = y;
      zoom = Math.min(Math.max(zoom * (way < 0 ? 1.25 : 0.8), 1), 16);
      return later();
    }
    step(PLANES[made.plane].through, way);
  }

  function step(axis, by) {
    const at = [...place()];
    at[axis] += by;
    go(at);
  }

  function key(event, made) {
    const { across, down: rowsAxis, through } = PLANES[made.plane];
    const moves = { ArrowLeft: [across, -1], ArrowRight: [across, 1], ArrowUp: [rowsAxis, -1], ArrowDown: [rowsAxis, 1], PageUp: [through, -1], PageDown: [through, 1], ",": [through, -1], ".": [through, 1] };
    const others = { Home: () => go(size().map((n) => Math.floor(n / 2))), p: () => play(through), "+": () => { focus = [...place()]; zoom = Math.min(zoom * 1.25, 16); later(); }, "-": () => { zoom = Math.max(zoom * 0.8, 1); later(); } };
    if (moves[event.key]) step(moves[event.key][0], moves[event.key][1] * (event.shiftKey ? 5 : 1));
    else if (others[event.key]) others[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function play(axis = playAxis) {
    playAxis = axis;
    if (playing) clearInterval(playing);
    playing = playing ? null : setInterval(() => {
      if (!root.isConnected) return play();
      const at = [...place()];
      at[axis] = (at[axis] + bin()) % size()[axis];
      go(at);
    }, 50);
    tools.show();
  }

  const said = (text) => tools.say(text);
  const tools = sliceTools({ model, root, make, volumes, later, play: () => play(), playing: () => playing !== null });

  // --- what comes from Python -----------------------------------------------------------------------------------------

  let drawnSide = 0;
  const watcher = new ResizeObserver(() => {
    if (side() !== drawnSide) later();
  });
  watcher.observe(root);
  const turns = {};
  async function load(name) {
    const bytes = get(name);
    turns[name] = (turns[name] ?? 0) + 1;
    const turn = turns[name];
    for (const key of [...cache.keys()]) if (key.startsWith(name)) cache.delete(key);
    if (!bytes?.byteLength) volumes[name] = null;
    else {
      const data = name === "mask" || name === "local" ? await unpacked(bytes) : bytesOf(bytes);
      if (turn !== turns[name]) return; // a newer one is on its way
      volumes[name] = { data, shape: get("shape") };
    }
    if (name === "map") full = null;
    root.dataset[name] = Number(root.dataset[name] || 0) + 1;
    later();
  }
  const heard = (message, buffers) => {
    if (message.kind === "value") said(words(message.place, message.value, ""));
    if (message.kind !== "planes") return;
    full = { place: message.place, planes: buffers.map((buffer, i) => ({ data: bytesOf(buffer), width: message.sizes[i][1], height: message.sizes[i][0] })) };
    later();
  };
  const loads = ["map", "second", "mask", "local"].map((name) => [`change:${name}`, () => load(name)]);
  const changes = ["position", "black", "white", "mode", "compare", "share", "outline", "coloured", "pane", "names", "notice", "tools", "second_levels", "local_levels"].map((name) => [`change:${name}`, later]);
  for (const [event, handler] of [...loads, ...changes]) model.on(event, handler);
  model.on("msg:custom", heard);
  for (const name of Object.keys(volumes)) load(name);
  return () => {
    if (playing) clearInterval(playing);
    watcher.disconnect();
    clearTimeout(rest);
    clearTimeout(asked);
  };
}
export default { render };
