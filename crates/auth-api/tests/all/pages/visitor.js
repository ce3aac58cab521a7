// What the tests do in a page: they wait for things to be there, and look.
const until = (find) => new Promise((resolve) => {
  const look = () => {
    const found = find();
    if (found) { observer.disconnect(); resolve(found); }
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
  look();
});
const shown = (selector, text) => until(() =>
  [...document.querySelectorAll(selector)].find((one) => one.textContent.trim().startsWith(text)));
const isReady = () => until(() => !document.querySelector(".busy"));
