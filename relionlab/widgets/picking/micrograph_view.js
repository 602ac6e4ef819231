// Hands on a micrograph: click adds, drag moves a pick or the picture, the middle button sweeps picks away, the right one
// opens a menu, the keyboard does all of it too. Everything is answered here; Python is told.
const CLICK = 4; // screen pixels that a click may shake

function render({ model, el }) {
  const picks = picksOf(model);
  const root = document.createElement("div");
  root.className = "rl-micrograph";
  root.tabIndex = 0;
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys rest while the picture has the focus
  root.setAttribute("role", "application");
  root.setAttribute("aria-roledescription", "micrograph with picks");
  root.innerHTML = `<div class="rl-mg-figure"></div><div class="rl-mg-over" aria-hidden="true"><canvas
    class="rl-mg-marks"></canvas><div class="rl-mg-ring"></div><div class="rl-mg-cursor"></div></div>
    <div class="rl-mg-foot"><div class="rl-mg-status"></div><div class="rl-mg-tools"><button data-do="out" title="Zoom out (−)"
    aria-label="Zoom out">−</button><button data-do="in" title="Zoom in (+)" aria-label="Zoom in">+</button><button data-do="fit"
    title="Whole micrograph (0)" aria-label="Whole micrograph">⤢</button></div></div><div class="rl-mg-menu" role="menu"></div>
    <div class="rl-mg-said" aria-live="polite"></div>`;
  el.append(root);
  const [place, over, foot, menu, spoken] = root.children;
  const [marks, ring, cross] = over.children;
  const [status, tools] = foot.children;
  let figure = null;
  let chosen = null; // the pick that Delete means
  let pointer = null; // where the mouse is, on the screen
  let press = null; // what the pressed button does
  let cursor = null; // the keyboard's place, px of the micrograph
  let stroke = 0;
  let asking = 0;

  const command = (name, more = {}) => model.send({ kind: "command", name, serial: picks.serial, ...more });
  const radius = () => model.get("diameter") / 2 / (figure.pixel * 10); // px of the micrograph
  const reach = () => Math.max(0.5 * radius(), 7 / figure.zoom); // within which a click means the pick that is there

  // --- drawing -----------------------------------------------------------------------------------------------------
  const drawPicks = () => {
    if (!figure) return;
    if (chosen && (chosen.serial !== figure.serial || !picks.near(chosen.x, chosen.y, 1e-6))) chosen = null;
    figure.showPicks(picks, chosen);
    const drawn = { ring: 0, square: 0, dashed: 0, cross: 0 };
    for (const { style, places } of figure.groups) drawn[style] += places.length / 2;
    root.dataset.marks = JSON.stringify(drawn); // what is on the picture, style by style
    const words = `${picks.editable} picks`;
    if (spoken.textContent !== words) spoken.textContent = words;
    root.setAttribute("aria-label", `${model.get("image").name || "Micrograph"}: ${words}`);
    tell();
  };
  const drawImage = () => {
    const fresh = figure.showImage();
    if (fresh) {
      chosen = null;
      if (cursor) cursor = { x: figure.width / 2, y: figure.height / 2 };
    }
    drawPicks();
    drawCursor();
  };
  const drawLooks = () => {
    figure.showLooks();
    drawPicks();
    drawCursor();
  };
  const drawDetail = () => figure.showDetail();

  function drawCursor() {
    if (!figure) return;
    const at = (element, place, size) => {
      const { left, top } = figure.frame;
      element.style.cssText = `display:block;width:${size}px;height:${size}px;left:${place.x - left - size / 2}px;top:${place.y - top - size / 2}px`;
    };
    const size = Math.max(2 * radius() * figure.zoom, 4);
    const here = pointer && figure.at(pointer.x, pointer.y);
    const show = here?.inside && model.get("editable") && press?.kind !== "pan" && !menu.classList.contains("rl-open");
    ring.classList.toggle("rl-sweep", press?.kind === "sweep");
    show ? at(ring, pointer, size) : (ring.style.display = "none");
    cursor ? at(cross, figure.on(cursor.x, cursor.y), size) : (cross.style.display = "none");
  }

  function tell() {
    const here = cursor ?? (pointer && figure.at(pointer.x, pointer.y));
    const parts = [];
    if (here && (cursor || here.inside)) {
      parts.push(`x ${Math.round(here.x)}, y ${Math.round(here.y)} px`);
      const near = picks.near(here.x, here.y, reach());
      if (near && Number.isFinite(near.value)) parts.push(`${model.get("colours").title || "value"} ${Number(near.value.toPrecision(4))}`);
    }
    if (cursor) parts.push("keyboard: arrows move, Enter adds, Delete removes, Esc ends");
    const since = picks.waiting.length ? (performance.now() - picks.waiting[0].made) / 1000 : 0;
    if (since > 2) parts.push(`Python is busy: ${picks.waiting.length} edits wait for it, for ${Math.round(since)} s`);
    status.textContent = parts.join("  ·  ");
  }

  // --- what is seen ------------------------------------------------------------------------------------------------
  const looked = () => {
    drawCursor();
    clearTimeout(asking);
    asking = setTimeout(() => {
      const seen = figure.seen;
      const whole = seen.width >= 0.98 * figure.width;
      const screen = Math.max(figure.frame.width, figure.frame.height) * Math.min(window.devicePixelRatio || 1, 2);
      model.send({ kind: "looked", serial: figure.serial, screen, ...seen, ...(whole ? { width: 0 } : {}) });
    }, 120);
  };
  function zoom(factor, x, y) {
    const seen = figure.seen;
    x ??= seen.x + seen.width / 2;
    y ??= seen.y + seen.height / 2;
    const width = Math.min(Math.max(seen.width * factor, NEAREST), figure.width);
    const share = width / seen.width;
    figure.look(x - (x - seen.x) * share, y - (y - seen.y) * share, width);
    looked();
  }
  function fit() {
    figure.fit();
    looked();
  }

  // --- edits -------------------------------------------------------------------------------------------------------
  const choose = (pick) => {
    chosen = pick ? { ...pick, serial: figure.serial } : null;
    if (pick) command("chosen", { x: pick.x, y: pick.y, layer: pick.layer });
    drawPicks();
  };
  function add(at) {
    if (!model.get("editable")) return;
    const edit = { kind: "add", layer: model.get("add_to"), x: at.x, y: at.y };
    chosen = { ...edit, serial: figure.serial };
    picks.edit([edit], ++stroke);
  }
  function remove(pick) {
    if (!pick || !model.get("editable")) return;
    chosen = null;
    picks.edit([{ kind: "remove", layer: pick.layer, x: pick.x, y: pick.y }], ++stroke);
  }
  const under = (at) => at && picks.near(at.x, at.y, Math.max(radius(), 7 / figure.zoom));
  const sweep = (from, to) => picks.edit(picks.along(from, to, radius()), press.stroke);

  // --- the mouse ---------------------------------------------------------------------------------------------------
  function down(event) {
    if (!figure || event.target.closest?.(".rl-mg-tools, .rl-mg-menu")) return;
    closeMenu();
    const at = figure.at(event.clientX, event.clientY);
    if (!at.inside) return;
    event.stopPropagation();
    event.preventDefault();
    root.focus({ preventScroll: true });
    pointer = { x: event.clientX, y: event.clientY };
    const start = { at, x: event.clientX, y: event.clientY, seen: figure.seen, id: event.pointerId };
    if (event.button === 1 || (event.button === 0 && event.shiftKey)) {
      if (!model.get("editable")) return;
      press = { ...start, kind: "sweep", stroke: ++stroke, last: at };
      sweep(at, at);
    } else if (event.button === 0) press = { ...start, kind: "click", hit: picks.near(at.x, at.y, reach()) };
    if (press) root.setPointerCapture(event.pointerId);
    drawCursor();
  }
  function moved(event) {
    if (!figure || (!pointer && !event.movementX && !event.movementY)) return;
    pointer = { x: event.clientX, y: event.clientY };
    if (!press && document.activeElement !== root && !isWriting() && !root.contains(document.activeElement)) root.focus({ preventScroll: true });
    if (press) {
      event.stopPropagation();
      const [dx, dy] = [event.clientX - press.x, event.clientY - press.y];
      if (press.kind === "click" && Math.hypot(dx, dy) > CLICK) press.kind = press.hit && model.get("editable") ? "move" : "pan";
      if (press.kind === "pan") {
        const zoomed = figure.frame.width / press.seen.width;
        figure.look(press.seen.x - dx / zoomed, press.seen.y - dy / zoomed, press.seen.width);
        looked();
      }
      if (press.kind === "sweep") {
        const at = figure.at(event.clientX, event.clientY);
        sweep(press.last, at);
        press.last = at;
      }
    }
    drawCursor();
    tell();
  }
  function up(event) {
    if (!press || event.pointerId !== press.id) return;
    event.stopPropagation();
    const done = press;
    press = null;
    const at = figure.at(event.clientX, event.clientY);
    if (done.kind === "click" && done.hit) choose(done.hit);
    else if (done.kind === "click") add(done.at);
    else if (done.kind === "move" && at.inside) {
      const edit = { kind: "move", layer: done.hit.layer, x: done.hit.x, y: done.hit.y, to_x: at.x, to_y: at.y };
      const layer = picks.layers.get(done.hit.layer);
      chosen = { layer: layer.moved_to || layer.name, x: at.x, y: at.y, serial: figure.serial };
      picks.edit([edit], ++stroke);
    }
    drawCursor();
  }
  function wheel(event) {
    if (!figure) return;
    const at = figure.at(event.clientX, event.clientY);
    if (!at.inside || !pointer) return; // a page that scrolls under a mouse at rest scrolls on
    event.preventDefault();
    event.stopPropagation();
    zoom(Math.exp(Math.min(Math.max(event.deltaY, -200), 200) / 400), at.x, at.y);
  }
  // Whether somebody types elsewhere: then the keys stay there.
  function isWriting() {
    const active = document.activeElement;
    return !!active && (active.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(active.tagName));
  }
  const left = (event) => {
    if (event.target !== root) return; // of one of its parts
    pointer = null;
    drawCursor();
  };

  // --- the menu ----------------------------------------------------------------------------------------------------
  function openMenu(event) {
    if (!figure) return;
    const at = figure.at(event.clientX, event.clientY);
    if (!at.inside) return;
    event.preventDefault();
    event.stopPropagation();
    const pick = under(at);
    const lines = [];
    if (model.get("editable")) {
      lines.push(pick ? ["Delete this pick", "Delete", () => remove(pick)] : ["Pick here", "click", () => add(at)]);
      lines.push(["Delete all picks that are seen", "", () => {
        const seen = figure.seen;
        const all = picks.along({ x: 0, y: 0 }, { x: 0, y: 0 }, Infinity);
        const inside = (p) => p.x >= seen.x && p.y >= seen.y && p.x <= seen.x + seen.width && p.y <= seen.y + seen.height;
        picks.edit(all.filter(inside), ++stroke);
      }]);
    }
    for (const [name, words, keys] of model.get("menu")) lines.push([words, keys ?? "", () => command(name, { x: at.x, y: at.y })]);
    lines.push(["Whole micrograph", "0", fit]);
    menu.replaceChildren(...lines.map(([words, keys, act]) => {
      const line = document.createElement("button");
      line.setAttribute("role", "menuitem");
      line.innerHTML = "<span></span><kbd></kbd>";
      line.children[0].textContent = words;
      line.children[1].textContent = keys;
      line.addEventListener("click", (click) => {
        click.stopPropagation();
        closeMenu();
        act();
      });
      return line;
    }));
    menu.classList.add("rl-open");
    const box = root.getBoundingClientRect();
    menu.style.left = `${Math.min(event.clientX - box.left, box.width - menu.offsetWidth - 4)}px`;
    menu.style.top = `${Math.min(event.clientY - box.top, box.height - menu.offsetHeight - 4)}px`;
    menu.firstChild.focus();
    drawCursor();
  }
  function closeMenu() {
    if (!menu.classList.contains("rl-open")) return;
    menu.classList.remove("rl-open");
    root.focus({ preventScroll: true });
    drawCursor();
  }

  // --- the keyboard ------------------------------------------------------------------------------------------------
  function step(dx, dy, fast) {
    const far = (fast ? 60 : 8) / figure.zoom;
    cursor.x = Math.min(Math.max(cursor.x + dx * far, 0), figure.width);
    cursor.y = Math.min(Math.max(cursor.y + dy * far, 0), figure.height);
    const seen = figure.seen;
    if (cursor.x < seen.x || cursor.y < seen.y || cursor.x > seen.x + seen.width || cursor.y > seen.y + seen.height) {
      figure.look(cursor.x - seen.width / 2, cursor.y - seen.height / 2, seen.width);
      looked();
    }
    drawCursor();
    tell();
  }
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const here = () => cursor ?? (pointer && figure.at(pointer.x, pointer.y));
  const keys = {
    PageDown: () => command("next"),
    PageUp: () => command("previous"),
    Delete: () => remove(under(here()) ?? chosen),
    Backspace: () => remove(under(here()) ?? chosen),
    "+": () => zoom(0.8),
    "=": () => zoom(0.8),
    "-": () => zoom(1.25),
    0: fit,
    i: () => command("invert"),
    c: () => command("ctf"),
    k: () => {
      const seen = figure.seen;
      cursor = cursor ? null : { x: seen.x + seen.width / 2, y: seen.y + seen.height / 2 };
    },
    " ": () => command("keep"),
    Enter: () => {
      if (!cursor) return;
      const hit = picks.near(cursor.x, cursor.y, reach());
      hit ? choose(hit) : add({ ...cursor });
    },
    Escape: () => {
      cursor = chosen = null;
      drawPicks();
    },
  };
  function key(event) {
    if (!figure || event.key === "Tab") return;
    if (menu.classList.contains("rl-open")) {
      const lines = [...menu.children];
      const place = lines.indexOf(document.activeElement);
      if (event.key === "Escape") closeMenu();
      else if (event.key in arrows) lines[(place + (arrows[event.key][1] || 1) + lines.length) % lines.length].focus();
      else if (event.key === "Enter" || event.key === " ") return event.stopPropagation();
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.target !== root) return;
    const held = event.ctrlKey || event.metaKey;
    let act = null;
    if (held && event.key.toLowerCase() === "z") act = () => command(event.shiftKey ? "redo" : "undo");
    else if (held && event.key.toLowerCase() === "y") act = () => command("redo");
    else if (held && event.key.toLowerCase() === "s") act = () => command("save");
    else if (!held && event.key in arrows && cursor) act = () => step(...arrows[event.key], event.shiftKey);
    else if (!held && event.key in arrows)
      act = () => command(["ArrowRight", "ArrowDown"].includes(event.key) ? "next" : "previous");
    else if (!held) act = keys[event.key] ?? keys[event.key.toLowerCase()];
    event.stopPropagation(); // "dd" and the like are JupyterLab's
    if (!act) return;
    event.preventDefault();
    act();
    drawCursor();
    tell();
  }

  // --- what Python says --------------------------------------------------------------------------------------------
  function aim() {
    const asked = model.get("aim");
    if (!figure || asked.serial === undefined || asked.serial !== figure.serial) return;
    const width = asked.width || figure.seen.width;
    const height = (width * figure.height) / figure.width;
    figure.look(asked.x - width / 2, asked.y - height / 2, width);
    const found = asked.mark && picks.near(asked.x, asked.y, reach());
    chosen = found ? { ...found, serial: figure.serial } : chosen;
    drawPicks();
    looked();
  }
  const press_tool = (event) => {
    const name = event.target.dataset?.do;
    if (!name || !figure) return;
    event.stopPropagation();
    name === "fit" ? fit() : zoom(name === "in" ? 0.7 : 1 / 0.7);
  };

  const heard = [
    ["change:image", drawImage], ["change:detail", drawDetail], ["change:tinted", () => figure.showTint()], ["change:aim", aim], ["change:diameter", drawLooks],
    ["change:inverted", drawLooks], ["change:colours", drawLooks], ["change:editable", () => drawCursor()],
  ];
  const clock = setInterval(() => figure && picks.waiting.length && tell(), 1000);
  const theme = new MutationObserver(() => figure?.paintFrame());
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  const listeners = [
    ["pointerdown", down], ["pointermove", moved], ["pointerup", up], ["pointercancel", () => { press = null; drawCursor(); }],
    ["pointerleave", left], ["contextmenu", openMenu],
  ];
  const quiet = (event) => {
    if (event.button === 1) event.preventDefault(); // no scrolling by the middle button, no pasting
    if (figure && !event.target.closest?.(".rl-mg-tools, .rl-mg-menu")) event.stopPropagation();
  };
  MicrographFigure.made(model, place, marks).then((made) => {
    if (!made) return;
    figure = made;
    for (const [name, act] of heard) model.on(name, act);
    picks.listeners.add(drawPicks);
    for (const [name, act] of listeners) root.addEventListener(name, act, { capture: true });
    for (const name of ["mousedown", "mouseup", "auxclick", "click", "dblclick"]) root.addEventListener(name, quiet);
    root.addEventListener("wheel", wheel, { capture: true, passive: false });
    root.addEventListener("keydown", key);
    tools.addEventListener("click", press_tool, { capture: true });
    drawImage();
    drawLooks();
    drawDetail();
    figure.showTint();
    aim();
    root.dataset.ready = "true";
  });
  return () => {
    picks.listeners.delete(drawPicks);
    theme.disconnect();
    clearInterval(clock);
  };
}
export default { render };
