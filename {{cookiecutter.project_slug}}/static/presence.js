"use strict";

// Keeps the list of people true while the page is open: see the presence app's docstring.

const FIRST_DELAY = 500;
const MAX_DELAY = 20000;
const MAX_FEED_LENGTH = 10;
const LOGGED_OUT = 4401;

const list = document.getElementById("presence-people");
const count = document.getElementById("presence-count");
const state = document.getElementById("presence-state");
const feed = document.getElementById("presence-feed");

let socket;
let delay = FIRST_DELAY;
let timer;

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
  const word = person.online ? "online" : "offline";
  row.className = word;
  row.querySelector(".name").textContent = person.name;
  row.querySelector(".state").textContent = word;
}

function showCount() {
  count.textContent = list.querySelectorAll(".online").length;
}

function tell(text) {
  const line = document.createElement("li");
  line.textContent = text;
  feed.prepend(line);
  while (feed.children.length > MAX_FEED_LENGTH) {
    feed.lastChild.remove();
  }
}

const receivers = {
  ping() {
    socket.send(JSON.stringify({ type: "pong" }));
  },
  everyone(message) {
    list.replaceChildren();
    message.people.forEach(show);
    showCount();
  },
  change(message) {
    show(message);
    showCount();
    tell(`${message.name} ${message.what}`);
  },
};

function connect() {
  clearTimeout(timer);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/ws/presence/`, "presence");
  let opened = false;
  socket.onopen = () => {
    opened = true;
    delay = FIRST_DELAY;
    state.textContent = "";
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    receivers[message.type]?.(message);
  };
  socket.onclose = async (event) => {
    // Not if the session has only a new key, as after a new password.
    if (event.code === LOGGED_OUT && (await isLoggedOut())) {
      state.textContent = "You are logged out.";
      return;
    }
    state.textContent = "Connecting again…";
    if (!opened) {
      reloadIfLoggedOut();
    }
    // Jitter, or all pages would come back to a restarted server at the same moment.
    timer = setTimeout(connect, delay * (0.5 + Math.random()));
    delay = Math.min(delay * 2, MAX_DELAY);
  };
}

// The page itself says so, by redirecting to the login page; a refused handshake does not say why.
async function isLoggedOut() {
  try {
    const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" });
    return answer.type === "opaqueredirect";
  } catch {
    return false; // The server is away; the timer tries again.
  }
}

async function reloadIfLoggedOut() {
  if (await isLoggedOut()) {
    location.reload();
  }
}

addEventListener("online", () => {
  if (socket.readyState === WebSocket.CLOSED) {
    connect();
  }
});
connect();
