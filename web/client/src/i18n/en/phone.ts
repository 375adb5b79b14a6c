export default {
  phone: {
    bar: "Current call", open: "Open the call with {name}", collapse: "Back to work", mute: "Mute", unmute: "Unmute", hold: "Hold", resume: "Resume",
    keypad: "Keypad", transfer: "Transfer", "transfer-to": "Transfer to …", "transfer-now": "Transfer to {name} now", "ask-first": "Ask {name} first",
    join: "Connect both", camera: "Camera", "camera-on": "Turn the camera on", "camera-off": "Turn the camera off", "hang-up": "Hang up",
    "to-desk": "Continue on {device}", "own-picture": "Your picture", "back-to": "Back to {name}",
    "no-call": "No call now", "no-call-text": "Dial a number on the Calls page, or press Ctrl K anywhere.",
    incoming: "Incoming call from {name}", "incoming-audio": "Incoming call", "incoming-video": "Incoming video call", for: "For {name} ({because})",
    because: { busy: "busy", "no-answer": "no answer", unreachable: "not reachable", dnd: "do not disturb", always: "forwarded" },
    answer: "Answer", decline: "Decline", "with-video": "With video", "elsewhere-send": "Send on",
    elsewhere: "A call on another phone of yours", "on-device": "on {device}", "take-here": "Take it here",
    transferring: "Transferring to {name} …", "transfer-failed": "{name} did not take the call: you are still connected",
    held: "On hold", "held-by-them": "You are on hold", over: "Call ended", "over-after": "Call ended · {time}",
    phase: { calling: "Calling …", ringing: "Ringing …", incoming: "Incoming call", answering: "Connecting …" },
    registration: {
      none: "chat only, no phone", off: "phone is off", connecting: "phone is connecting …", registered: "phone is ready", failed: "phone can't register",
    },
    failure: {
      busy: "{name} is busy", "no-answer": "{name} did not answer", refused: "{name} declined the call", unreachable: "{name} can't be reached now",
      unavailable: "{name} is not available", "not-found": "There is no such number", cancelled: "Call cancelled", "answered-elsewhere": "Answered on another phone",
      "microphone-blocked": "Your microphone is blocked by the browser", "microphone-missing": "No microphone was found", "camera-missing": "The camera can't be used",
      network: "The phone has no connection to the server", media: "The two phones share no way to talk", forbidden: "You may not call this number", failed: "The call failed",
    },
    help: {
      "microphone-blocked": [
        "Click the icon to the left of the address at the top of the browser.",
        "Set the microphone (and the camera) to “Allow”.",
        "Call again. If it stays blocked, look into the privacy settings of your system.",
      ],
      "microphone-missing": ["Plug in a headset or a microphone.", "Choose it in the settings and try the test.", "Call again."],
      "camera-missing": [
        "Close other programs that use the camera.",
        "Check that it is plugged in and allowed for this page.",
        "You can always call without video.",
      ],
    },
  },
  calls: {
    filter: "Which calls", all: "All", missed: "Missed", in: "Incoming", out: "Outgoing", none: "No calls yet",
    "none-text": "Your number is {number}. Register a phone, or dial the echo test *43 on the keypad.",
    "none-missed": "No missed calls", "none-in": "No incoming calls", "none-out": "No outgoing calls",
    unknown: "Number withheld", "missed-one": "Missed", incoming: "Incoming", outgoing: "Outgoing", "answered-by": "Answered by {name}",
    outcome: {
      answered: "Answered", busy: "Busy", "no-answer": "No answer", unreachable: "Not reachable", dnd: "Do not disturb", refused: "Declined",
      cancelled: "Cancelled", failed: "Failed", "not-found": "No such number",
    },
    started: "Started", "answered-after": "Answered after", talked: "Talked for", by: "Answered by", ended: "Ended",
    why: "why?", "why-title": "Why it went there", "no-why": "Nothing is recorded about the way of this call.", details: "Sound quality and details",
    "call-again": "Call", number: "Number", erase: "Erase the last digit", "last-dialled": "Last dialled",
    echo: "Your number is {number}. Dial *43 to hear yourself: the echo test.",
  },
  explanation: { alternatives: "{n} alternative was not taken | {n} alternatives were not taken" },
};
