"use strict";

// Everything is on the page before this runs. It hides what is not asked for, and brings sources to where they are asked for.
document.documentElement.classList.add("js");

const form = document.getElementById("filters");
const stock = document.getElementById("sources");
const clauses = JSON.parse(document.getElementById("index").textContent)
  .map((entry) => ({ ...entry, element: document.getElementById(entry.id) }));

/** The filters as the form has them. */
function asked() {
  const data = new FormData(form);
  return {
    words: data.get("words").trim(),
    level: data.get("level"),
    status: data.get("status"),
    section: data.get("section"),
    without: data.getAll("without"),
  };
}

function matches(clause, filters, words) {
  const isLevel = filters.level === "MUST*" ? clause.level.startsWith("MUST") : !filters.level || clause.level === filters.level;
  return isLevel
    && (!filters.status || clause.status === filters.status)
    && (!filters.section || clause.section === filters.section)
    && filters.without.every((what) => clause.without.includes(what))
    && words.every((word) => clause.words.includes(word));
}

/** Shows the clauses that are asked for. */
function apply() {
  const filters = asked();
  const words = filters.words.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const clause of clauses) {
    const isFound = matches(clause, filters, words);
    clause.element.hidden = !isFound;
    found += isFound;
  }
  for (const section of document.querySelectorAll(".section")) {
    section.hidden = !section.querySelector(".clause:not([hidden])");
  }
  const isFiltered = Object.values(filters).some((value) => value.length > 0);
  const all = `${clauses.length} clause${clauses.length === 1 ? "" : "s"}`;
  document.getElementById("count").textContent = isFiltered ? `${found} of ${all}` : all;
  document.getElementById("clear").hidden = !isFiltered;
  document.getElementById("none").hidden = found > 0;
}

/** Keeps the filters in the address, so that it can be passed on. */
function keep() {
  const filters = asked(), kept = new URLSearchParams();
  for (const name of ["words", "level", "status", "section"]) if (filters[name]) kept.set(name, filters[name]);
  for (const what of filters.without) kept.append("without", what);
  const page = location.href.split("#")[0];
  history.replaceState(null, "", kept.size ? `${page}#${kept}` : page);
}

/** Does what the address says: filters, or a clause or a place that is meant. */
function follow() {
  const fragment = location.hash.slice(1);
  const isFilters = fragment.includes("=");
  const kept = new URLSearchParams(isFilters ? fragment : "");
  for (const name of ["words", "level", "status", "section"]) form.elements[name].value = kept.get(name) ?? "";
  for (const select of form.querySelectorAll("select")) if (select.selectedIndex < 0) select.value = "";
  for (const box of form.querySelectorAll("[name=without]")) box.checked = kept.getAll("without").includes(box.value);
  apply();
  if (isFilters || !fragment) return;
  const meant = targetOf(location.hash);
  if (!meant) return;
  if (meant.matches(".excerpt")) {
    const link = document.querySelector(`a.place[href="${CSS.escape(location.hash)}"]`)
      ?? [...document.querySelectorAll("a.place")].find((place) => targetOf(place.hash) === meant);
    if (link && !meant.closest(".evidence")) show(link);
  }
  for (let element = meant; element; element = element.parentElement) if (element.matches("details")) element.open = true;
  meant.scrollIntoView({ block: "start" });
}

function targetOf(hash) {
  try {
    return document.getElementById(decodeURIComponent(hash.slice(1)));
  } catch {
    return null;
  }
}

/** Brings what stands at a place to the link that names it; the second time, it takes it away. */
function show(link) {
  const excerpt = targetOf(link.hash), item = link.closest(".evidence");
  const isShown = excerpt.parentElement === item;
  excerpt.parentElement.querySelector(":scope > a.place")?.setAttribute("aria-expanded", "false");
  (isShown ? stock : item).append(excerpt);
  link.setAttribute("aria-expanded", String(!isShown));
}

/** What is scrolled to is not hidden behind the filters, where those stay in sight. */
function makeRoom() {
  const isInSight = getComputedStyle(form).position === "sticky";
  document.documentElement.style.scrollPaddingTop = `${isInSight ? form.offsetHeight - 1 : 8}px`;
}

form.addEventListener("input", () => { apply(); keep(); });
form.addEventListener("submit", (event) => event.preventDefault());
// The fields are empty only behind this event.
form.addEventListener("reset", () => setTimeout(() => { apply(); keep(); }));
addEventListener("hashchange", follow);
addEventListener("resize", makeRoom);

for (const button of document.querySelectorAll("button[data-without]")) {
  button.addEventListener("click", () => {
    form.reset();
    form.elements.level.value = "MUST*";
    form.querySelector(`[value="${button.dataset.without}"]`).checked = true;
    // Behind the event that emptying the form leads to.
    setTimeout(() => { form.scrollIntoView({ block: "start" }); });
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.place");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link);
});

document.getElementById("all").addEventListener("click", ({ target }) => {
  const open = target.textContent === "Open all";
  for (const { element } of clauses) if (!element.hidden) element.open = open;
  target.textContent = open ? "Close all" : "Open all";
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, select") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  form.elements.words.focus();
});

for (const link of document.querySelectorAll("a.place")) link.setAttribute("aria-expanded", "false");
makeRoom();
follow();
