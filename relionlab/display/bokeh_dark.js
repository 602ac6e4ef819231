// Figures are described for white paper. On JupyterLab's dark ground the same description is drawn without paper, with light
// texts and axes; colours of the data stay.
const LIGHT_INK = "#c8c8c8";
const QUIET_INK = "rgba(160, 160, 160, 0.7)";
const FAINT_INK = "rgba(160, 160, 160, 0.22)";
const AXIS = {
  axis_label_text_color: LIGHT_INK, major_label_text_color: LIGHT_INK,
  axis_line_color: QUIET_INK, major_tick_line_color: QUIET_INK, minor_tick_line_color: QUIET_INK,
};
const TABLE = ":host, .slick-row, .slick-header-column.ui-state-default, .slick-cell { background: transparent !important; color: #c8c8c8 !important; }"
  + " .slick-row.odd { background: rgba(160, 160, 160, 0.12) !important; }";
const ON_DARK = [
  [/^(Figure|Plot)$/, { background_fill_color: null, border_fill_color: null, outline_line_color: FAINT_INK }],
  [/Axis$/, AXIS],
  [/^Grid$/, { grid_line_color: FAINT_INK }],
  [/^Title$/, { text_color: LIGHT_INK }],
  [/^Legend$/, { background_fill_color: null, border_line_color: null, label_text_color: LIGHT_INK, title_text_color: LIGHT_INK }],
  [/^ColorBar$/, { background_fill_color: null, major_label_text_color: LIGHT_INK, title_text_color: LIGHT_INK }],
  [/^DataTable$/, { stylesheets: [TABLE] }],
];
const BLACK = /^(black|#000000|#000|#222222|#444444)$/i;

const isDark = () => document.body.dataset.jpThemeLight === "false";

// Calls a function whenever JupyterLab's theme changes.
function onTheme(changed) {
  const watch = new MutationObserver(changed);
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  return watch;
}

// What Bokeh is to draw on the present ground: the item itself, or a copy in other colours.
function inTheme(item) {
  return isDark() && item.doc ? { ...item, doc: darkened(item.doc) } : item;
}

function darkened(part) {
  if (Array.isArray(part)) return part.map(darkened);
  if (part === null || typeof part !== "object" || ArrayBuffer.isView(part) || part instanceof ArrayBuffer) return part;
  const made = {};
  for (const [name, value] of Object.entries(part)) made[name] = darkInk(name, value) ?? darkened(value);
  if (part.type === "object") {
    const rules = ON_DARK.find(([kind]) => kind.test(part.name));
    if (rules) made.attributes = { ...made.attributes, ...rules[1] };
  }
  return made;
}

// Light ink for black ink; null for all else.
function darkInk(name, value) {
  if (!/(text|line)_color$/.test(name)) return null;
  if (typeof value === "string") return BLACK.test(value) ? LIGHT_INK : null;
  return value?.type === "value" && BLACK.test(value.value) ? { type: "value", value: LIGHT_INK } : null;
}
