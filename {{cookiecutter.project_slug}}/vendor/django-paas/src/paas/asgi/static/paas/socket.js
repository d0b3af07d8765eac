"use strict";

// connectSocket(path, {subprotocol, onMessage, onState}) opens a WebSocket to this site and keeps
// it open: it answers pings, and connects again until the user is logged out.
// onMessage(message) gets each message but pings. onState(state) gets "open", "reconnecting" or
// "logged out". Returns an object; its send(message) sends JSON, or returns false if no WebSocket is
// open.

function connectSocket(path, { subprotocol, onMessage, onState = () => {} }) {
  const FIRST_DELAY = 500; // milliseconds
  const MAX_DELAY = 20000;
  const LOGGED_OUT = 4401; // paas/asgi/close_codes.py
  let socket;
  let delay = FIRST_DELAY;
  let timer;

  function connect() {
    clearTimeout(timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(`${scheme}//${location.host}${path}`, subprotocol ?? []);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      delay = FIRST_DELAY;
      onState("open");
    };
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.type === "ping") {
        socket.send(JSON.stringify({ type: "pong" }));
      } else {
        onMessage(message);
      }
    };
    socket.onclose = async (event) => {
      // Not if the session has only a new key, as after a new password.
      if (event.code === LOGGED_OUT && (await isLoggedOut())) {
        onState("logged out");
        return;
      }
      onState("reconnecting");
      if (!opened) {
        reloadIfLoggedOut();
      }
      // Jitter, or all pages would come back to a restarted server at the same moment.
      timer = setTimeout(connect, delay * (0.5 + Math.random()));
      delay = Math.min(delay * 2, MAX_DELAY);
    };
  }

  // The page itself says so, by redirecting to the login page; a rejected handshake does not say why.
  async function isLoggedOut() {
    try {
      const response = await fetch(location.href, { method: "HEAD", redirect: "manual" });
      return response.type === "opaqueredirect";
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
  return {
    send(message) {
      const isOpen = socket.readyState === WebSocket.OPEN;
      if (isOpen) {
        socket.send(JSON.stringify(message));
      }
      return isOpen;
    },
  };
}
