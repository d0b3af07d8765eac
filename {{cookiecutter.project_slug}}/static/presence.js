"use strict";

// The page's WebSocket sends the whole list, "everyone", and then each "change": consumers.py.

const list = document.getElementById("presence-people");
const count = document.getElementById("presence-count");
const state = document.getElementById("presence-state");
const feed = document.getElementById("presence-feed");
const MAX_FEED_LENGTH = 10;

// The template has the words, in the page's language.
function word(element, name) {
  return element.getAttribute(`data-${name.replace(" ", "-")}`) ?? "";
}

function show(person) {
  let row = list.querySelector(`[data-person="${Number(person.id)}"]`);
  if (person.hidden) {
    row?.remove();
    return;
  }
  if (!row) {
    row = document.createElement("li");
    row.dataset.person = person.id;
    row.append(document.createElement("span"), " ", document.createElement("span"));
    row.children[0].className = "name";
    row.children[1].className = "state";
    list.append(row);
  }
  row.className = person.online ? "online" : "offline";
  row.querySelector(".name").textContent = person.name;
  row.querySelector(".state").textContent = word(list, row.className);
}

function tell(text) {
  const line = document.createElement("li");
  line.textContent = text;
  feed.prepend(line);
  while (feed.children.length > MAX_FEED_LENGTH) {
    feed.lastChild.remove();
  }
}

// static/paas/socket.js of django-paas: it answers pings, and connects again.
connectSocket("/ws/presence/", {
  subprotocol: "presence",
  onState(name) {
    state.textContent = word(state, name);
  },
  onMessage(message) {
    if (message.type === "everyone") {
      list.replaceChildren();
      message.people.forEach(show);
    } else {
      show(message);
      tell(`${message.name} ${word(feed, message.what) || message.what}`);
    }
    count.textContent = list.querySelectorAll(".online").length;
  },
});
