// The picks as the page has them: what Python said, with the edits on top that Python has not heard of yet.
// The rules of an edit are those of pick_layers.py.
const numbersOf = (view) =>
  Array.from(new Float64Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)));

class Picks {
  constructor(model) {
    this.model = model;
    this.page = `${Date.now()}-${Math.random()}`;
    this.sequence = 0;
    this.stroke = 0;
    this.waiting = []; // edits that Python has not heard of
    this.listeners = new Set();
    this.read();
    model.on("change:marks", () => {
      this.read();
      this.changed();
    });
  }

  changed() {
    for (const listener of this.listeners) listener();
  }

  // What Python says; its columns are read once, when they come.
  read() {
    const marks = this.model.get("marks");
    this.serial = marks.serial;
    const heard = (marks.heard ?? {})[this.page] ?? 0;
    this.waiting = this.waiting.filter((edit) => edit.sequence > heard);
    this.layers = new Map();
    for (const told of marks.layers ?? []) {
      const values = told.values ? numbersOf(told.values) : null;
      this.layers.set(told.name, { ...told, x: numbersOf(told.x), y: numbersOf(told.y), values });
    }
    for (const edit of this.waiting) if (edit.serial === this.serial) this.apply(edit);
  }

  layer(name) {
    if (!this.layers.has(name))
      this.layers.set(name, { name, style: "ring", colour: "#E69F00", editable: true, visible: true, x: [], y: [], values: null });
    return this.layers.get(name);
  }

  apply(edit) {
    const add = (name, x, y) => {
      const layer = this.layer(name);
      layer.x.push(x);
      layer.y.push(y);
      layer.values?.push(NaN);
    };
    if (edit.kind === "add") return add(edit.layer, edit.x, edit.y);
    const layer = this.layer(edit.layer);
    const index = layer.x.findIndex((x, i) => x === edit.x && layer.y[i] === edit.y);
    if (index < 0) return;
    if (edit.kind === "move" && !layer.moved_to) {
      layer.x[index] = edit.to_x;
      layer.y[index] = edit.to_y;
      return;
    }
    const [first, count] = layer.paired ? [index & ~1, 2] : [index, 1]; // both ends of a filament go together
    for (const column of [layer.x, layer.y, layer.values]) column?.splice(first, count);
    if (layer.removed_to) add(layer.removed_to, edit.x, edit.y);
    if (edit.kind === "move") add(layer.moved_to, edit.to_x, edit.to_y);
  }

  // Do edits at once, and tell Python. Edits of one stroke are undone together.
  edit(edits, stroke) {
    if (!edits.length) return;
    const told = edits.map((edit) => ({ ...edit, stroke: `${this.page}/${stroke}`, sequence: ++this.sequence }));
    for (const edit of told) {
      const kept = { ...edit, serial: this.serial, made: performance.now() };
      this.waiting.push(kept);
      this.apply(kept);
    }
    this.model.send({ kind: "edits", page: this.page, serial: this.serial, edits: told });
    this.changed();
  }

  // The editable pick nearest to a place, within a distance (px): { layer, x, y, index } or null.
  near(x, y, within) {
    let best = null;
    let least = within * within;
    for (const layer of this.layers.values()) {
      if (!layer.editable || !layer.visible) continue;
      for (let i = 0; i < layer.x.length; i++) {
        const square = (layer.x[i] - x) ** 2 + (layer.y[i] - y) ** 2;
        if (square <= least) {
          least = square;
          best = { layer: layer.name, x: layer.x[i], y: layer.y[i], value: layer.values ? layer.values[i] : NaN };
        }
      }
    }
    return best;
  }

  // All editable picks within a distance of the line between two places.
  along(from, to, within) {
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = dx * dx + dy * dy;
    const found = [];
    for (const layer of this.layers.values()) {
      if (!layer.editable || !layer.visible) continue;
      for (let i = 0; i < layer.x.length; i++) {
        const [px, py] = [layer.x[i] - from.x, layer.y[i] - from.y];
        const part = length ? Math.min(Math.max((px * dx + py * dy) / length, 0), 1) : 0;
        if (Math.hypot(px - part * dx, py - part * dy) <= within)
          found.push({ kind: "remove", layer: layer.name, x: layer.x[i], y: layer.y[i] });
      }
    }
    return found;
  }

  get editable() {
    let count = 0;
    for (const layer of this.layers.values()) if (layer.editable && layer.visible) count += layer.x.length;
    return count;
  }
}

const picksOfModel = new WeakMap();
const picksOf = (model) => {
  if (!picksOfModel.has(model)) picksOfModel.set(model, new Picks(model));
  return picksOfModel.get(model);
};
