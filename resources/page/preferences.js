// What the reader has chosen, kept in the browser for this kind of page.

const STORE = `steadfast-${document.documentElement.dataset.page}`;

/** The browser's storage, or null where it is switched off, full, or forbidden. */
function usableStorage() {
  try {
    const probe = `${STORE}:probe`;
    window.localStorage.setItem(probe, "1");
    window.localStorage.removeItem(probe);
    return window.localStorage;
  } catch {
    return null;
  }
}

/** A preference kept in the browser; without storage it lasts as long as the page. */
function preference(name, fallback) {
  const key = `${STORE}:${name}`;
  let value = usableStorage()?.getItem(key) ?? fallback;
  return {
    get: () => value,
    set: (next) => { value = next; usableStorage()?.setItem(key, next); },
  };
}

const theme = preference("theme", "");

/** Show the page light or dark: as chosen, else as the system is. */
function applyTheme() {
  const dark = theme.get() === "" ? window.matchMedia("(prefers-color-scheme: dark)").matches : theme.get() === "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light" : "Dark";
  document.dispatchEvent(new Event("themechange"));
}

/** Follow the system's choice and the button's. */
function followTheme() {
  on("theme", "click", () => {
    theme.set(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    applyTheme();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
  applyTheme();
}
