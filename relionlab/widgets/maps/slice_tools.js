// The row below the slices: contrast on the histogram, slices or projections, playing, the second map, and the readout.
function sliceTools({ model, root, make, volumes, later, play, playing }) {
  const get = (name) => model.get(name);
  const row = make("div", "rl-slice-tools", root);
  const readout = make("div", "rl-slice-readout", root);
  readout.setAttribute("aria-live", "off");
  const notice = make("div", "rl-slice-notice", root);

  const put = (name, value, ended) => {
    model.set(name, value);
    later();
    if (ended) model.save_changes();
  };
  const labelled = (text, control, tip) => {
    const label = make("label", "rl-slice-tool", row);
    label.title = tip;
    make("span", "", label, text);
    label.append(control);
    return label;
  };
  const slider = (name, text, low, high, by, tip) => {
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: low, max: high, step: by });
    input.setAttribute("aria-label", tip);
    input.addEventListener("input", () => put(name, Number(input.value), false));
    input.addEventListener("change", () => put(name, Number(input.value), true));
    return { input, label: labelled(text, input, tip) };
  };
  const choice = (name, options, tip) => {
    const select = document.createElement("select");
    select.setAttribute("aria-label", tip);
    for (const [value, text] of options) select.add(new Option(text, value));
    select.addEventListener("change", () => put(name, select.value, true));
    return { select, label: labelled("", select, tip) };
  };
  const tick = (name, text, tip) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.addEventListener("change", () => put(name, box.checked, true));
    const label = labelled("", box, tip);
    make("span", "", label, text);
    return { box, label };
  };

  const histogram = make("canvas", "rl-slice-histogram", row);
  histogram.setAttribute("role", "img");
  histogram.setAttribute("aria-label", "Histogram of the densities; the lines are black and white");
  const black = slider("black", "black", 0, 255, 1, "Density that is drawn black");
  const white = slider("white", "white", 0, 255, 1, "Density that is drawn white");
  const auto = make("button", "rl-slice-button", row, "Auto");
  auto.title = "The contrast that suits this map";
  auto.addEventListener("click", () => { put("black", get("auto_contrast")[0]); put("white", get("auto_contrast")[1], true); });
  const mode = choice("mode", [["slices", "slices"], ["projections", "projections"]], "Slices, or projections along the axes");
  const run = make("button", "rl-slice-button", row, "▶ play");
  run.title = "Run through the slices (p); the axis is that of the pane used last";
  run.addEventListener("click", play);
  const compare = choice("compare", [["one", "first map"], ["beside", "both, one above the other"], ["blend", "both, blended"]], "How the second map is shown");
  const share = slider("share", "blend", 0, 1, 0.02, "Share of the second map (orange); where both agree it is grey");
  const outline = tick("outline", "mask", "Outline of the mask: full line where it is 1, dotted where it ends");
  const coloured = tick("coloured", "local resolution", "Colour by the local resolution");
  const scale = make("canvas", "rl-slice-scale", row);

  let counted = null, counts = null;
  function drawHistogram() {
    const width = 150, height = 30, ratio = window.devicePixelRatio || 1;
    histogram.style.width = `${width}px`;
    histogram.style.height = `${height}px`;
    Object.assign(histogram, { width: width * ratio, height: height * ratio });
    const context = histogram.getContext("2d");
    context.scale(ratio, ratio);
    if (counted !== volumes.map) {
      counted = volumes.map;
      counts = new Float64Array(256);
      const step = Math.max(1, Math.floor(counted.data.length / 500000));
      for (let i = 0; i < counted.data.length; i += step) counts[counted.data[i]]++;
    }
    const top = Math.log1p(Math.max(...counts));
    context.fillStyle = "#8a8a8a";
    for (let i = 0; i < 256; i++) {
      const high = (Math.log1p(counts[i]) / top) * (height - 2);
      context.fillRect((i / 256) * width, height - high, width / 256 + 0.3, high);
    }
    for (const [value, colour] of [[get("black"), "#0072B2"], [get("white"), "#D55E00"]]) {
      context.fillStyle = colour;
      context.fillRect((value / 255) * (width - 2), 0, 2, height);
    }
  }

  function drawScale() {
    const [low, high] = get("local_levels"), ratio = window.devicePixelRatio || 1;
    scale.style.width = "190px";
    scale.style.height = "18px";
    Object.assign(scale, { width: 190 * ratio, height: 18 * ratio });
    const context = scale.getContext("2d");
    context.scale(ratio, ratio);
    for (let i = 0; i < 90; i++) {
      context.fillStyle = `rgb(${scaleColour(i / 89).map(Math.round).join()})`;
      context.fillRect(50 + i, 3, 1.3, 12);
    }
    context.fillStyle = getComputedStyle(row).color;
    context.font = "11px sans-serif";
    context.textAlign = "right";
    context.fillText(`${low.toFixed(1)} Å`, 46, 13);
    context.textAlign = "left";
    context.fillText(`${high.toFixed(1)} Å`, 144, 13);
    scale.setAttribute("role", "img");
    scale.setAttribute("aria-label", `Colours from ${low.toFixed(1)} Å, blue, to ${high.toFixed(1)} Å, orange`);
  }

  return {
    say(text) {
      readout.textContent = text || "Drag: cross-hair · wheel: slice · Ctrl + wheel: zoom · p: play";
    },
    show() {
      row.style.display = get("tools") ? "" : "none";
      if (!readout.textContent) this.say("");
      notice.textContent = get("notice");
      notice.style.display = get("notice") ? "" : "none";
      if (!volumes.map) return;
      const on = (part, wanted) => (part.style.display = wanted ? "" : "none");
      drawHistogram();
      for (const [part, name] of [[black.input, "black"], [white.input, "white"], [share.input, "share"]]) if (document.activeElement !== part || Number(part.value) !== get(name)) part.value = get(name);
      mode.select.value = get("mode");
      compare.select.value = get("compare");
      outline.box.checked = get("outline");
      coloured.box.checked = get("coloured");
      run.textContent = playing() ? "■ stop" : "▶ play";
      run.setAttribute("aria-pressed", String(playing()));
      on(compare.label, volumes.second);
      on(share.label, volumes.second && get("compare") === "blend");
      on(outline.label, volumes.mask);
      on(coloured.label, volumes.local);
      on(scale, volumes.local && get("coloured"));
      if (volumes.local && get("coloured")) drawScale();
    },
  };
}
