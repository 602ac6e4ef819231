// A button that copies a text to the clipboard; the text stands in the model, so nothing is asked of Python.
function render({ model, el }) {
  const button = document.createElement("button");
  button.className = "jupyter-widgets jupyter-button widget-button rl-copy";
  button.textContent = model.get("label");
  button.title = model.get("tip");
  button.onclick = async () => {
    const text = model.get("text");
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // pages that are not served over https have no clipboard: select and copy, as of old
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = model.get("label")), 1200);
  };
  el.append(button);
}
export default { render };
