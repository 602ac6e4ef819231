// An element with its classes, its attributes, and what lies in it: texts or elements.
const element = (tag, classes = "", attributes = {}, ...inside) => {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
};

