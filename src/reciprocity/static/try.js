// Picks last month's messages by topic, wholly in the page: nothing is asked for, sent or kept.
// Without this file the page lists them all, each with its topics.

const boxes = [...document.querySelectorAll("#topics input")];
const count = document.getElementById("count");
const messages = [...document.querySelectorAll("#messages > li")];

function show() {
  const ticked = boxes.filter((box) => box.checked).map((box) => box.value);
  let about = 0;
  for (const message of messages) {
    const matches = message.dataset.topics.split(" ").some((topic) => ticked.includes(topic));
    message.hidden = ticked.length > 0 && !matches;
    about += matches;
  }
  const { none, some } = count.dataset;
  count.textContent = ticked.length === 0 ? none : some.replace("COUNT", about).replace("ALL", messages.length);
}

if (count) {
  for (const box of boxes) box.addEventListener("change", show);
  show();
}
