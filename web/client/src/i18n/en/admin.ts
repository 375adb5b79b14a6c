export default {
  admin: {
    overview: {
      title: "Overview", version: "version {version}", well: "All is well.", registered: "Phones online", "of-devices": "of {n} set up", "live-calls": "Calls now", now: "at this moment",
      "calls-today": "Calls today", missed: "none missed | {n} missed | {n} missed", browsers: "Browsers", "browsers-note": "signed in and open", users: "Users", blocks: "Blocks", "blocks-none": "nobody is blocked",
      "blocks-some": "guessing was stopped", processes: "Processes", running: "running", since: "since {time}", away: "not running", "process-down": "{name}: not running", listens: "Addresses",
      disk: "Disk", "disk-free": "{used} used, {free} free", authority: "Certificate authority",
    },
    process: { engine: "Telephony", web: "Web server", media: "Media {n}", worker: "Background work" },
    trouble: {
      refusing: "New calls are refused: {detail}", "disk-unreadable": "The disk of the data folder can't be read: {detail}", "disk-full": "The disk is nearly full: {detail} are free",
      "certificate-unreadable": "The certificate can't be used: {detail}", "certificate-ends": "The certificate ends on {detail}",
    },
    users: {
      title: "Users", text: "People with a number. Their phones, passwords and forwarding are behind each line.", add: "Add a user", import: "Import", search: "Name or number",
      name: "Name", number: "Number", role: "Role", phones: "Phones", forwarding: "Forwarding", "employee-id": "Employee number", online: "{online} of {all} online",
      rules: "{n} rule | {n} rules", none: "No users yet", "none-text": "Add the first, or paste a list.", "tab-person": "Person", "tab-phones": "Phones", "tab-forwarding": "Forwarding",
      "number-hint": "What one dials: 2 to 15 digits", "admin-hint": "May see and change everything here.", "one-time": "One-time password", "new-password": "New one-time password",
      made: "{name} was added", "made-text": "Pass these on: they are shown only now. At the first sign-in a new password is asked for.", open: "Open {name}",
      "remove-one": "Remove {name}?", "remove-title": "Remove {n} user? | Remove {n} users?", "remove-text": "Phones, forwarding rules and sessions go with them at once. Calls and messages stay as retention says. This can't be undone.",
      removed: "Removed: {n}",
    },
    import: {
      title: "Add people", text: "Paste rows of a spreadsheet, a CSV file, or a plain list: a number and a name in each line.", paste: "People", example: "101  Anna Orlova\n102  Boris Klimov",
      file: "From a file …", preview: "{added} new, {changed} changed, {unchanged} as before", line: "Line {n}", done: "Imported: {n}", action: "Add | Add {n} | Add {n}",
      passwords: "Passwords of the phones: they are shown only now. Give a password for this page to each person under Users.", download: "Save as CSV",
    },
    groups: {
      title: "Groups", text: "A number that stands for several people.", add: "Add a group", one: "Group {number}", number: "Number", members: "Members", strategy: "Rings",
      all: "all at once", "in-turn": "one after another", none: "No groups yet", "none-text": "A group lets a call ring several people, all at once or in turn.",
      removed: "Group {number} was removed", "remove-title": "Remove group {number}?", "remove-text": "Calls to this number will fail. Rules that forward to it will lead nowhere.",
    },
    registrations: {
      title: "Registrations", text: "Phones and browsers that can be called at this moment.", search: "Name, number or address", who: "Who", phone: "Phone", address: "Address", transport: "Over",
      since: "Online since", until: "Expires", unreachable: "its connection has ended", none: "No phone is registered", "none-text": "Add a phone to a user and type its account into it.",
    },
    live: {
      title: "Live calls", text: "Calls that are up at this moment.", caller: "From", callee: "To", state: "State", since: "Since", time: "Time", none: "No calls at this moment",
      "state-ringing": "Ringing", "state-talking": "Talking", "state-held": "On hold", "state-calling": "Calling", ended: "The call was ended",
      "hang-up": "End the call of {a} and {b}", "hang-up-text": "Both are cut off at once.",
    },
    records: {
      title: "Call records", text: "All calls, each with the reasons of its way.", search: "Name or number", dialled: "Dialled", outcome: "Outcome", any: "Any outcome", started: "Started",
      none: "No calls", one: "Call",
    },
    routing: {
      title: "Routing test", text: "What would happen: the answer comes from the same function that routes real calls.", dialled: "Dialled number", they: "they", none: "Who calls whom?",
      "none-text": "Choose a number to see what rings, for how long, and what follows.",
    },
    blocks: {
      title: "Blocks", text: "Addresses and accounts that guessed passwords too often. They end by themselves.", what: "Blocked", reason: "Why", since: "Since", until: "Until", release: "Release",
      released: "{what} was released", attempts: "{n} wrong password | {n} wrong passwords", scanner: "an address that tries account after account: {n} wrong password | an address that tries account after account: {n} wrong passwords", none: "Nobody is blocked", "none-text": "Guessing of passwords would show here.",
    },
    retention: {
      title: "Retention", text: "How long things are kept. Every night older ones are removed for good.", messages: "Messages", "messages-text": "Texts of all conversations.",
      files: "Files", "files-text": "Attachments and their previews.", calls: "Call records", "calls-text": "History, explanations and statistics of calls.",
      limit: "Limit", days: "days", forever: "for ever", "will-remove": "{n} would be removed", "will-keep": "Nothing would be removed", note: "What is under a legal hold is never removed.",
      confirm: "Remove old data for good?", "confirm-text": "The next run removes {messages} messages, {files} files and {calls} call records. This can't be undone.", action: "Save and remove",
    },
    holds: {
      title: "Legal holds", text: "Whose chat and calls are kept, whatever retention says and people delete. They are not told.", add: "Set a hold", who: "Person", reason: "Reason",
      "reason-example": "Case 7/2026", since: "Since", messages: "Messages", kept: "Copies", none: "No legal holds",
      "none-text": "A hold keeps what a person writes, reads and who they call, until you lift it.", set: "{name} is under a hold", "removed-user": "removed user",
      means: "Keeps every conversation that the person is or was in, with files, and the records of their calls. Messages that somebody edits or deletes meanwhile vanish for people, and stay here.",
      "kept-title": "What is kept", "kept-text": "Messages: {messages}. Copies of edited or deleted ones: {kept}.", export: "Download all", "export-note": "A ZIP archive with messages, files and calls. Each download stands in the audit.",
      lift: "Lift the hold", "lift-title": "Lift the hold on {name}?", "lift-text": "From the next night on, retention applies again, and {kept} copies of edited or deleted messages are removed for good.", lifted: "The hold on {name} was lifted",
    },
    audit: {
      title: "Audit", text: "Every change, and every look at other people's calls and forwarding: by whom and when.", at: "When", actor: "Who", action: "What", "any-action": "Everything", subject: "Of whom", change: "Change", none: "Nothing yet",
    },
  },
  audit: {
    user: { added: "User added", changed: "User changed", removed: "User removed", rules: { viewed: "Forwarding viewed" } },
    device: { added: "Phone added", removed: "Phone removed" },
    forwarding: { set: "Forwarding set", cleared: "Forwarding removed", replaced: "Forwarding changed" },
    group: { set: "Group set", removed: "Group removed" },
    retention: { changed: "Retention changed" },
    hold: { set: "Legal hold set", lifted: "Legal hold lifted", exported: "Legal hold downloaded" },
    message: { deleted: "Message deleted" },
    conversation: { member: { added: "Member added", removed: "Member removed" } },
    call: { ended: "Call ended", viewed: "Call record opened", searched: "Call records searched", watched: "Calls in progress watched" },
    block: { released: "Block released" },
    kind: {
      user: "Users", device: "Phones", forwarding: "Forwarding", group: "Groups", retention: "Retention", hold: "Legal holds", message: "Messages", conversation: "Conversations", call: "Calls",
      block: "Blocks",
    },
    field: {
      name: "name", role: "role", employee_id: "employee number", number: "number", label: "label", kind: "when", targets: "to", after: "after, s", caller: "caller", members: "members",
      strategy: "rings", messages: "messages, days", files: "files, days", calls: "calls, days", author: "author", outcome: "outcome", since: "from", until: "until", parties: "parties",
    },
  },
};
