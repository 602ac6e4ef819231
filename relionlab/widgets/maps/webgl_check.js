// Says whether this browser can draw surfaces, before anything tries to, and on what ground the page stands.
function render({ model, el }) {
  const canvas = document.createElement("canvas");
  const found = canvas.getContext("webgl2") || canvas.getContext("webgl");
  found?.getExtension("WEBGL_lose_context")?.loseContext();
  el.style.display = "none";
  model.set("answer", found ? "yes" : "no");
  const ground = () => {
    const dark = document.body.dataset.jpThemeLight === "false";
    model.set("ground", dark ? "#111111" : "#ffffff");
    model.save_changes();
  };
  ground();
  const themes = new MutationObserver(ground);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  return () => themes.disconnect();
}
export default { render };
