"use strict";

// Everything is on the page before this runs. It sorts tables, and hides rows that nobody asks for.
document.documentElement.classList.add("js");

/** From how many rows on a table can be searched. */
const MANY = 12;

const value = (row, column) => {
  const { dataset, textContent } = row.cells[column];
  return dataset.sort === undefined ? textContent.trim().toLowerCase() : Number(dataset.sort);
};

const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

/** Sorts by this column; once more: the other way round. Numbers begin with the largest. */
function sort(table, column) {
  const head = table.tHead.rows[0].cells[column];
  const rows = [...table.tBodies[0].rows];
  const first = typeof value(rows[0], column) === "number" ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = head.ariaSort === first ? other : first;
  for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
  head.ariaSort = order;
  const sign = order === "ascending" ? 1 : -1;
  rows.sort((a, b) => sign * compare(value(a, column), value(b, column)));
  table.tBodies[0].append(...rows);
}

function search(table) {
  const rows = [...table.tBodies[0].rows];
  const label = document.createElement("label"), field = document.createElement("input"), said = document.createElement("output");
  label.className = "search";
  field.type = "search";
  field.autocomplete = "off";
  said.textContent = `${rows.length} rows`;
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      found += !row.hidden;
    }
    said.textContent = words.length ? `${found} of ${rows.length} rows` : `${rows.length} rows`;
  });
  label.append("Search ", field, said);
  table.parentElement.before(label);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, column));
  });
  if (table.tBodies[0].rows.length > MANY) search(table);
}
