"use strict";
// Speaks the server's own dialect of /translate. All text comes in by textContent.

const PAUSE = 250;  // milliseconds without a key until what was typed is sent
const OTHERS = 3;  // other ways to say a sentence
const DOUBT = 0.5;  // a sentence whose pieces are less probable is underlined
const SEEN = 0.05;  // a word that was looked at less is not told
const TAGS = {zt: "zh-Hant", pb: "pt-BR"};  // the server's codes that browsers call otherwise

const at = (id) => document.getElementById(id);
const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);
const tag = (code) => TAGS[code] ?? code;
const percent = (share) => `${Math.round(100 * share)}\u00a0%`;

let languages = [], settings = null;
let asking = null;  // the request under way, which the next one aborts
let detected = null;  // what "Detect language" found
let parts = [];  // of the translation: what stands between sentences, or a sentence (see sentences)
let looked = null;  // the word that shows where it comes from: {part, number}
let open = null;  // the sentence whose other ways are listed

// --- the server

// The answer, or an Error with one sentence for the reader.
async function ask(path, body, signal) {
  let answer;
  try {
    answer = await fetch(path, body ? {method: "POST", body, signal, headers: typeof body === "string" ? {"Content-Type": "application/json"} : {}} : {signal});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer.");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(content.error ? content.error.replace(/[.!]?$/, ".") : `The server answered ${answer.status}.`);
  return content;
}

const translation = (q, source, more, signal) =>
  ask("translate", JSON.stringify({q, source, target: at("target").value, ...key(), ...glossary(), ...more}), signal);
const key = () => (at("key").value ? {api_key: at("key").value} : {});
const fail = (error) => { if (error.name !== "AbortError") at("error").textContent = error.message; };

// --- languages

// In the reader's own language, or as the server calls it.
function nameOf({code, name}) {
  try {
    return new Intl.DisplayNames(navigator.languages, {type: "language", fallback: "none"}).of(tag(code)) ?? name;
  } catch { return name; }
}

const named = (code) => languages.find((one) => one.code === code) ?? {code, name: code, targets: []};
const targets = (code) => (code === "auto" ? [...new Set(languages.flatMap((one) => one.targets))] : named(code).targets);

function fill(select, codes) {
  const before = select.value;
  const options = codes.filter((code) => code !== "auto").map((code) => make("option", {value: code, textContent: nameOf(named(code))}));
  options.sort((one, other) => one.textContent.localeCompare(other.textContent));
  if (codes.includes("auto")) options.unshift(make("option", {value: "auto", textContent: "Detect language"}));
  select.replaceChildren(...options);
  select.value = codes.includes(before) ? before : options[0]?.value;
}

// After a choice: the targets that the source leads to, and what follows from both.
function chosen() {
  fill(at("target"), targets(at("source").value));
  const source = at("source").value, target = at("target").value;
  at("text").lang = source === "auto" ? "" : tag(source);
  at("translation").lang = tag(target);
  history.replaceState(null, "", `#${source}/${target}`);
  told(null);
  showTerms();
}

// What was detected, or null.
function told(found) {
  detected = found;
  const source = at("source").value, from = found ?? source;
  const auto = at("source").querySelector("[value=auto]");
  if (auto) auto.textContent = found ? `Detect language: ${nameOf(named(found))}` : "Detect language";
  at("swap").disabled = !(languages.some((one) => one.code === from) && targets(at("target").value).includes(from));
}

function swap() {
  const source = at("target").value, target = detected ?? at("source").value, text = whole();
  at("source").value = source;
  fill(at("target"), targets(source));
  at("target").value = target;
  if (text) at("text").value = text;
  chosen();
  changed(0);
}

// --- what is typed

let timer = 0;
function changed(pause = PAUSE) {
  clearTimeout(timer);
  asking?.abort();
  look(null);
  const count = [...at("text").value].length;
  at("clear").hidden = !count;
  at("count").textContent = count && settings ? `${count.toLocaleString("en")} of ${settings.charLimit.toLocaleString("en")} characters` : "";
  at("count").className = settings && count > settings.charLimit ? "over" : "";
  if (!at("text").value.trim()) return show([]);
  at("translation").setAttribute("aria-busy", "true");
  timer = setTimeout(translate, pause);
}

async function translate() {
  const text = at("text").value, mine = (asking = new AbortController());
  try {
    const found = await translation(text, at("source").value, {explain: true, alternatives: OTHERS}, mine.signal);
    if (mine !== asking) return;
    told(found.detectedLanguage?.language ?? null);
    show(sentences(found), found.explanation.confidence);
  } catch (error) {
    if (mine !== asking || error.name === "AbortError") return;
    show([]);
    fail(error);
  }
}

// The translation as its sentences and what stands between them. A sentence is {source, own (as the model says it),
// chosen, ways, confidence}, and where the model told of it: words (where each stands in `chosen`), sources (where in the text), attention.
function sentences({translatedText, alternatives, explanation}) {
  const found = [];
  let from = 0, read = 0;
  for (const {source, target, confidence, sourceTokens, targetTokens, attention} of explanation.segments) {
    const to = translatedText.indexOf(target, from), start = at("text").value.indexOf(source, read);
    if (to < 0) continue;
    const part = {source, own: target, chosen: target, ways: null, confidence};
    if (attention && start >= 0) {
      Object.assign(part, {words: places(target, targetTokens), sources: places(source, sourceTokens, start), attention});
    }
    found.push(translatedText.slice(from, to), part);
    from = to + target.length;
    read = Math.max(read, start + source.length);
  }
  found.push(translatedText.slice(from));
  const alone = explanation.segments.length === 1 && found.find((part) => part.source);
  if (alone) {
    const before = translatedText.indexOf(alone.chosen), after = translatedText.length - before - alone.chosen.length;
    alone.ways = [...new Set([alone.chosen, ...alternatives.map((one) => one.slice(before, one.length - after))])];
  }
  return found.filter((part) => part !== "");
}

// Where each word stands in a text, as [start, end], counted from `offset`; null where it does not.
function places(text, words, offset = 0) {
  let from = 0;
  return words.map((word) => {
    const start = text.indexOf(word, from);
    if (start < 0) return null;
    from = start + word.length;
    return [start + offset, from + offset];
  });
}

// --- the translation

const whole = () => parts.map((part) => part.chosen ?? part).join("");

function show(found, confidence = null) {
  parts = found;
  at("error").textContent = "";
  at("said").textContent = "";
  at("translation").setAttribute("aria-busy", "false");
  at("copy").hidden = !parts.length;
  look(null);
  at("sure").textContent = confidence === null ? "" : `Confidence ${percent(confidence)}`;
  at("sure").title = "How probable the model finds its own words; no promise that they are right";
  const said = parts.filter((part) => part.source);
  at("translation").replaceChildren(...parts.map((part) => (part.source ? sentence(part, said.length > 1) : part)));
  list(said.length === 1 ? said[0] : null);
}

function sentence(part, one) {
  const span = (part.span = make("span"));
  fillIn(part);
  if (part.confidence < DOUBT) Object.assign(span, {className: "unsure", title: `Confidence ${percent(part.confidence)}`});
  if (!one && !part.words) return span;
  Object.assign(span, {role: "button", tabIndex: 0});
  if (one) span.ariaPressed = "false";
  if (part.words) span.setAttribute("aria-describedby", "hint");
  span.onclick = () => { if (getSelection().isCollapsed) ways(part); };
  span.onblur = () => look(null);
  span.onkeydown = (event) => {
    if (event.key === "Enter" || event.key === " ") ways(part);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") walk(part, event.key === "ArrowRight");
    else if (event.key === "Escape") look(null);
    else return;
    event.preventDefault();
  };
  return span;
}

// The sentence as it is said now, each word that tells where it comes from in a span of its own.
function fillIn(part) {
  const pieces = [];
  let from = 0;
  for (const [number, place] of (part.chosen === part.own && part.words ? part.words : []).entries()) {
    if (!place) continue;
    const word = make("span", {className: "word", textContent: part.chosen.slice(...place)});
    word.onpointerenter = () => look(part, number);
    word.onpointerleave = () => look(null);
    pieces.push(part.chosen.slice(from, place[0]), word);
    from = place[1];
  }
  part.span.replaceChildren(...pieces, part.chosen.slice(from));
}

// --- where a word comes from

// Lights up what the word looked at in the text, and tells it; no word: nothing.
function look(part, number = 0) {
  looked?.part.span.querySelector(".looking")?.classList.remove("looking");
  looked = part && {part, number};
  at("looked").textContent = "";
  at("lit").replaceChildren();
  if (!part || at("translation").ariaBusy === "true") return;
  const text = at("text"), lit = [], shares = part.attention[number];
  let from = 0;
  for (const [place, share] of shares.map((share, index) => [part.sources[index], share])) {
    if (!place || share < SEEN) continue;
    const mark = make("mark", {textContent: text.value.slice(...place)});
    mark.style.setProperty("--share", share);
    lit.push(text.value.slice(from, place[0]), mark);
    from = place[1];
  }
  at("lit").style.width = `${text.clientWidth + 2}px`;
  at("lit").replaceChildren(...lit, text.value.slice(from), "\n");
  at("lit").scrollTop = text.scrollTop;
  part.span.querySelectorAll(".word")[part.words.slice(0, number).filter(Boolean).length].classList.add("looking");
  const told = shares.map((share, index) => ({share, place: part.sources[index]})).filter(({share, place}) => place && share >= SEEN);
  told.sort((one, other) => other.share - one.share);
  const words = told.slice(0, 3).map(({share, place}) => `${text.value.slice(...place)} ${percent(share)}`);
  at("looked").textContent = `${part.chosen.slice(...part.words[number])}: ${words.join(", ") || "from no word of the text"}`;
}

// To the next word of a sentence, or the one before it.
function walk(part, right) {
  const there = part.span.querySelector(".word") ? [...part.words.keys()].filter((number) => part.words[number]) : [];
  if (!there.length) return;
  const on = right === (getComputedStyle(part.span).direction === "ltr");
  const now = looked?.part === part ? there.indexOf(looked.number) : on ? -1 : 0;
  look(part, there[(now + (on ? 1 : -1) + there.length) % there.length]);
}

// --- the glossary: of each direction, in this browser

const shelf = () => `glossary ${at("source").value} ${at("target").value}`;
const terms = () => { try { return JSON.parse(localStorage.getItem(shelf())) ?? {}; } catch { return {}; } };
const glossary = () => (Object.keys(terms()).length ? {glossary: terms()} : {});

function keep(kept) {
  localStorage.setItem(shelf(), JSON.stringify(kept));
  showTerms();
  changed(0);
}

function showTerms() {
  const kept = terms(), rows = Object.keys(kept).sort((one, other) => one.localeCompare(other)).map((term) => {
    const row = make("tr"), button = make("button", {type: "button", textContent: "Remove", ariaLabel: `Remove ${term}`});
    button.onclick = () => { const {[term]: gone, ...rest} = terms(); keep(rest); at("term").focus(); };
    for (const content of [term, kept[term], button]) row.insertCell().append(content);
    for (const cell of row.cells) cell.dir = "auto";
    return row;
  });
  at("terms").tBodies[0].replaceChildren(...rows);
  at("terms").hidden = !rows.length;
  const [source, target] = [at("source"), at("target")].map((select) => select.selectedOptions[0]?.textContent);
  at("terms-about").textContent = `${source} \u2192 ${target}. These words are said as you wish. They are kept in this browser, and go along with each text.`;
}

function addTerm(event) {
  event.preventDefault();
  const term = at("term").value.trim(), say = at("say").value.trim();
  if (!term || !say) return;
  keep({...terms(), [term]: say});
  at("add").reset();
  at("term").focus();
}

// Fetches the other ways to say one of several sentences, once.
async function ways(part) {
  try {
    part.ways ??= [...new Set([part.chosen, ...(await translation(part.source, detected ?? at("source").value, {alternatives: OTHERS})).alternatives])];
    if (!parts.includes(part)) return;
    list(part);
    at("said").textContent = part.ways.length > 1 ? "" : "There is no other way to say this sentence.";
  } catch (error) { fail(error); }
}

function list(part) {
  if (open?.span?.ariaPressed) open.span.ariaPressed = "false";
  open = part;
  const several = parts.filter((one) => one.source).length > 1;
  if (several) part?.span.setAttribute("aria-pressed", "true");
  at("others").hidden = !(several || part?.ways.length > 1);
  at("others-name").textContent = part ? (several ? "Other ways to say this sentence" : "Other ways to say it") : "Choose a sentence above for other ways to say it";
  at("others").querySelector("ul").replaceChildren(...(part?.ways ?? []).filter((way) => way !== part.chosen).map((way) => other(part, way)));
}

// A button that exchanges its words for the sentence's, so that the way back is in the same place.
function other(part, way) {
  const item = make("li"), button = make("button", {type: "button", textContent: way, dir: "auto", lang: at("translation").lang});
  button.onclick = () => {
    [part.chosen, button.textContent] = [button.textContent, part.chosen];
    Object.assign(part.span, {className: "", title: ""});
    fillIn(part);
    at("sure").textContent = "";  // was said of the model's own choice
  };
  item.append(button);
  return item;
}

async function copy() {
  try {
    await navigator.clipboard.writeText(whole());
  } catch {  // only pages of a safe origin have a clipboard
    getSelection().selectAllChildren(at("translation"));
    document.execCommand("copy");
    getSelection().removeAllRanges();
  }
  at("said").textContent = "Copied.";
}

// --- documents

async function translateFile(event) {
  event.preventDefault();
  const form = new FormData(), file = at("file").files[0], button = at("upload").querySelector("button");
  for (const [name, value] of Object.entries({file, source: at("source").value, target: at("target").value, ...key()})) form.append(name, value);
  at("error").textContent = "";
  at("done").textContent = "Translating…";
  button.disabled = true;
  try {
    const {translatedFileUrl} = await ask("translate_file", form);
    const name = file.name.replace(/(\.[^.]*)?$/, (suffix) => `.${at("target").value}${suffix}`);
    at("done").replaceChildren("Ready: ", make("a", {href: "download_file/" + translatedFileUrl.split("/").pop(), download: name, textContent: name}));
  } catch (error) {
    at("done").textContent = "";
    fail(error);
  } finally { button.disabled = false; }
}

function drop(event) {
  event.preventDefault();
  at("file-panel").classList.toggle("over-it", event.type === "dragover");
  if (event.type === "drop" && event.dataTransfer.files.length) at("file").files = event.dataTransfer.files;
}

// --- the page

const tabs = [...document.querySelectorAll("[role=tab]")];
function turn(to) {
  for (const each of tabs) {
    each.setAttribute("aria-selected", String(each === to));
    each.tabIndex = each === to ? 0 : -1;
    at(each.getAttribute("aria-controls")).hidden = each !== to;
  }
  at("error").textContent = "";
}

function listen() {
  at("text").oninput = () => changed();
  at("source").onchange = at("target").onchange = () => { chosen(); changed(0); };
  at("swap").onclick = swap;
  at("clear").onclick = () => { at("text").value = ""; changed(); at("text").focus(); };
  at("copy").onclick = copy;
  at("key-row").onsubmit = (event) => event.preventDefault();
  at("key").oninput = () => { localStorage.setItem("key", at("key").value); changed(); };
  at("text").onscroll = () => { at("lit").scrollTop = at("text").scrollTop; };
  at("add").onsubmit = addTerm;
  at("upload").onsubmit = translateFile;
  at("file-panel").ondragover = at("file-panel").ondragleave = at("file-panel").ondrop = drop;
  for (const each of tabs) {
    each.onclick = () => turn(each);
    each.onkeydown = (event) => {
      if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
      const there = tabs.filter((one) => !one.hidden), now = there.indexOf(each), last = there.length - 1;
      const to = there[{ArrowLeft: now ? now - 1 : last, ArrowRight: now < last ? now + 1 : 0, Home: 0, End: last}[event.key]];
      turn(to);
      to.focus();
    };
  }
}

async function begin() {
  listen();
  try {
    [languages, settings] = await Promise.all([ask("languages"), ask("frontend/settings")]);
  } catch (error) { return fail(error); }
  const codes = languages.map((one) => one.code);
  fill(at("source"), codes.length > 1 ? ["auto", ...codes] : codes);
  const [source, target] = location.hash.slice(1).split("/");
  at("source").value = codes.includes(source) || (source === "auto" && codes.length > 1) ? source : settings.language.source.code;
  fill(at("target"), targets(at("source").value));
  const wanted = target ?? settings.language.target.code;
  if (targets(at("source").value).includes(wanted)) at("target").value = wanted;
  chosen();
  at("key-row").hidden = !settings.keyRequired;
  if (settings.keyRequired) at("key").value = localStorage.getItem("key") ?? "";
  at("file-tab").hidden = !settings.filesTranslation;
  at("file").accept = settings.supportedFilesFormat.join(",");
  at("formats").textContent = `Formats: ${settings.supportedFilesFormat.join(" ")}`;
  changed(0);
}

begin();
