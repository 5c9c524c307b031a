"use strict";

// Copying needs a script, so only a script shows what copies.
for (const button of document.querySelectorAll("button[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // Where the page may not copy, the reader can: what is wanted is selected.
      getSelection().selectAllChildren(source);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

// On paper nothing can be opened.
const callers = document.querySelectorAll("td.caller details");
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...callers].filter((details) => !details.open);
  for (const details of closed) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of closed) details.open = false;
});
