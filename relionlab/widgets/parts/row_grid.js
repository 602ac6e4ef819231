// Any number of rows in a box that scrolls: only what is in view is asked of Python and held here.
// A click marks at once, here; Python hears of it afterwards and does the counting.
const KEPT = 4000; // places of which is remembered what they show

const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

// What a grid says of itself:
// box, space        the element that scrolls, and the one in it that the elements of the places lie in
// changes           traits after which all is drawn anew
// arrange()         gives box and space their sizes; false where there is no room yet
// inView(more)      the places [from, to) in view, and `more` rows before and behind them
// make()            the element of a place; put(element, place) moves it there; fill(element, item) shows what Python told
// read(message)     what Python told of the places from message.from on, one item for each
// reveal(place)     scrolls there
// steps()           key -> how many places it goes on
// wish()            what Python must know besides the places, to tell what is there
// key(event)        true if it was for the grid's own
function rowGrid({ model, el, signal }, grid) {
  const { box, space } = grid;
  box.classList.add("rl-scroll");
  box.tabIndex = 0;
  box.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys (a, d d …) stay away
  box.setAttribute("aria-multiselectable", "true");
  el.append(box);

  const own = `rl-row-${Math.random().toString(36).slice(2)}`;
  const held = new Map(); // place -> what Python told of it
  const shown = new Map(); // place -> element
  let chosen = new Uint8Array(0); // a bit for each place
  let current = model.get("current");
  let anchor = null; // the place from which a shift-click reaches
  let asked = null; // the request that Python works on: {id, from, to}
  let counter = 0;

  const count = () => model.get("count");
  const isChosen = (place) => Boolean((chosen[place >> 3] >> (place & 7)) & 1);

  // --- drawing ---------------------------------------------------------------------------------------------------
  function mark(line, place) {
    line.classList.toggle("rl-chosen", isChosen(place));
    line.classList.toggle("rl-current", place === current);
    line.setAttribute("aria-selected", String(isChosen(place)));
    if (place === current) box.setAttribute("aria-activedescendant", line.id);
  }

  function add(place) {
    const line = grid.make();
    line.id = `${own}-${place}`;
    line.dataset.place = place;
    grid.fill(line, held.get(place));
    mark(line, place);
    shown.set(place, line);
    space.append(line);
  }

  function draw() {
    const [from, to] = grid.inView(1);
    for (const [place, line] of shown)
      if (place < from || place >= to) {
        line.remove();
        shown.delete(place);
      }
    for (let place = from; place < to; place++) {
      if (!shown.has(place)) add(place);
      grid.put(shown.get(place), place);
    }
    ask();
  }

  function redraw() {
    if (!grid.arrange()) return;
    for (const line of shown.values()) line.remove();
    shown.clear();
    draw();
  }

  const marks = () => shown.forEach(mark);

  // --- what is asked of Python -----------------------------------------------------------------------------------
  function missing(from, to) {
    let [first, last] = [-1, -1];
    for (let place = from; place < to; place++)
      if (!held.has(place)) {
        if (first < 0) first = place;
        last = place + 1;
      }
    return first < 0 ? null : [first, last];
  }

  function ask() {
    const [from, to] = grid.inView(0);
    if (to <= from) return;
    if (asked && asked.from < to && asked.to > from) return; // it is on its way
    const screen = to - from; // one before and one behind are fetched ahead
    const wanted = missing(from, to) ?? missing(to, Math.min(count(), to + screen)) ?? missing(Math.max(0, from - screen), from);
    if (!wanted) return;
    asked = { id: ++counter, from: wanted[0], to: wanted[1] };
    model.send({ kind: "want", epoch: model.get("epoch"), ...asked, ...grid.wish?.() });
  }

  function forget() {
    if (held.size <= KEPT) return;
    const [from, to] = grid.inView(0);
    for (const place of held.keys()) if (place < 3 * from - 2 * to || place >= 3 * to - 2 * from) held.delete(place);
  }

  function heard(message, buffers) {
    if (message.kind === "chosen") {
      chosen = bytes(buffers[0]).slice();
      marks();
    } else if (message.epoch !== model.get("epoch")) return;
    else if (message.kind === "done") {
      if (asked?.id !== message.id) return;
      asked = null;
      ask();
    } else {
      grid.read(message, buffers).forEach((item, index) => {
        const place = message.from + index;
        held.set(place, item);
        if (shown.has(place)) grid.fill(shown.get(place), item);
      });
      forget();
    }
  }

  // --- choosing --------------------------------------------------------------------------------------------------
  const act = (name) => model.send({ kind: "do", name, place: current });

  function lookAt(place) {
    current = place;
    model.set("current", place);
    model.save_changes();
    marks();
  }

  function choose(from, to, on) {
    for (let place = from; place <= to; place++)
      if (on) chosen[place >> 3] |= 1 << (place & 7);
      else chosen[place >> 3] &= ~(1 << (place & 7));
    model.send({ kind: "choose", from, to, on, arranged: model.get("arranged") });
    marks();
  }

  function click(place, event) {
    if (event.shiftKey && anchor !== null) {
      const [from, to] = [anchor, place].sort((x, y) => x - y);
      choose(from, to, isChosen(anchor) || !isChosen(place));
    } else {
      choose(place, place, !isChosen(place));
      anchor = place;
    }
    lookAt(place);
  }

  function reveal(place) {
    grid.reveal(place);
    draw();
  }

  function move(step, event) {
    const from = current < 0 ? -Math.sign(step) : current;
    const place = Math.min(Math.max(from + step, 0), count() - 1);
    if (place < 0) return;
    if (event.shiftKey) choose(...[Math.max(from, 0), place].sort((x, y) => x - y), true);
    lookAt(place);
    anchor = place;
    reveal(place);
  }

  function key(event) {
    const steps = { Home: -count(), End: count(), ...grid.steps() };
    const control = event.ctrlKey || event.metaKey;
    if (grid.key?.(event));
    else if (event.key in steps) move(steps[event.key], event);
    else if ((event.key === " " || event.key === "x") && current >= 0) click(current, event);
    else if (control && event.key === "a") act("all");
    else if (event.key === "Escape") act("none");
    else if (!control && event.key === "i") act("invert");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // --- wiring ----------------------------------------------------------------------------------------------------
  const placeOf = (event) => {
    const line = event.target.closest?.("[data-place]");
    return line ? Number(line.dataset.place) : -1;
  };
  box.addEventListener("click", (event) => {
    if (placeOf(event) >= 0) click(placeOf(event), event);
  });
  box.addEventListener("keydown", key);
  let waiting = false;
  box.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  });

  function anew() {
    held.clear();
    asked = null;
    anchor = null;
    current = model.get("current");
    box.setAttribute("aria-label", model.get("label"));
    redraw();
  }
  model.on("change:epoch", anew);
  model.on(grid.changes, redraw);
  model.on("change:arranged", () => {
    box.scrollTop = 0;
  });
  model.on("change:current", () => {
    current = model.get("current");
    if (current >= 0) reveal(current);
    marks();
  });
  model.on("msg:custom", heard);
  const watch = new ResizeObserver(redraw);
  watch.observe(el);
  signal.addEventListener("abort", () => watch.disconnect());
  anew();
  model.send({ kind: "ready" });
  return { act, lookAt, placeOf, current: () => shown.get(current) };
}
