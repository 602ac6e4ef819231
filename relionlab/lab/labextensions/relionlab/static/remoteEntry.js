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
  const UNREAD = "relionlab-unread";
  const SHOWN = [".star", ".mrc", ".mrcs", ".map", ".spi", ".stk", ".ctf"];
  const running = new WeakMap(); // home page -> a promise: its cell has run
  let ending = Promise.resolve(); // the kernel of the page that was closed last has ended
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

  // The page has the window: no tool bar of cells, no code, no number before the output, nor the place over it, 64 px wide,
  // where a click makes any output scroll in a small box.
  const STYLE = `
    .relionlab-home .jp-NotebookPanel-notebook { --jp-notebook-padding: 4px; --jp-notebook-scroll-padding: 0px; }
    .relionlab-home-cell .jp-Cell-inputWrapper, .relionlab-home-cell .jp-OutputPrompt,
    .relionlab-home-cell .jp-OutputArea-promptOverlay, .relionlab-home-cell .jp-Collapser { display: none; }
    .relionlab-home .relionlab-home-cell, .relionlab-home-cell::before, .relionlab-home-cell::after {
      border-color: transparent !important; box-shadow: none !important; outline: none !important; }
    .relionlab-home-cell .jp-OutputArea-child { margin: 0; }`;

  function activate(app, tracker, modules) {
    document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
    const runs = (panel) => {
      if (!running.has(panel)) running.set(panel, watch(app, panel, modules.notebooks.NotebookActions));
      return running.get(panel);
    };
    tracker.widgetAdded.connect((_, panel) => runs(panel));
    app.commands.addCommand(OPEN, {
      label: "Open in the relionlab home page",
      execute: ({ path }) => open(app, tracker, path, runs),
    });
    app.docRegistry.addFileType({
      name: "relionlab",
      displayName: "STAR file, map or stack",
      extensions: SHOWN,
      fileFormat: null, // never loaded into the page as a whole
      contentType: "file",
    });
    app.docRegistry.addModelFactory(unread(modules));
    app.docRegistry.addWidgetFactory(factory(app, modules));
  }

  // --- the home page runs ---------------------------------------------------------------------------------------
  const homeCell = (panel) =>
    panel.isDisposed // closed while it was waited for
      ? undefined
      : panel.content.widgets.find((cell) => cell.model.type === "code" && cell.model.sharedModel.getSource().trim() === CELL);

  async function watch(app, panel, actions) {
    await Promise.all([panel.context.ready, panel.revealed]);
    if (!panel.context.path.endsWith(HOME) || !homeCell(panel)) return;
    panel.node.classList.add("relionlab-home");
    panel.toolbar.hide();
    homeCell(panel).node.classList.add("relionlab-home-cell");
    stayClean(panel);
    await panel.sessionContext.ready;
    endWith(app, panel);
    await panel.sessionContext.session?.kernel?.info; // a kernel that is only starting would lose the first widgets
    const run = async () => {
      const cell = homeCell(panel);
      if (cell) await actions.runCells(panel.content, [cell], panel.sessionContext);
    };
    let again = null; // told when the page is back after a restart
    panel.sessionContext.statusChanged.connect((_, status) => {
      if (["restarting", "autorestarting"].includes(status) && !again)
        running.set(panel, new Promise((resolve) => (again = resolve)));
      if (status !== "idle" || !again) return;
      run().finally(again);
      again = null;
    });
    await run();
  }

  // A kernel outlives its page by default, and the next page then waits for hundreds of widgets that nobody sees any more. Jobs
  // run in processes of their own, picks are on the disk: the kernel of a page that is closed ends.
  function endWith(app, panel) {
    let session = panel.sessionContext.session?.id;
    panel.sessionContext.sessionChanged.connect((_, { newValue }) => {
      session = newValue?.id ?? session;
    });
    panel.disposed.connect(() => {
      ending = app.serviceManager.sessions.shutdown(session).catch(() => null);
    });
  }

  // What the page shows is no work to be saved: as long as the notebook holds nothing else, closing it asks nothing.
  function stayClean(panel) {
    const model = panel.context.model;
    const clean = () => {
      if (model.dirty && panel.content.widgets.length === 1 && homeCell(panel)) model.dirty = false;
    };
    model.stateChanged.connect(clean);
    clean();
  }

  // --- files open in it -----------------------------------------------------------------------------------------
  const folderOf = (path) => path.slice(0, path.lastIndexOf("/") + 1); // with its slash; "" at the root

  // The home page that is open, else the one that lies nearest above the file; null where there is none.
  async function home(app, tracker, path) {
    const open = tracker.find((each) => each.context.path.endsWith(HOME) && path.startsWith(folderOf(each.context.path)));
    if (open) return open;
    await ending;
    for (let folder = folderOf(path); ; folder = folderOf(folder.slice(0, -1))) {
      const there = await app.serviceManager.contents.get(folder + HOME, { content: false }).catch(() => null);
      if (there) return app.commands.execute("docmanager:open", { path: folder + HOME, factory: "Notebook" });
      if (!folder) return null;
    }
  }

  async function open(app, tracker, path, runs) {
    const panel = await home(app, tracker, path);
    if (!panel) return false;
    app.shell.activateById(panel.id);
    // The tracker tells of a new page some time after it is there, so whoever is first has it run.
    await runs(panel);
    await panel.sessionContext.ready;
    if (panel.isDisposed) return true;
    const named = JSON.stringify(path.slice(folderOf(panel.context.path).length));
    const code = `from pathlib import Path\nfrom relionlab.widgets import show_in_home\nshow_in_home(Path(${named}).absolute())`;
    const asked = panel.sessionContext.session.kernel.requestExecute({ code, silent: true, store_history: false });
    asked.done.then(({ content }) => {
      if (content.status === "error") app.commands.execute("apputils:notify", { message: content.evalue, type: "error" });
    }, () => null); // the kernel was restarted meanwhile
    return true;
  }

  function factory(app, { registry, widgets }) {
    class Opened extends registry.ABCWidgetFactory {
      createNewWidget(context) {
        const content = new widgets.Widget();
        content.node.textContent = "Opens in the home page …";
        content.node.style.padding = "12px";
        const made = new registry.DocumentWidget({ content, context });
        made.toolbar.hide(); // else it measures itself after it is gone
        app.commands.execute(OPEN, { path: context.path }).then((opened) => {
          if (opened) return made.dispose();
          content.node.textContent = "There is no home page here: run `relionlab lab` in the folder of the project, or right-click for another viewer.";
        });
        return made;
      }
    }
    return new Opened({
      name: "relionlab",
      label: "relionlab",
      modelName: UNREAD,
      fileTypes: ["relionlab"],
      defaultFor: ["relionlab"],
      readOnly: true,
    });
  }

  // A model of a file that is not read: a stack has gigabytes, and the kernel reads what is looked at.
  function unread({ registry }) {
    return new (class extends registry.TextModelFactory {
      get name() {
        return UNREAD;
      }
      get contentType() {
        return "file";
      }
      get fileFormat() {
        return null;
      }
    })();
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
