// The Bokeh figure of one view: greys, and what part of the micrograph is seen; its lengths are nm. The picks are drawn over it on
// a canvas of their own: Bokeh would paint all again for each of them, which takes longer than a click may.
const EDGE = "#202020"; // around each line, so that it is seen on light ground too
const STAMPED = 80; // screen pixels of radius up to which marks are stamped

const NEAREST = 64; // px of the micrograph that the frame shows at least

class MicrographFigure {
  static async made(model, place, canvas) {
    const Bokeh = await bokehOfPage(model);
    const views = await embedded(Bokeh, model.get("item"), place);
    return views && new MicrographFigure(model, [...(views.roots ?? views)][0], canvas);
  }

  constructor(model, view, canvas) {
    this.model = model;
    this.marks = canvas;
    this.groups = [];
    this.stamps = new Map();
    this.view = view;
    this.plot = view.model;
    const all = [...this.plot.document._all_models.values()];
    this.named = (name) => all.filter((one) => one.name === name);
    const source = (name) => this.named(name).find((one) => one.data);
    this.sources = Object.fromEntries(
      ["whole", "detail", "tint"].map((name) => [name, source(name)]),
    );
    this.array = this.sources.whole.data.image[0].constructor;
    [this.greys, this.scale, this.bar] = ["greys", "colours", "colour bar"].map((name) => this.named(name)[0]);
    this.grey = [...this.greys.palette];
    this.width = this.height = 0; // of the micrograph, px
    this.pixel = 0.1; // nm
    this.paintFrame();
    view.repainted.connect(() => this.drawMarks());
  }

  // Axes and texts in the colours of JupyterLab's theme.
  paintFrame() {
    const style = getComputedStyle(document.body);
    const colour = style.getPropertyValue("--jp-ui-font-color1").trim() || "#222";
    for (const axis of this.named("axis"))
      axis.setv({ major_label_text_color: colour, axis_label_text_color: colour, axis_line_color: colour,
        major_tick_line_color: colour, minor_tick_line_color: null });
    this.bar?.setv({ major_label_text_color: colour, title_text_color: colour });
  }

  get canvas() {
    return (this.view.canvas_view ?? this.view.canvas).el.getBoundingClientRect();
  }

  // The frame on the screen: left, top, width, height.
  get frame() {
    const { left, top, width, height } = this.view.frame.bbox;
    const canvas = this.canvas;
    return { left: canvas.left + left, top: canvas.top + top, width, height };
  }

  get seen() {
    const [x, y] = [this.plot.x_range, this.plot.y_range];
    return { x: x.start / this.pixel, y: y.end / this.pixel, width: (x.end - x.start) / this.pixel, height: (y.start - y.end) / this.pixel };
  }

  // Place on the screen -> px of the micrograph.
  at(clientX, clientY) {
    const { left, top, width, height } = this.frame;
    const seen = this.seen;
    const [u, v] = [(clientX - left) / width, (clientY - top) / height];
    const [x, y] = [seen.x + u * seen.width, seen.y + v * seen.height];
    return { x, y, inside: u >= 0 && u <= 1 && v >= 0 && v <= 1 && x >= 0 && y >= 0 && x <= this.width && y <= this.height };
  }

  // px of the micrograph -> place on the screen.
  on(x, y) {
    const { left, top, width, height } = this.frame;
    const seen = this.seen;
    return { x: left + ((x - seen.x) / seen.width) * width, y: top + ((y - seen.y) / seen.height) * height };
  }

  // Screen pixels per px of the micrograph.
  get zoom() {
    return this.frame.width / this.seen.width;
  }

  look(x, y, width) {
    width = Math.min(Math.max(width, NEAREST), this.width);
    const height = (width * this.height) / this.width;
    x = Math.min(Math.max(x, 0), this.width - width);
    y = Math.min(Math.max(y, 0), this.height - height);
    this.plot.x_range.setv({ start: x * this.pixel, end: (x + width) * this.pixel });
    this.plot.y_range.setv({ start: (y + height) * this.pixel, end: y * this.pixel });
  }

  fit() {
    this.look(0, 0, this.width);
  }

  _draw(name, told) {
    const source = this.sources[name];
    if (!told?.greys?.byteLength) {
      source.data = { ...source.data, dw: [0], dh: [0] };
      return;
    }
    const view = told.greys;
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const [x, y, width, height] = told.place.map((length) => length * this.pixel);
    source.data = { image: [new this.array(bytes, told.shape)], x: [x], y: [y], dw: [width], dh: [height] };
  }

  showImage() {
    const told = this.model.get("image");
    if (!told.greys) {
      this.serial = told.serial;
      this.width = this.height = 0;
      this._draw("detail", null);
      return this._draw("whole", null);
    }
    this.pixel = told.pixel_size / 10;
    const fresh = told.serial !== this.serial;
    if (fresh) {
      [this.width, this.height] = told.size;
      this.serial = told.serial;
      const most = this.model.get("pixels");
      const longer = Math.max(this.width, this.height);
      this.plot.setv({ frame_width: Math.round((most * this.width) / longer), frame_height: Math.round((most * this.height) / longer) });
      this._draw("detail", null);
      this.fit();
    }
    this._draw("whole", told);
    return fresh;
  }

  showTint() {
    const told = this.model.get("tinted");
    this._draw("tint", told.serial === this.serial ? told : null);
  }

  showDetail() {
    const told = this.model.get("detail");
    this._draw("detail", told.serial === this.serial ? told : null);
  }

  showLooks() {
    const inverted = this.model.get("inverted");
    this.greys.palette = inverted ? [...this.grey].reverse() : this.grey;
    const scale = this.model.get("colours");
    const turned = scale.low > scale.high;
    const palette = turned ? [...scale.palette].reverse() : scale.palette;
    const [low, high] = turned ? [scale.high, scale.low] : [scale.low, scale.high];
    this.scale?.setv({ palette, low, high: high > low ? high : low + 1 });
    this.bar?.setv({ visible: scale.bar, title: scale.title || null });
  }

  // Sort the picks by how they are drawn, and draw them.
  showPicks(picks, chosen) {
    const scale = this.model.get("colours");
    const span = scale.high - scale.low;
    const last = scale.palette.length - 1;
    const shade = (value) => {
      if (!Number.isFinite(value)) return -1;
      const part = span ? (value - scale.low) / span : 0.5;
      return Math.round(Math.min(Math.max(part, 0), 1) * last);
    };
    this.groups = [];
    if (picks.serial === this.serial)
      for (const layer of picks.layers.values()) {
        if (!layer.visible) continue;
        const shades = new Map();
        for (let i = 0; i < layer.x.length; i++) {
          const key = layer.values ? shade(layer.values[i]) : 0;
          let group = shades.get(key);
          if (!group) {
            const colour = !layer.values ? layer.colour : key < 0 ? scale.none : scale.palette[key];
            shades.set(key, (group = { style: layer.style, colour, places: [] }));
          }
          group.places.push(layer.x[i], layer.y[i]);
        }
        this.groups.push(...shades.values());
      }
    this.chosen = chosen && picks.serial === this.serial ? chosen : null;
    this.drawMarks();
  }

  // Lay the canvas over the frame, and draw all marks where they are on the screen now.
  drawMarks() {
    const { left, top, width, height } = this.view.frame.bbox;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    const canvas = this.marks;
    const placed = `${left} ${top} ${width} ${height}`;
    if (placed !== this.placed) {
      const over = canvas.parentElement;
      const offset = over.offsetParent?.getBoundingClientRect();
      if (!offset) return;
      const box = this.canvas;
      this.placed = placed;
      over.style.left = `${box.left + left - offset.left}px`;
      over.style.top = `${box.top + top - offset.top}px`;
      for (const element of [over, canvas]) [element.style.width, element.style.height] = [`${width}px`, `${height}px`];
    }
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!this.width) return; // nothing is shown
    const seen = this.seen;
    const zoom = width / seen.width;
    const radius = (this.model.get("diameter") / 2 / (this.pixel * 10)) * zoom;
    for (const { style, colour, places } of this.groups) {
      const stamp = radius < STAMPED ? this.stamp(style, colour, radius, ratio) : null;
      const half = stamp ? stamp.width / 2 / ratio : 0;
      for (let i = 0; i < places.length; i += 2) {
        const [x, y] = [(places[i] - seen.x) * zoom, (places[i + 1] - seen.y) * zoom];
        const reach = Math.max(radius, 8);
        if (x < -reach || y < -reach || x > width + reach || y > height + reach) continue;
        if (stamp) pen.drawImage(stamp, Math.round((x - half) * ratio) / ratio, Math.round((y - half) * ratio) / ratio, 2 * half, 2 * half);
        else draw(pen, style, colour, { x, y, radius });
      }
    }
    if (this.chosen) {
      const at = { x: (this.chosen.x - seen.x) * zoom, y: (this.chosen.y - seen.y) * zoom, radius: radius + 2 };
      draw(pen, "ring", "#FFFFFF", at, 3);
    }
  }

  // A mark drawn once, to be stamped a thousand times: quicker by far than as many lines.
  stamp(style, colour, radius, ratio) {
    const key = `${style} ${colour} ${radius.toFixed(2)} ${ratio}`;
    if (!this.stamps.has(key)) {
      if (this.stamps.size > 500) this.stamps.clear();
      const half = Math.ceil(Math.max(radius, 6) + 4);
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = Math.round(2 * half * ratio);
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      draw(pen, style, colour, { x: half, y: half, radius });
      this.stamps.set(key, canvas);
    }
    return this.stamps.get(key);
  }
}

function draw(pen, style, colour, { x, y, radius }, line = 2) {
  const path = new Path2D();
  trace(path, style, x, y, radius);
  pen.setLineDash(style === "dashed" ? [6, 4] : []);
  for (const [shade, wide] of [[EDGE, line + 1.5], [colour, line]]) {
    pen.strokeStyle = shade;
    pen.lineWidth = style === "cross" ? wide + 1 : wide;
    pen.stroke(path);
  }
}

function trace(path, style, x, y, radius) {
  if (style === "square") path.rect(x - radius, y - radius, 2 * radius, 2 * radius);
  else if (style === "cross") {
    path.moveTo(x - 6, y - 6);
    path.lineTo(x + 6, y + 6);
    path.moveTo(x + 6, y - 6);
    path.lineTo(x - 6, y + 6);
  } else {
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, 2 * Math.PI);
  }
}
