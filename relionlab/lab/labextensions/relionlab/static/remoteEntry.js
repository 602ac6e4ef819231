// A JupyterLab extension without a build: the module that JupyterLab's loader (webpack's module federation) expects, written out.
//
// 1. The home page of a project, home.ipynb, runs when it is opened and after its kernel was restarted: nobody has to know what
//    a cell is. Only the cell as we ship it runs so, word for word; what else a notebook holds waits for its reader.
// 2. A STAR file, map or stack opens in the home page by a double click.
(window._JUPYTERLAB ??= {}).relionlab = (() => {
  const HOME = "home.ipynb";
  const CELL =
    'from relionlab.widgets import Home\n\nhome = Home()  # the folder of this notebook; another project: Home("path/of/it")\nhome';
  const OPEN = "relionlab:open";
  const SHOWN = [".star", ".mrc", ".mrcs", ".map", ".spi", ".stk", ".ctf"];
  let shared = null;

  async function module(name) {
    if (!shared[name]) return null;
    const versions = Object.values(shared[name]);
    const loaded = versions.find((version) => version.loaded) ?? versions[0];
    return (await loaded.get())();
  }

  async function plugin() {
    const [notebooks, registry, widgets] = await Promise.all(
      ["@jupyterlab/notebook", "@jupyterlab/docregistry", "@lumino/widgets"].map(module),
    );
    return {
      id: "relionlab:plugin",
      description: "Runs the home page of a relionlab project, and opens its files there.",
      autoStart: true,
      optional: notebooks ? [notebooks.INotebookTracker] : [],
      // without one this is no JupyterLab but a page that shows one notebook, as Voilà does: it runs its cells by itself
      activate: (app, tracker) => tracker && activate(app, tracker, { notebooks, registry, widgets }),
    };
  }

  // The page has the window: no tool bar of cells, no code, no number before the output.
  const STYLE = `
    .relionlab-home .jp-NotebookPanel-notebook { --jp-notebook-padding: 4px; --jp-notebook-scroll-padding: 0px; }
    .relionlab-home-cell .jp-Cell-inputWrapper, .relionlab-home-cell .jp-OutputPrompt,
    .relionlab-home-cell .jp-Collapser { display: none; }
    .relionlab-home .relionlab-home-cell, .relionlab-home-cell::before, .relionlab-home-cell::after {
      border-color: transparent !important; box-shadow: none !important; outline: none !important; }
    .relionlab-home-cell .jp-OutputArea-child { margin: 0; }`;

  function activate(app, tracker, modules) {
    document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
    tracker.widgetAdded.connect((_, panel) => watch(panel, modules.notebooks.NotebookActions));
    app.commands.addCommand(OPEN, {
      label: "Open in the relionlab home page",
      execute: ({ path }) => open(app, tracker, path),
    });
    app.docRegistry.addFileType({
      name: "relionlab",
      displayName: "STAR file, map or stack",
      extensions: SHOWN,
      fileFormat: null, // never loaded into the page as a whole
      contentType: "file",
    });
    app.docRegistry.addWidgetFactory(factory(app, modules));
  }

  // --- the home page runs ---------------------------------------------------------------------------------------
  const homeCell = (panel) =>
    panel.content.widgets.find((cell) => cell.model.type === "code" && cell.model.sharedModel.getSource().trim() === CELL);

  async function watch(panel, actions) {
    await Promise.all([panel.context.ready, panel.revealed]);
    if (!panel.context.path.endsWith(HOME) || !homeCell(panel)) return;
    panel.node.classList.add("relionlab-home");
    panel.toolbar.hide();
    homeCell(panel).node.classList.add("relionlab-home-cell");
    await panel.sessionContext.ready;
    const run = () => {
      const cell = homeCell(panel);
      if (cell) actions.runCells(panel.content, [cell], panel.sessionContext);
    };
    let restarted = false;
    panel.sessionContext.statusChanged.connect((_, status) => {
      if (["restarting", "autorestarting"].includes(status)) restarted = true;
      if (status !== "idle" || !restarted) return;
      restarted = false;
      run();
    });
    run();
  }

  // --- files open in it -----------------------------------------------------------------------------------------
  async function open(app, tracker, path) {
    let panel = tracker.find((each) => each.context.path.endsWith(HOME));
    panel ??= await app.commands.execute("docmanager:open", { path: HOME, factory: "Notebook" });
    await panel.sessionContext.ready;
    const code = `from relionlab.widgets import show_in_home\nshow_in_home(${JSON.stringify(path)})`;
    panel.sessionContext.session.kernel.requestExecute({ code, silent: true, store_history: false });
    app.shell.activateById(panel.id);
  }

  function factory(app, { registry, widgets }) {
    class Opened extends registry.ABCWidgetFactory {
      createNewWidget(context) {
        const content = new widgets.Widget();
        content.node.textContent = "Opens in the home page …";
        const made = new registry.DocumentWidget({ content, context });
        app.commands.execute(OPEN, { path: context.path }).then(() => made.dispose());
        return made;
      }
    }
    return new Opened({
      name: "relionlab",
      label: "relionlab",
      modelName: "base64",
      fileTypes: ["relionlab"],
      defaultFor: ["relionlab"],
      readOnly: true,
    });
  }

  return {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    },
  };
})();
