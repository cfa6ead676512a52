"use strict";
/* Sorting and filtering of tables, zooming and reading of maps. Without this script all rows and maps are there. */

const number = (text) => {
  const value = parseFloat(text.replace(/[()*,]/g, ""));
  return Number.isNaN(value) ? NaN : value;
};

const OPERATORS = {
  "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "!=": (a, b) => a !== b, "==": (a, b) => a === b,
  "=": (a, b) => a === b, "<": (a, b) => a < b, ">": (a, b) => a > b,
};

/* What a word of the filter asks of a row; throws a sentence where it means nothing. */
function term(word, columns) {
  if (word.startsWith("!") && word.length > 1) {
    const inner = term(word.slice(1), columns);
    return (row) => !inner(row);
  }
  const match = /^([^<>=!]*)(<=|>=|!=|==|=|<|>)(.*)$/.exec(word);
  if (!match) {
    const wanted = word.toLowerCase();
    const words = columns.filter((column) => column.word);
    return (row) => words.some((column) => {
      const text = row.cells[column.index].textContent.toLowerCase();
      if (!/^[a-z]?\d/.test(wanted)) return text.includes(wanted);
      return text.startsWith(wanted) && !(/\d$/.test(wanted) && /^\d/.test(text.slice(wanted.length)));
    });
  }
  const size = match[1].length > 2 && match[1].startsWith("|") && match[1].endsWith("|");
  const name = (size ? match[1].slice(1, -1) : match[1]).toLowerCase();
  const column = columns.find((one) => one.name.toLowerCase() === name);
  if (!column && name !== "layer") throw `no column is called '${name}'`;
  const wanted = Number(match[3].replace("\u2212", "-"));
  if (match[3].trim() === "" || Number.isNaN(wanted)) throw `'${word}' wants a number, as in ${name || "D1"}>.1`;
  return (row) => {
    const text = row.cells[column ? column.index : 0].textContent;
    const value = number(column ? text : text.replace(/^[a-z]*(\d+)\..*$/, "$1"));
    return !Number.isNaN(value) && OPERATORS[match[2]](size ? Math.abs(value) : value, wanted);
  };
}

for (const box of document.querySelectorAll(".sortable")) {
  const body = box.querySelector("tbody");
  const rows = Array.from(body.rows);
  const heads = Array.from(box.querySelectorAll("thead th"));
  const columns = heads.map((head, index) => ({ name: head.dataset.name, word: head.classList.contains("word"), index }));
  const input = box.querySelector("input");
  const said = box.querySelector(".tools output");
  for (const tool of box.querySelectorAll(".tools")) tool.hidden = false;

  const filter = () => {
    let terms = [];
    said.classList.remove("wrong");
    try {
      terms = input.value.split(/\s+/).filter(Boolean).map((word) => term(word, columns));
    } catch (problem) {
      said.classList.add("wrong");
      said.textContent = problem;
      return;
    }
    let shown = 0;
    for (const row of rows) {
      row.hidden = !terms.every((holds) => holds(row));
      shown += !row.hidden;
    }
    said.textContent = `${shown} of ${rows.length} rows`;
  };
  input.addEventListener("input", filter);
  filter();

  for (const [index, head] of heads.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "\u2195";
    button.setAttribute("aria-label", `Sort by ${head.textContent}`);
    head.append(button);
    const sort = () => {
      const word = columns[index].word;
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : !word;
      for (const other of heads) {
        other.removeAttribute("aria-sort");
        other.querySelector("button").textContent = "\u2195";
      }
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      button.textContent = down ? "\u25bc" : "\u25b2";
      const keyed = rows.map((row) => {
        const text = row.cells[index].textContent;
        return { row, key: word ? text : number(text) };
      });
      keyed.sort((a, b) => {
        if (word) return (down ? -1 : 1) * a.key.localeCompare(b.key, "en", { numeric: true });
        if (Number.isNaN(a.key) || Number.isNaN(b.key)) return Number.isNaN(a.key) - Number.isNaN(b.key);
        return down ? b.key - a.key : a.key - b.key;
      });
      body.append(...keyed.map((one) => one.row));
    };
    button.addEventListener("click", sort);
  }
}

const scales = Object.fromEntries(Object.entries(JSON.parse(document.body.dataset.colours)).map(
  ([name, colours]) => [name, new Map(colours.map((colour, step) => [colour, step / (colours.length - 1)]))]));

/* What a place on a scale of colours, 0 to 1, stands for. */
const MEANING = {
  weight: (unit) => `weight about ${(unit ** 2).toFixed(3)}`,
  difference: (unit) => {
    const value = Math.sign(unit - 0.5) * (2 * unit - 1) ** 2;
    return `B minus A about ${value > 0 ? "+" : ""}${value.toFixed(3)}`;
  },
};

for (const figure of document.querySelectorAll(".map")) {
  const stage = figure.querySelector(".stage");
  const image = figure.querySelector("img");
  const reading = figure.querySelector(".reading");
  const names = { rows: JSON.parse(figure.dataset.rows), columns: JSON.parse(figure.dataset.columns) };
  const scale = figure.dataset.scale;
  let zoom = 1;
  let base = 0;
  let pixels = null;

  const set = (wanted) => {
    base = base || image.getBoundingClientRect().width;
    const across = (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth;
    const down = (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight;
    zoom = Math.min(Math.max(wanted, 1), 16);
    image.style.width = zoom === 1 ? "" : `${base * zoom}px`;
    image.classList.toggle("zoomed", zoom > 1);
    if (zoom === 1) base = 0;
    stage.scrollLeft = across * stage.scrollWidth - stage.clientWidth / 2;
    stage.scrollTop = down * stage.scrollHeight - stage.clientHeight / 2;
  };

  const tools = document.createElement("div");
  tools.className = "zoom";
  for (const [text, title, change] of [["+", "Zoom in", 2], ["\u2212", "Zoom out", 0.5], ["1:1", "Whole map", 0]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", title);
    button.addEventListener("click", () => set(zoom * change));
    tools.append(button);
  }
  stage.before(tools);
  stage.addEventListener("keydown", (event) => {
    const change = { "+": 2, "=": 2, "-": 0.5, "0": 0 }[event.key];
    if (change === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    set(zoom * change);
  });
  image.addEventListener("dblclick", () => set(zoom * 2));

  const value = (row, column) => {
    if (pixels === null) {
      const canvas = document.createElement("canvas");
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    }
    const at = 4 * (row * pixels.width + column);
    if (pixels.data[at + 3] === 0) return "not visible";
    const unit = scales[scale].get(Array.from(pixels.data.slice(at, at + 3)).join(","));
    return unit === undefined ? "undefined" : MEANING[scale](unit);
  };
  figure.addEventListener("told", (event) => {
    const { row, column } = event.detail;
    reading.textContent = `query ${names.rows[row]} \u2192 key ${names.columns[column]}: ${value(row, column)}`;
  });
  image.addEventListener("pointermove", (event) => {
    const box = image.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * names.columns.length);
    const row = Math.floor(((event.clientY - box.top) / box.height) * names.rows.length);
    if (row < 0 || column < 0 || row >= names.rows.length || column >= names.columns.length) return;
    // The maps of a pair have the same cells, and all of them say what this one is.
    const pair = figure.closest(".maps");
    for (const one of pair ? pair.querySelectorAll(".map") : [figure]) {
      one.dispatchEvent(new CustomEvent("told", { detail: { row, column } }));
    }
  });
}
