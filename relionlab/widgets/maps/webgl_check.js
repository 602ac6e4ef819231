// Says whether this browser can draw surfaces, before anything tries to.
function render({ model, el }) {
  const canvas = document.createElement("canvas");
  const found = canvas.getContext("webgl2") || canvas.getContext("webgl");
  found?.getExtension("WEBGL_lose_context")?.loseContext();
  el.style.display = "none";
  model.set("answer", found ? "yes" : "no");
  model.save_changes();
}
export default { render };
