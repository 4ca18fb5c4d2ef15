"use strict";
// Builds what is inside a sentence when it is opened. All text comes in by textContent.

const ROW = 28;  // pixels a word in the view of lines
const COLUMN = 104, RANK = 44, HEADER = 24, FIRST = 88, PAPER = 680;  // pixels of the beam's table, and of a page of paper
const KINDS = {cross: "target to source", encoder: "source to source", decoder: "target to target before"};

const make = (tag, properties = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inside.filter((one) => one !== null));
  return element;
};
const draw = (tag, attributes, parent) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent?.append(element);
  return element;
};
const bdi = (text) => make("bdi", {dir: "auto", textContent: text});
const percent = (share) => (share >= 0.995 ? "100" : share >= 0.0095 ? (100 * share).toFixed(0) : (100 * share).toFixed(1)) + " %";

// --- numbers

// One map as rows of numbers from 0 to 1: the mean over the layers and heads that are not picked (-1).
function weights(layers, rows, columns, layer, head) {
  const total = Array.from({length: rows}, () => new Float64Array(columns));
  let maps = 0;
  for (const each of layer < 0 ? layers : [layers[layer]]) {
    const bytes = (each.bytes ??= Uint8Array.from(atob(each.weights), (c) => c.charCodeAt(0)));
    for (let h = head < 0 ? 0 : head; h < (head < 0 ? each.heads : head + 1); h++, maps++)
      for (let r = 0, at = h * rows * columns; r < rows; r++)
        for (let c = 0; c < columns; c++) total[r][c] += bytes[at++];
  }
  for (const row of total) for (let c = 0; c < columns; c++) row[c] /= 255 * maps;
  return total;
}

// Between words: summed over the pieces of a column, averaged over those of a row, so that rows keep their sum.
function merged(map, rowSizes, columnSizes) {
  let row = 0;
  return rowSizes.map((rows) => {
    const sums = new Float64Array(columnSizes.length);
    for (let n = 0; n < rows; n++, row++) {
      let at = 0;
      columnSizes.forEach((size, c) => { for (let k = 0; k < size; k++) sums[c] += map[row][at++] / rows; });
    }
    return sums;
  });
}

// --- one sentence

class Sentence {
  constructor(inside, data) {
    this.inside = inside;
    this.data = data;
    this.kinds = Object.keys(KINDS).filter((kind) => this.layers(kind, data.candidates[0])?.length);
    const [layer, head] = this.kinds[0] === "cross" ? data.first : [-1, -1];
    this.chosen = {candidate: 0, kind: this.kinds[0], layer, head, view: "lines", unit: "words"};
    this.forced = null;
    this.kept = null;  // the word that was clicked
    this.show();
  }

  get candidate() { return this.forced ?? this.data.candidates[this.chosen.candidate]; }

  layers(kind, candidate) { return kind === "encoder" ? this.data.encoder : candidate?.[kind]; }

  // The labels of rows and columns, and the weights between them.
  map() {
    const {kind, layer, head, unit} = this.chosen;
    const rows = kind === "encoder" ? this.data.source : this.candidate.target;
    const columns = kind === "decoder" ? this.candidate.inputs : this.data.source;
    const whole = weights(this.layers(kind, this.candidate), rows.pieces.length, columns.pieces.length, layer, head);
    if (unit === "pieces") return {rows: rows.pieces, columns: columns.pieces, map: whole};
    return {rows: rows.words, columns: columns.words, map: merged(whole, rows.sizes, columns.sizes)};
  }

  show() {
    this.kept = null;
    if (this.forced) Object.assign(this.chosen, {kind: "cross", layer: -1, head: -1});
    this.said = make("p", {className: "told", role: "status"});
    const picture = !this.kinds.length ? make("p", {textContent: "No attention here."})
      : this.chosen.view === "lines" ? this.lines(this.map()) : this.matrix(this.map());
    picture.onkeydown = (event) => this.walk(event);
    picture.onmouseleave = () => this.pick(this.kept);
    const left = make("div", {}, this.said, picture);
    this.inside.replaceChildren(...[
      this.choices(),
      this.forced ? this.whatIf() : null,
      make("div", {className: picture.matches(".many") ? "both wide" : "both"}, left, this.candidate?.steps.length ? this.steps() : null),
      this.data.beam.length ? this.beam() : null,
    ].filter(Boolean));
    this.pick(null);
  }

  // --- what to look at

  choices() {
    const {kind} = this.chosen, layers = this.layers(kind, this.candidate) ?? [];
    const one = this.chosen.layer < 0 ? layers[0] : layers[this.chosen.layer];
    const numbers = (count, name) => [[-1, `mean of ${count}`], ...Array.from({length: count}, (_, n) => [n, `${name} ${n}`])];
    const all = [
      ["candidate", "Translation", this.data.candidates.map((each, n) =>
        [n, `${n + 1}. ${each.text}` + (each.score === null ? "" : ` (${each.score.toFixed(2)})`)]), this.forced],
      ["kind", "Attention", this.kinds.map((each) => [each, KINDS[each]]), this.forced],
      ["layer", "Layer", layers.length > 1 ? numbers(layers.length, "layer") : []],
      ["head", "Head", one?.heads > 1 ? numbers(one.heads, "head") : []],
      ["view", "Drawn as", [["lines", "lines"], ["matrix", "matrix"]]],
      ["unit", "Between", [["words", "words"], ["pieces", "subword pieces"]]],
    ];
    return make("div", {className: "choices"}, ...all.map(([name, label, options, hidden]) =>
      options.length < 2 || hidden ? null : this.choice(name, label, options)));
  }

  choice(name, label, options) {
    const select = make("select", {name}, ...options.map(([value, text]) => make("option", {value, textContent: text})));
    select.value = this.chosen[name];
    select.onchange = () => {
      this.chosen[name] = isNaN(select.value) ? select.value : Number(select.value);
      if (name === "kind") Object.assign(this.chosen, {layer: -1, head: -1});
      if (name === "layer") this.chosen.head = -1;
      this.show();
      this.inside.querySelector(`select[name=${name}]`)?.focus();
    };
    return make("label", {}, label, select);
  }

  // --- the two views; both have labels with a side (row or column) and a number

  label(side, number, text) {
    const button = make("button", {type: "button", className: "label", tabIndex: number === 0 ? 0 : -1}, bdi(text));
    button.onmouseenter = button.onfocus = () => this.pick([side, number]);
    button.onclick = () => { this.kept = String(this.kept) === String([side, number]) ? null : [side, number]; this.pick(this.kept); };
    this.labels[side][number] = button;
    return button;
  }

  lines({rows, columns, map}) {
    this.begin(rows, columns, map);
    // The shorter side is spread over the height of the longer, up to twice as wide, so that lines stay flat.
    const height = ROW * Math.max(rows.length, columns.length, 1);
    const apart = (labels) => Math.min(height / Math.max(1, labels.length), 2 * ROW);
    const [left, right] = [apart(columns), apart(rows)];
    const svg = draw("svg", {viewBox: `0 0 100 ${height}`, height, preserveAspectRatio: "none", "aria-hidden": true});
    map.forEach((row, r) => row.forEach((weight, c) => {
      if (weight < 0.02) return;
      const [from, to] = [left * (c + 0.5), right * (r + 0.5)];
      const path = draw("path", {
        d: `M0 ${from}C45 ${from} 55 ${to} 100 ${to}`, "stroke-width": 0.8 + 3.2 * weight, opacity: Math.min(1, 0.06 + weight),
        style: `--o:${Math.min(1, 0.2 + weight)}`,
      }, svg);
      this.marks.push([path, r, c]);
    }));
    const list = (side, labels, name) => {
      const list = make("ol", {className: side === "row" ? "to" : "from", ariaLabel: name},
        ...labels.map((text, n) => make("li", {}, this.label(side, n, text))));
      list.style.setProperty("--row", `${apart(labels)}px`);
      return list;
    };
    const [seen, looking] = this.names();
    const picture = make("div", {className: "lines"},
      ...[seen, "", looking].map((textContent) => make("div", {className: "name", textContent, ariaHidden: "true"})),
      list("column", columns, seen), svg, list("row", rows, looking));
    return (this.picture = picture);
  }

  matrix({rows, columns, map}) {
    this.begin(rows, columns, map);
    const many = columns.length > 24, side = columns.length > 44 ? 0.95 : many ? 1.3 : columns.length > 15 ? 1.7 : 2.1;
    const longest = Math.max(1, ...columns.map((text) => [...text].reduce((n, c) => n + (c > "\u2e7f" ? 2 : 1), 0)));
    const heads = columns.map((text, c) => make("th", {scope: "col"}, this.label("column", c, text)));
    const body = map.map((row, r) => make("tr", {}, make("th", {scope: "row"}, this.label("row", r, rows[r])),
      ...Array.from(row, (weight, c) => {
        const cell = make("td", {className: weight > 0.6 ? "s" : weight > 0.2 ? "m" : ""});
        if (weight >= 0.005) {
          cell.style.setProperty("--w", Math.min(1, weight).toFixed(2));
          cell.append(make("b", {textContent: (100 * weight).toFixed(0)}));
        }
        cell.title = `${rows[r]} ← ${columns[c]}: ${percent(weight)}`;
        cell.onmouseenter = () => this.pick(["row", r]);
        this.marks.push([cell, r, c]);
        return cell;
      })));
    const table = make("table", {}, make("thead", {}, make("tr", {}, make("td"), ...heads)), make("tbody", {}, ...body));
    const picture = make("div", {className: many ? "matrix many" : "matrix"}, table);
    picture.style.cssText = `--side:${side}rem;--head:${(0.34 * longest + 1.2).toFixed(1)}rem;padding-right:${(0.28 * longest + 1).toFixed(1)}rem`;
    return (this.picture = picture);
  }

  begin(rows, columns, map) {
    Object.assign(this, {labels: {row: [], column: []}, texts: {row: rows, column: columns}, weights: map, marks: []});
  }

  names() {
    const {kind} = this.chosen;
    return [kind === "decoder" ? "target before" : "source", kind === "encoder" ? "source" : "target"];
  }

  // Light up what a word looked at, or what looked at it, and say it.
  pick(which) {
    if (!this.labels) return;
    const [side, number] = which ?? [null, -1];
    const other = side === "row" ? "column" : "row";
    this.picture.classList.toggle("picking", which !== null);
    for (const [mark, r, c] of this.marks) mark.classList.toggle("lit", (side === "row" ? r : c) === number);
    const shares = which === null ? [] : side === "row" ? Array.from(this.weights[number]) : this.weights.map((row) => row[number]);
    for (const each of ["row", "column"])
      this.labels[each].forEach((label, n) => {
        label.classList.toggle("picked", each === side && n === number);
        label.style.setProperty("--w", each === other ? (shares[n] ?? 0).toFixed(3) : 0);
      });
    if (which === null) return void this.said.replaceChildren();
    const best = shares.map((share, n) => [share, this.texts[other][n]]).filter(([share]) => share >= 0.01).sort((a, b) => b[0] - a[0]).slice(0, 6);
    const parts = best.flatMap(([share, text], n) => [n ? ", " : "", bdi(text), ` ${percent(share)}`]);
    this.said.replaceChildren(make("b", {}, bdi(this.texts[side][number])), make("span", {className: "quiet", textContent: side === "row" ? " looked at " : " was looked at by "}), ...(parts.length ? parts : ["nothing to speak of"]));
  }

  // Arrow keys: along a list, and to the other side's strongest word.
  walk(event) {
    const focused = document.activeElement;
    const side = ["row", "column"].find((each) => this.labels[each].includes(focused));
    if (!side) return;
    const list = this.labels[side], at = list.indexOf(focused), across = this.chosen.view === "matrix" && side === "column";
    const [back, on] = across ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    const places = {[back]: at - 1, [on]: at + 1, Home: 0, End: list.length - 1};
    let next = list[places[event.key]];
    if (!next && ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key) && !(event.key in places)) {
      const shares = side === "row" ? Array.from(this.weights[at]) : this.weights.map((row) => row[at]);
      next = this.labels[side === "row" ? "column" : "row"][shares.indexOf(Math.max(...shares))];
    }
    if (!next) {
      if (event.key === "Escape") { this.kept = null; this.pick(null); }
      return;
    }
    event.preventDefault();
    const mine = this.labels.row.includes(next) ? "row" : "column";
    for (const label of this.labels[mine]) label.tabIndex = label === next ? 0 : -1;
    next.focus();
  }

  // --- step by step

  steps() {
    const {target, steps} = this.candidate, courses = new Map();
    if (!this.forced && this.chosen.candidate === 0)
      for (const course of this.data.forced) courses.set(`${course.step} ${course.target.pieces[course.step]}`, course);
    const rows = steps.map(([probability, others], step) => {
      const bar = make("span", {className: "bar"}, make("i"));
      bar.firstChild.style.width = `${100 * probability}%`;
      const told = others.map(([piece, share]) => {
        const course = courses.get(`${step} ${piece}`), inside = [bdi(piece), make("small", {textContent: ` ${percent(share)}`})];
        if (!course) return share < 0.001 ? null : make("span", {className: "other quiet"}, ...inside);
        const button = make("button", {type: "button", className: "other", title: `Say this instead: ${course.text}`}, ...inside);
        button.onclick = () => this.force(course);
        return button;
      });
      return make("tr", {className: this.forced?.step === step ? "forced" : ""}, make("th", {scope: "row"}, bdi(target.pieces[step])),
        make("td", {className: "sure"}, bar, percent(probability)), make("td", {}, ...told));
    });
    const some = courses.size > 0, caption = some ? "Press a piece that it also thought of to see where that leads." : "";
    const heads = ["said", "how sure", this.forced ? "" : "also thought of"];
    return make("div", {className: "steps", tabIndex: 0, role: "group", ariaLabel: "Step by step"}, make("table", {},
      caption ? make("caption", {textContent: caption}) : null,
      make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", {scope: "col", textContent: text})))),
      make("tbody", {}, ...rows)));
  }

  force(course) {
    if (course !== null) this.before = {...this.chosen};
    else Object.assign(this.chosen, this.before);
    this.forced = course;
    this.show();
    (this.inside.querySelector(".what-if button") ?? this.inside.querySelector(".steps button"))?.focus();
  }

  whatIf() {
    const best = this.data.candidates[0], {step, target, text} = this.forced;
    const back = make("button", {type: "button", textContent: "Back to what it said"});
    back.onclick = () => this.force(null);
    const log = (each) => (each.log === null ? "" : ` (log-probability ${each.log.toFixed(2)})`);
    return make("div", {className: "what-if"}, make("div", {},
      make("div", {className: "quiet"}, "With ", bdi(target.pieces[step]), " in the place of ", bdi(best.target.pieces[step]), " it goes on:"),
      make("div", {}, make("b", {}, bdi(text)), make("span", {className: "quiet", textContent: log(this.forced)})),
      make("div", {className: "quiet"}, bdi(best.text), log(best))), back);
  }

  // --- the beam

  beam() {
    const box = make("details", {className: "beam"}, make("summary", {textContent: "The beam: what was kept at each step, and what was dropped"}));
    box.ontoggle = () => { if (box.open && !box.querySelector("table")) box.append(this.grown()); };
    return box;
  }

  grown() {
    const steps = this.data.beam, ranks = Math.max(...steps.map((step) => step.length));
    const kept = Math.max(...steps.map((step) => step.filter((branch) => branch[4]).length));
    // From the end back: which branches lead to a hypothesis that was returned, and which to the best.
    const fate = steps.map((step) => step.map((branch) => (branch[4] ? "kept" : "out")));
    steps[steps.length - 1].forEach((branch, rank) => {
      if (!branch[4]) return;
      for (let step = steps.length - 1, at = rank; step >= 0; at = steps[step--][at][1])
        if (fate[step][at] !== "best") fate[step][at] = rank === 0 ? "best" : "end";
    });
    const place = (step, rank) => rank < kept && steps[step][rank][4] ? rank : rank - steps[step].filter((b) => b[4]).length + kept;
    const width = FIRST + COLUMN * steps.length, height = HEADER + RANK * (ranks > kept ? 2 * kept : kept);
    const svg = draw("svg", {width, height, "aria-hidden": true});
    const cells = Array.from({length: Math.round((height - HEADER) / RANK)}, () => steps.map(() => make("td")));
    steps.forEach((step, s) => step.forEach(([piece, parent, log, score, , ended], rank) => {
      const before = s ? steps[s - 1][parent] : null, carried = before?.[5];
      const [x, y] = [FIRST + COLUMN * s, HEADER + RANK * (place(s, rank) + 0.5)];
      if (s) {
        const [u, v] = [x - COLUMN + (carried ? 12 : 50), HEADER + RANK * (place(s - 1, parent) + 0.5)];
        draw("path", {class: fate[s][rank], d: `M${u} ${v}C${x - 8} ${v} ${x - 24} ${y} ${x + 12} ${y}` + (carried ? `H${x + COLUMN}` : "")}, svg);
      }
      const cell = cells[place(s, rank)][s];
      cell.className = fate[s][rank];
      if (carried) return;
      const box = make("span", {title: `log-probability ${log}, score ${score}` + (ended ? ", ended" : "")}, bdi(piece), make("small", {textContent: score.toFixed(2)}));
      cell.append(box);
    }));
    const row = (name, inside) => make("tr", {}, make("th", {scope: "row", textContent: name}), ...inside);
    const table = make("table", {},
      make("thead", {}, make("tr", {}, make("th"), ...steps.map((_, n) => make("th", {scope: "col", textContent: n + 1})))),
      make("tbody", {}, ...cells.map((inside, n) => row(n < kept ? `kept ${n + 1}` : "dropped", inside))));
    table.style.width = `${width}px`;
    table.querySelectorAll("thead th").forEach((head, n) => { head.style.width = `${n ? COLUMN : FIRST}px`; });
    const how = "A column is a step, best first; below a piece is the score so far, the mean log-probability of a piece. "
      + "The thick line is the best translation; dashed boxes were dropped.";
    const inner = make("div", {}, svg, table);
    inner.style.setProperty("--fit", Math.min(1, PAPER / width).toFixed(3));
    const grown = make("div", {className: "grown", tabIndex: 0, role: "group", ariaLabel: "Beam search"}, inner);
    return make("div", {}, make("p", {className: "quiet", textContent: how}), grown);
  }
}

// --- the page

const data = document.querySelectorAll("script.data");
document.querySelectorAll("details.look").forEach((box, number) => {
  const build = () => {
    if (!box.open || box.dataset.built) return;
    box.dataset.built = "yes";
    new Sentence(box.querySelector(".inside"), JSON.parse(data[number].textContent));
  };
  box.addEventListener("toggle", build);
  build();
});
