export default {
  nav: {
    pages: "Pages", chats: "Chats", calls: "Calls", call: "Call", people: "People", settings: "Settings", admin: "Admin",
    new: "{n} new",
  },
  action: {
    add: "Add", back: "Back", call: "Call", "call-who": "Call {name}", "video-call": "Video call", "video-call-who": "Video call with {name}",
    cancel: "Cancel", close: "Close", copy: "Copy", copied: "Copied", delete: "Delete", discard: "Discard", done: "Done", edit: "Edit",
    more: "More", remove: "Remove", retry: "Try again", save: "Save", understood: "Understood", undo: "Undo",
  },
  status: { loading: "Loading" },
  error: {
    details: "Details",
    offline: "The server can't be reached. Check your connection.",
    timeout: "The server took too long to answer.",
    forbidden: "You may not do that.",
    server: "Something went wrong on the server. It has been logged.",
    "too-many": "Too many tries. Wait {seconds} seconds and try again.",
    unexpected: "Something unexpected happened.",
  },
  offline: { text: "No connection. You can go on writing: it is sent as soon as the server is back.", retry: "Connect now" },
  update: { text: "There is a newer version.", action: "Load it" },
  "not-found": { title: "There is nothing here", text: "The address may be mistyped, or what was here has been removed." },
  confirm: { type: "Type {word} to confirm" },
  picker: { people: "Name or number", nobody: "Nobody found" },
  table: { all: "Select all", select: "Select {what}", selected: "{n} selected | {n} selected" },
  role: { user: "User", admin: "Admin" },
  presence: {
    available: "Available", "on-the-phone": "On the phone", away: "Away", offline: "Offline", dnd: "Do not disturb",
  },
  time: {
    today: "Today", yesterday: "Yesterday", now: "just now", ago: "{time} ago", "today-at": "today at {time}",
    "yesterday-at": "yesterday at {time}", seconds: "{n} s", minutes: "{n} min", hours: "{n} h",
  },
  size: { units: "B kB MB GB TB" },
  "sign-in": {
    title: "Sign in", text: "Calls and messages of your organisation.", user: "Number or user name", password: "Password", show: "Show password",
    hide: "Hide password", action: "Sign in", wrong: "The user or the password is wrong.", ended: "You were signed out. Sign in again to go on.",
    "new-title": "Choose a password", "new-text": "You signed in with a one-time password. From now on you use one of your own.",
    "new-password": "New password", hint: "At least {n} characters. A few words are easier to remember than symbols.",
    "too-short": "At least {n} characters", "go-on": "Save and go on",
  },
  own: {
    menu: "{name}: status and settings", dnd: "Do not disturb", available: "I'm available again", "sign-out": "Sign out",
  },
  box: {
    title: "Search or dial", short: "Name or number", placeholder: "A name, a number or a word", results: "Results", call: "Call {who}",
    people: "People", conversations: "Groups", messages: "Messages", pages: "Pages", none: "Nothing found for “{text}”", choose: "choose", open: "open",
  },
  shortcuts: {
    title: "Keyboard shortcuts", everywhere: "Everywhere", calls: "Calls", chats: "Chats", search: "Search or dial", pages: "Open a page",
    help: "This list", close: "Close what is open", answer: "Answer", "hang-up": "Hang up or decline", mute: "Mute", hold: "Hold and resume",
    "next-chat": "Next or previous conversation", send: "Send", "new-line": "New line", "edit-last": "Edit my last message",
  },
  announce: {
    incoming: "Incoming call from {name}, {number}", talking: "Connected with {name}", over: "The call with {name} is over",
    message: "Message from {name}: {text}",
  },
};
